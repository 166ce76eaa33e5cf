/* The parser of templates: names, literals, brackets of all kinds, and tuples.
 */
#include "text/template_tree.h"

#include "base/strbuf.h"

/* ---- primaries ---- */

static struct node *parse_constant(struct parser *p, struct val value)
{
    struct node *n = parse_node(p, NODE_CONST);
    if (n == NULL || !parse_advance(p))
        return NULL;
    n->value = value;
    return n;
}

/* A name, a word that is a constant, or (in targets) a namespace's attribute.
 */
static struct node *parse_name(struct parser *p, bool with_namespace)
{
    static const struct { const char *name; struct val value; } words[] = {
        { "true",  { .kind = VAL_BOOL, .boolean = true } },
        { "True",  { .kind = VAL_BOOL, .boolean = true } },
        { "false", { .kind = VAL_BOOL, .boolean = false } },
        { "False", { .kind = VAL_BOOL, .boolean = false } },
        { "none",  { .kind = VAL_NONE } },
        { "None",  { .kind = VAL_NONE } },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (parse_at_name(p, words[i].name))
            return parse_constant(p, words[i].value);
    struct node *n = parse_node(p, NODE_NAME);
    if (n == NULL)
        return NULL;
    n->value = parse_name_value(p, p->cur.text);
    if (val_failed(n->value) || !parse_advance(p))
        return NULL;
    if (!with_namespace || p->cur.kind != LEX_DOT)
        return n;
    if (!parse_advance(p))
        return NULL;
    n->kind = NODE_NSREF;
    struct node *attr = parse_node(p, NODE_CONST);
    if (attr == NULL)
        return NULL;
    attr->value = parse_name_value(p, p->cur.text);
    if (val_failed(attr->value) || !parse_expect(p, LEX_NAME, "a name"))
        return NULL;
    parse_append(n, &(struct node **){ &n->list }, attr);
    return n;
}

/* Adjacent string literals are one. */
static struct node *parse_string(struct parser *p)
{
    struct arena *arena = &p->out->arena;
    struct node *n = parse_constant(p, p->cur.value);
    if (n == NULL || p->cur.kind != LEX_STRING)
        return n;
    struct strbuf all = { 0 };
    strbuf_put(&all, val_slice(n->value));
    while (p->cur.kind == LEX_STRING) {
        strbuf_put(&all, val_slice(p->cur.value));
        if (!parse_advance(p)) {
            strbuf_drop(&all);
            return NULL;
        }
    }
    struct slice copy = { NULL, 0 };
    if (!all.failed)
        copy = arena_copy(arena, strbuf_slice(&all));
    strbuf_drop(&all);
    if (copy.at == NULL || (n->value = tree_str(arena, copy)).str == NULL) {
        fail_nomem(p->why);
        return NULL;
    }
    return n;
}

static struct node *parse_list(struct parser *p)
{
    struct node *n = parse_node(p, NODE_LIST);
    if (n == NULL || !parse_advance(p))
        return NULL;
    struct node **tail = &n->list;
    while (p->cur.kind != LEX_RBRACKET) {
        if (n->list != NULL && !parse_expect(p, LEX_COMMA, "','"))
            return NULL;
        if (p->cur.kind == LEX_RBRACKET)
            break;
        struct node *item = parse_expression(p);
        if (item == NULL)
            return NULL;
        parse_append(n, &tail, item);
    }
    return parse_advance(p) ? n : NULL;
}

static struct node *parse_pair(struct parser *p)
{
    struct token at = p->cur;
    struct node *key = parse_expression(p);
    if (key == NULL || !parse_expect(p, LEX_COLON, "':'"))
        return NULL;
    struct node *value = parse_expression(p);
    return value != NULL ? parse_over(p, NODE_PAIR, &at, key, value, NULL)
                         : NULL;
}

static struct node *parse_dict(struct parser *p)
{
    struct node *n = parse_node(p, NODE_DICT);
    if (n == NULL || !parse_advance(p))
        return NULL;
    struct node **tail = &n->list;
    while (p->cur.kind != LEX_RBRACE) {
        if (n->list != NULL && !parse_expect(p, LEX_COMMA, "','"))
            return NULL;
        if (p->cur.kind == LEX_RBRACE)
            break;
        struct node *pair = parse_pair(p);
        if (pair == NULL)
            return NULL;
        parse_append(n, &tail, pair);
    }
    return parse_advance(p) ? n : NULL;
}

/* (a) is a, (a,) and () are tuples. */
static struct node *parse_parens(struct parser *p)
{
    struct node *n = parse_advance(p) ? parse_tuple(p, TUPLE_PARENS, NULL)
                                      : NULL;
    return n != NULL && parse_expect(p, LEX_RPAREN, "')'") ? n : NULL;
}

struct node *parse_primary(struct parser *p, bool with_namespace)
{
    switch (p->cur.kind) {
    case LEX_NAME:     return parse_name(p, with_namespace);
    case LEX_STRING:   return parse_string(p);
    case LEX_INT:
    case LEX_FLOAT:    return parse_constant(p, p->cur.value);
    case LEX_LPAREN:   return parse_parens(p);
    case LEX_LBRACKET: return parse_list(p);
    case LEX_LBRACE:   return parse_dict(p);
    default:           return parse_unexpected(p, "an expression");
    }
}

/* ---- tuples ---- */

static bool at_tuple_end(const struct parser *p, const char *end)
{
    return p->cur.kind == LEX_VAR_END || p->cur.kind == LEX_BLOCK_END
        || p->cur.kind == LEX_RPAREN
        || (end != NULL && parse_at_name(p, end));
}

static struct node *parse_tuple_item(struct parser *p, unsigned flags)
{
    if (flags & TUPLE_SIMPLE)
        return parse_primary(p, (flags & TUPLE_NAMESPACE) != 0);
    if (flags & TUPLE_NO_COND)
        return parse_or(p);
    return parse_expression(p);
}

/* Expressions separated by commas; one without a comma is itself. */
struct node *parse_tuple(struct parser *p, unsigned flags, const char *end)
{
    struct node *tuple = parse_node(p, NODE_TUPLE);
    if (tuple == NULL)
        return NULL;
    struct node **tail = &tuple->list;
    bool is_tuple = false;
    for (;;) {
        if (tuple->list != NULL && !parse_expect(p, LEX_COMMA, "','"))
            return NULL;
        if (at_tuple_end(p, end))
            break;
        struct node *item = parse_tuple_item(p, flags);
        if (item == NULL)
            return NULL;
        parse_append(tuple, &tail, item);
        if (p->cur.kind != LEX_COMMA)
            break;
        is_tuple = true;
    }
    if (is_tuple)
        return tuple;
    if (tuple->list != NULL)
        return tuple->list;
    return flags & TUPLE_PARENS ? tuple
                                : parse_unexpected(p, "an expression");
}
