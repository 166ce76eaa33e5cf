/* The parser of templates: what its parts share, and whole bodies.
 * Statements are in template_statement.c, expressions in template_expr.c and
 * template_primary.c.  Recursive descent; `depth` bounds the recursion, and the
 * height of every tree is bounded when its nodes are made, so that whoever
 * walks a tree later may recurse. */
#include "text/template_tree.h"

#include "base/limits.h"
#include "base/utf8.h"
#include "text/template_table.h"

#include <stdarg.h>
#include <stdio.h>

enum { NODES_MAX = 200000, HEIGHT_MAX = 1000 };

bool parse_one_more(struct parser *p, size_t *n)
{
    if (++*n <= 255)
        return true;
    fail(p->why, ERR_LIMIT, "line %u, column %u: more than 255 parameters or"
         " keyword arguments", p->cur.line, p->cur.column);
    return false;
}

/* ---- helpers ---- */

struct val tree_str(struct arena *arena, struct slice s)
{
    struct str *str = arena_take(arena, 1, sizeof *str);
    if (str != NULL)
        *str = (struct str){ .at = s.at, .len = s.len, .chars = text_chars(s) };
    return val_str(str);
}

enum err tree_fail(struct err_info *why, const struct node *at,
                   const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return fail(why, ERR_FORMAT, "line %u, column %u: %s", at->line,
                at->column, text);
}

struct node *parse_fail(struct parser *p, const struct token *at,
                        const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fail(p->why, ERR_FORMAT, "line %u, column %u: %s", at->line, at->column,
         text);
    return NULL;
}

bool parse_advance(struct parser *p)
{
    if (p->has_ahead) {
        p->cur = p->ahead;
        p->has_ahead = false;
        return true;
    }
    return lex_next(&p->lexer, &p->cur) == ERR_OK;
}

/* Whether the token behind the current one is of this kind, and, for names,
 * this name.  An error of the lexer counts as no; it comes again later. */
bool parse_look(struct parser *p, enum lex kind, const char *name)
{
    if (!p->has_ahead) {
        struct lexer before = p->lexer;
        if (lex_next(&p->lexer, &p->ahead) != ERR_OK) {
            p->lexer = before;
            return false;
        }
        p->has_ahead = true;
    }
    return p->ahead.kind == kind
        && (name == NULL || slice_is(p->ahead.text, name));
}

bool parse_at_name(const struct parser *p, const char *name)
{
    return p->cur.kind == LEX_NAME && slice_is(p->cur.text, name);
}

bool parse_skip_name(struct parser *p, const char *name, bool *ok)
{
    if (!parse_at_name(p, name))
        return false;
    *ok = *ok && parse_advance(p);
    return true;
}

static struct slice token_text(const struct token *t)
{
    return t->kind == LEX_EOF ? SLICE("end of template")
         : t->kind == LEX_BLOCK_END ? SLICE("end of statement block")
         : t->kind == LEX_VAR_END ? SLICE("end of print statement")
         : t->text;
}

struct node *parse_unexpected(struct parser *p, const char *expected)
{
    struct slice got = token_text(&p->cur);
    if (p->cur.kind == LEX_EOF)
        return parse_fail(p, &p->cur, "unexpected end of template, expected %s",
                          expected);
    return parse_fail(p, &p->cur, "expected %s, got '%.*s'", expected,
                      (int)(got.len < 80 ? got.len : 80), got.at);
}

bool parse_expect(struct parser *p, enum lex kind, const char *what)
{
    if (p->cur.kind != kind)
        return parse_unexpected(p, what) != NULL;
    return parse_advance(p);
}

bool parse_deeper(struct parser *p)
{
    if (p->depth >= LIMIT_TEMPLATE_NESTING) {
        fail(p->why, ERR_LIMIT, "line %u, column %u: nested deeper than %d",
             p->cur.line, p->cur.column, LIMIT_TEMPLATE_NESTING);
        return false;
    }
    p->depth++;
    return true;
}

struct node *parse_node(struct parser *p, enum node_kind kind)
{
    return parse_over(p, kind, &p->cur, NULL, NULL, NULL);
}

void parse_raise(struct node *n, const struct node *part)
{
    if (part != NULL && part->height >= n->height)
        n->height = (uint16_t)(part->height + 1);
}

/* Nodes are counted and their height is checked as they are made, so that
 * neither a long nor a deep template gets further than this. */
struct node *parse_over(struct parser *p, enum node_kind kind,
                        const struct token *at, struct node *a,
                        struct node *b, struct node *c)
{
    struct node *n = arena_zero(&p->out->arena, 1, sizeof *n);
    if (n == NULL) {
        fail_nomem(p->why);
        return NULL;
    }
    n->kind = (uint8_t)kind;
    n->line = at->line;
    n->column = at->column;
    n->a = a;
    n->b = b;
    n->c = c;
    parse_raise(n, a);
    parse_raise(n, b);
    parse_raise(n, c);
    if (++p->n_nodes > NODES_MAX || n->height > HEIGHT_MAX) {
        fail(p->why, ERR_LIMIT, "line %u, column %u: the template is too %s",
             at->line, at->column, p->n_nodes > NODES_MAX ? "long" : "deep");
        return NULL;
    }
    return n;
}

void parse_append(struct node *owner, struct node ***tail, struct node *child)
{
    **tail = child;
    *tail = &child->next;
    parse_raise(owner, child);
}

struct val parse_name_value(struct parser *p, struct slice name)
{
    struct val v = tree_str(&p->out->arena, name);
    if (v.str == NULL) {
        fail_nomem(p->why);
        return val_of_kind(VAL_FAIL);
    }
    return v;
}

struct node *parse_named(struct parser *p, enum node_kind kind)
{
    struct node *n = parse_node(p, kind);
    if (p->cur.kind != LEX_NAME)
        return parse_unexpected(p, "a name");
    if (n == NULL)
        return NULL;
    n->value = parse_name_value(p, p->cur.text);
    return val_failed(n->value) || !parse_advance(p) ? NULL : n;
}

static struct node *parse_text(struct parser *p)
{
    struct node *n = parse_node(p, NODE_TEXT);
    if (n == NULL)
        return NULL;
    n->value = parse_name_value(p, p->cur.text);
    return val_failed(n->value) || !parse_advance(p) ? NULL : n;
}

static struct node *parse_output(struct parser *p)
{
    struct node *n = parse_advance(p) ? parse_node(p, NODE_PRINT) : NULL;
    if (n == NULL || (n->a = parse_tuple(p, 0, NULL)) == NULL)
        return NULL;
    parse_raise(n, n->a);
    return parse_expect(p, LEX_VAR_END, "end of print statement") ? n : NULL;
}

static bool at_end_tag(const struct parser *p, const char *const *ends)
{
    for (size_t i = 0; ends != NULL && ends[i] != NULL; i++)
        if (parse_at_name(p, ends[i]))
            return true;
    return false;
}

bool parse_body(struct parser *p, struct node *owner, struct node **list,
                const char *const *ends)
{
    struct node **tail = list;
    while (p->cur.kind != LEX_EOF) {
        struct node *n = NULL;
        if (p->cur.kind == LEX_DATA) {
            n = parse_text(p);
        } else if (p->cur.kind == LEX_VAR_BEGIN) {
            n = parse_output(p);
        } else {
            if (!parse_advance(p))
                return false;
            if (at_end_tag(p, ends))
                return true;
            n = parse_statement(p);
        }
        if (n == NULL)
            return false;
        parse_append(owner, &tail, n);
    }
    if (ends == NULL)
        return true;
    return parse_fail(p, &p->cur, "unexpected end of template: the block of"
                      " line %u is not closed by '%s'", owner->line,
                      ends[0]) != NULL;
}

enum err parse_template(struct template *out, struct slice source,
                        struct err_info *why)
{
    struct err_info local;
    struct parser p = { .out = out, .why = why != NULL ? why : &local };
    struct node root = { 0 };
    size_t valid = utf8_valid_prefix(source);
    if (valid < source.len)
        return fail(why, ERR_FORMAT, "byte %zu of the template is no UTF-8",
                    valid);
    struct slice src = lex_normalize(&out->arena, source);
    if (src.at == NULL)
        return fail_nomem(why);
    lex_init(&p.lexer, src, &out->arena, p.why);
    if (!parse_advance(&p) || !parse_body(&p, &root, &out->body, NULL))
        return p.why->code;
    return ERR_OK;
}
