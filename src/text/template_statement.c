/* The parser of templates: statements, one function for each tag, and the table
 * of them. */
#include "text/template_tree.h"

/* ---- targets ---- */

static bool is_constant_name(struct val name)
{
    static const char *const names[] = { "true", "false", "none",
                                         "True", "False", "None" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (val_is_text(name, names[i]))
            return true;
    return false;
}

/* Check that something can be assigned to this, and mark its names. */
static bool make_target(struct parser *p, const struct token *at,
                        struct node *target, enum name_use use)
{
    if (target->kind == NODE_NSREF)
        return true;
    if (target->kind == NODE_NAME && !is_constant_name(target->value)) {
        target->op = (uint8_t)use;
        return true;
    }
    if (target->kind != NODE_TUPLE)
        return parse_fail(p, at, "can't assign to this expression") != NULL;
    for (struct node *n = target->list; n != NULL; n = n->next)
        if (!make_target(p, at, n, use))
            return false;
    return true;
}

static struct node *parse_target(struct parser *p, unsigned flags,
                                 const char *end)
{
    struct token at = p->cur;
    struct node *target = parse_tuple(p, TUPLE_SIMPLE | flags, end);
    return target != NULL && make_target(p, &at, target, NAME_STORE) ? target
                                                                     : NULL;
}

static struct node *parse_name_target(struct parser *p)
{
    struct token at = p->cur;
    struct node *n = parse_named(p, NODE_NAME);
    return n != NULL && make_target(p, &at, n, NAME_STORE) ? n : NULL;
}

/* ---- bodies ---- */

/* From behind the words of a tag to one of the `ends`, which stays current. */
static bool parse_statements(struct parser *p, struct node *owner,
                             struct node **list, const char *const *ends)
{
    if (p->cur.kind == LEX_COLON && !parse_advance(p))
        return false;
    return parse_expect(p, LEX_BLOCK_END, "end of statement block")
        && parse_body(p, owner, list, ends);
}

/* The same for the only end there is, and step over it. */
static bool parse_until(struct parser *p, struct node *owner,
                        struct node **list, const char *end)
{
    const char *ends[] = { end, NULL };
    return parse_statements(p, owner, list, ends) && parse_advance(p);
}

/* ---- statements ---- */

static struct node *parse_set(struct parser *p)
{
    struct node *n = parse_node(p, NODE_SET);
    if (n == NULL || !parse_advance(p)
        || (n->a = parse_target(p, TUPLE_NAMESPACE, NULL)) == NULL)
        return NULL;
    if (p->cur.kind == LEX_ASSIGN) {
        if (!parse_advance(p) || (n->b = parse_tuple(p, 0, NULL)) == NULL)
            return NULL;
        parse_raise(n, n->b);
        return n;
    }
    n->kind = NODE_SET_BLOCK;
    if (p->cur.kind == LEX_PIPE
        && (n->b = parse_filters(p, NULL, false)) == NULL)
        return NULL;
    parse_raise(n, n->b);
    return parse_until(p, n, &n->body, "endset") ? n : NULL;
}

/* The words of a for tag. */
static bool parse_for_head(struct parser *p, struct node *n)
{
    bool ok = true;
    if (!parse_advance(p) || (n->a = parse_target(p, 0, "in")) == NULL)
        return false;
    if (!parse_at_name(p, "in"))
        return parse_unexpected(p, "'in'") != NULL;
    if (!parse_advance(p)
        || (n->b = parse_tuple(p, TUPLE_NO_COND, "recursive")) == NULL)
        return false;
    if (parse_skip_name(p, "if", &ok)
        && (!ok || (n->c = parse_expression(p)) == NULL))
        return false;
    if (parse_skip_name(p, "recursive", &ok))
        n->flags |= NODE_RECURSIVE;
    parse_raise(n, n->b);
    parse_raise(n, n->c);
    return ok;
}

static struct node *parse_for(struct parser *p)
{
    static const char *const ends[] = { "endfor", "else", NULL };
    struct node *n = parse_node(p, NODE_FOR);
    if (n == NULL || !parse_for_head(p, n)
        || !parse_statements(p, n, &n->body, ends))
        return NULL;
    bool has_else = parse_at_name(p, "else");
    if (!parse_advance(p))
        return NULL;
    return !has_else || parse_until(p, n, &n->other, "endfor") ? n : NULL;
}

/* One arm: from the word if or elif to the next elif, else or endif. */
static struct node *parse_arm(struct parser *p)
{
    static const char *const ends[] = { "elif", "else", "endif", NULL };
    struct node *n = parse_node(p, NODE_IF);
    if (n == NULL || !parse_advance(p)
        || (n->a = parse_tuple(p, TUPLE_NO_COND, NULL)) == NULL)
        return NULL;
    parse_raise(n, n->a);
    return parse_statements(p, n, &n->body, ends) ? n : NULL;
}

static struct node *parse_if(struct parser *p)
{
    struct node *n = parse_arm(p);
    if (n == NULL)
        return NULL;
    struct node **tail = &n->list;
    while (parse_at_name(p, "elif")) {
        struct node *arm = parse_arm(p);
        if (arm == NULL)
            return NULL;
        parse_append(n, &tail, arm);
    }
    bool has_else = parse_at_name(p, "else");
    if (!parse_advance(p))
        return NULL;
    return !has_else || parse_until(p, n, &n->other, "endif") ? n : NULL;
}

/* (a, b=1): NAME nodes with their defaults. */
static bool parse_parameters(struct parser *p, struct node *owner)
{
    struct node **tail = &owner->list;
    bool defaults = false;
    size_t n_params = 0;
    if (!parse_expect(p, LEX_LPAREN, "'('"))
        return false;
    while (p->cur.kind != LEX_RPAREN) {
        if (!parse_one_more(p, &n_params))
            return false;
        if (owner->list != NULL && !parse_expect(p, LEX_COMMA, "','"))
            return false;
        struct token at = p->cur;
        struct node *n = parse_name_target(p);
        if (n == NULL)
            return false;
        n->op = NAME_PARAM;
        for (struct node *m = owner->list; m != NULL; m = m->next)
            if (slice_eq(val_slice(m->value), val_slice(n->value)))
                return parse_fail(p, &at, "duplicate parameter") != NULL;
        if (p->cur.kind == LEX_ASSIGN) {
            if (!parse_advance(p) || (n->b = parse_expression(p)) == NULL)
                return false;
            parse_raise(n, n->b);
            defaults = true;
        } else if (defaults) {
            return parse_fail(p, &at, "non-default argument follows default"
                                      " argument") != NULL;
        }
        parse_append(owner, &tail, n);
    }
    return parse_advance(p);
}

static struct node *parse_macro(struct parser *p)
{
    struct token at = p->cur;
    struct node *n = parse_advance(p) ? parse_name_target(p) : NULL;
    if (n == NULL)
        return NULL;
    n->kind = NODE_MACRO;
    n->line = at.line;
    n->column = at.column;
    return parse_parameters(p, n) && parse_until(p, n, &n->body, "endmacro")
           ? n : NULL;
}

static struct node *parse_call_block(struct parser *p)
{
    struct token at = p->cur;
    struct node *n = parse_node(p, NODE_CALL_BLOCK);
    if (n == NULL || !parse_advance(p)
        || (p->cur.kind == LEX_LPAREN && !parse_parameters(p, n))
        || (n->a = parse_expression(p)) == NULL)
        return NULL;
    if (n->a->kind != NODE_CALL)
        return parse_fail(p, &at, "expected call");
    parse_raise(n, n->a);
    return parse_until(p, n, &n->body, "endcall") ? n : NULL;
}

/* {% generation %} is a call block of a function that only gives its body. */
static struct node *parse_generation(struct parser *p)
{
    struct node *n = parse_node(p, NODE_CALL_BLOCK);
    return n != NULL && parse_advance(p)
           && parse_until(p, n, &n->body, "endgeneration") ? n : NULL;
}

static struct node *parse_filter_block(struct parser *p)
{
    struct node *n = parse_node(p, NODE_FILTER_BLOCK);
    if (n == NULL || !parse_advance(p)
        || (n->a = parse_filters(p, NULL, true)) == NULL)
        return NULL;
    parse_raise(n, n->a);
    return parse_until(p, n, &n->body, "endfilter") ? n : NULL;
}

static struct node *parse_with(struct parser *p)
{
    struct node *n = parse_node(p, NODE_WITH);
    if (n == NULL || !parse_advance(p))
        return NULL;
    struct node **tail = &n->list;
    while (p->cur.kind != LEX_BLOCK_END) {
        if (n->list != NULL && !parse_expect(p, LEX_COMMA, "','"))
            return NULL;
        struct token at = p->cur;
        struct node *pair = parse_node(p, NODE_SET);
        if (pair == NULL || (pair->a = parse_target(p, 0, NULL)) == NULL
            || !make_target(p, &at, pair->a, NAME_PARAM)
            || !parse_expect(p, LEX_ASSIGN, "'='")
            || (pair->b = parse_expression(p)) == NULL)
            return NULL;
        parse_raise(pair, pair->b);
        parse_append(n, &tail, pair);
    }
    return parse_until(p, n, &n->body, "endwith") ? n : NULL;
}

static struct node *parse_autoescape(struct parser *p)
{
    struct node *n = parse_node(p, NODE_AUTOESCAPE);
    if (n == NULL || !parse_advance(p)
        || (n->a = parse_expression(p)) == NULL)
        return NULL;
    parse_raise(n, n->a);
    return parse_until(p, n, &n->body, "endautoescape") ? n : NULL;
}

/* {% print a, b %}: a chain of PRINT nodes would need a list; one node over a
 * CONCAT writes the same. */
static struct node *parse_print(struct parser *p)
{
    struct node *n = parse_node(p, NODE_PRINT);
    struct node *all = n != NULL ? parse_node(p, NODE_CONCAT) : NULL;
    if (all == NULL || !parse_advance(p))
        return NULL;
    struct node **tail = &all->list;
    while (p->cur.kind != LEX_BLOCK_END) {
        if (all->list != NULL && !parse_expect(p, LEX_COMMA, "','"))
            return NULL;
        struct node *part = parse_expression(p);
        if (part == NULL)
            return NULL;
        parse_append(all, &tail, part);
    }
    n->a = all;
    parse_raise(n, all);
    return n;
}

static struct node *parse_block(struct parser *p)
{
    bool ok = parse_advance(p);
    struct node *n = ok ? parse_named(p, NODE_BLOCK) : NULL;
    if (n == NULL)
        return NULL;
    if (parse_skip_name(p, "scoped", &ok))
        n->flags |= NODE_SCOPED;
    if (parse_at_name(p, "required"))
        return parse_fail(p, &p->cur, "a required block needs a template that"
                                      " fills it");
    if (!ok || !parse_until(p, n, &n->body, "endblock"))
        return NULL;
    if (p->cur.kind == LEX_NAME
        && slice_eq(p->cur.text, val_slice(n->value)) && !parse_advance(p))
        return NULL;
    p->out->has_blocks = true;
    return n;
}

/* include, import, from, extends: nothing can be loaded; an error when it is
 * run.  The tag's words are read over. */
static struct node *parse_loader(struct parser *p)
{
    struct node *n = parse_named(p, NODE_LOADER);
    if (n == NULL || parse_expression(p) == NULL)
        return NULL;
    while (p->cur.kind == LEX_NAME || p->cur.kind == LEX_COMMA)
        if (!parse_advance(p))
            return NULL;
    return n;
}

static struct node *parse_break(struct parser *p)
{
    struct node *n = parse_node(p, parse_at_name(p, "break") ? NODE_BREAK
                                                             : NODE_CONTINUE);
    return n != NULL && parse_advance(p) ? n : NULL;
}

static const struct {
    const char   *tag;
    struct node *(*parse)(struct parser *p);
} statements[] = {
    { "if", parse_if },             { "for", parse_for },
    { "set", parse_set },           { "macro", parse_macro },
    { "call", parse_call_block },   { "filter", parse_filter_block },
    { "with", parse_with },         { "generation", parse_generation },
    { "break", parse_break },       { "continue", parse_break },
    { "print", parse_print },       { "autoescape", parse_autoescape },
    { "block", parse_block },       { "include", parse_loader },
    { "import", parse_loader },     { "from", parse_loader },
    { "extends", parse_loader },
};

struct node *parse_statement(struct parser *p)
{
    struct slice tag = p->cur.text;
    struct node *n = NULL;
    if (p->cur.kind != LEX_NAME)
        return parse_unexpected(p, "the name of a tag");
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (!slice_is(tag, statements[i].tag))
            continue;
        if (!parse_deeper(p))
            return NULL;
        n = statements[i].parse(p);
        p->depth--;
        if (n == NULL)
            return NULL;
        return parse_expect(p, LEX_BLOCK_END, "end of statement block") ? n
                                                                        : NULL;
    }
    return parse_fail(p, &p->cur, "Encountered unknown tag '%.*s'",
                      (int)(tag.len < 80 ? tag.len : 80), tag.at);
}
