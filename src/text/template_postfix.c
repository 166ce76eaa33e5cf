/* The parser of templates: what stands behind a value: calls and their
 * arguments, filters, attributes, items and slices. */
#include "text/template_tree.h"

#include "text/template_table.h"

/* ---- calls ---- */

/* A call being read. */
struct call_parts {
    struct node  *call;
    struct node **args, **kwargs;      /* where the next one goes */
    size_t        n_kwargs;
};

/* name= of a keyword argument: its node, without the value yet. */
static struct node *parse_keyword(struct parser *p, struct call_parts *c)
{
    struct node *named = parse_node(p, NODE_KEYWORD);
    if (named == NULL || !parse_one_more(p, &c->n_kwargs))
        return NULL;
    named->value = parse_name_value(p, p->cur.text);
    for (struct node *k = c->call->other; k != NULL; k = k->next)
        if (slice_eq(p->cur.text, val_slice(k->value)))
            return parse_fail(p, &p->cur, "keyword argument repeated");
    if (val_failed(named->value) || !parse_advance(p) || !parse_advance(p))
        return NULL;
    struct node *value = parse_expression(p);
    if (value == NULL)
        return NULL;
    parse_append(named, &(struct node **){ &named->a }, value);
    return named;
}

/* One argument of a call: positional, keyword, *a or **a. */
static bool parse_argument(struct parser *p, struct call_parts *c)
{
    struct node *call = c->call;
    bool star = p->cur.kind == LEX_MUL, stars = p->cur.kind == LEX_POW;
    bool keyword = p->cur.kind == LEX_NAME && parse_look(p, LEX_ASSIGN, NULL);
    if ((star && (call->b != NULL || call->c != NULL))
        || ((stars || keyword) && call->c != NULL)
        || (!star && !stars && !keyword
            && (call->b != NULL || call->c != NULL || call->other != NULL)))
        return parse_fail(p, &p->cur, "invalid syntax for function call"
                                      " expression") != NULL;
    if ((star || stars) && !parse_advance(p))
        return false;
    struct node *value = keyword ? parse_keyword(p, c) : parse_expression(p);
    if (value == NULL)
        return false;
    if (keyword)
        parse_append(call, &c->kwargs, value);
    else if (star || stars)
        parse_append(call, &(struct node **){ star ? &call->b : &call->c },
                     value);
    else
        parse_append(call, &c->args, value);
    return true;
}

bool parse_arguments(struct parser *p, struct node *call)
{
    struct call_parts c = { call, &call->list, &call->other, 0 };
    if (!parse_expect(p, LEX_LPAREN, "'('"))
        return false;
    for (bool first = true; p->cur.kind != LEX_RPAREN; first = false) {
        if (!first && !parse_expect(p, LEX_COMMA, "','"))
            return false;
        if (p->cur.kind == LEX_RPAREN)
            break;
        if (!parse_argument(p, &c))
            return false;
    }
    return parse_advance(p);
}

struct node *parse_call(struct parser *p, struct node *callee)
{
    struct node *n = parse_over(p, NODE_CALL, &p->cur, callee, NULL, NULL);
    return n != NULL && parse_arguments(p, n) ? n : NULL;
}

bool parse_dotted(struct parser *p, struct node *n)
{
    struct slice name = p->cur.text;
    if (!parse_expect(p, LEX_NAME, "a name"))
        return false;
    while (p->cur.kind == LEX_DOT) {
        if (!parse_advance(p))
            return false;
        if (p->cur.kind == LEX_NAME)
            name.len = (size_t)(p->cur.text.at + p->cur.text.len - name.at);
        if (!parse_expect(p, LEX_NAME, "a name"))
            return false;
    }
    n->value = parse_name_value(p, name);
    return !val_failed(n->value);
}

struct node *parse_filters(struct parser *p, struct node *subject,
                           bool start_inline)
{
    while (p->cur.kind == LEX_PIPE || start_inline) {
        if (!start_inline && !parse_advance(p))
            return NULL;
        start_inline = false;
        struct node *n = parse_over(p, NODE_FILTER, &p->cur, subject, NULL,
                                    NULL);
        if (n == NULL || !parse_dotted(p, n)
            || (p->cur.kind == LEX_LPAREN && !parse_arguments(p, n)))
            return NULL;
        n->row = table_find(table_filters(), val_slice(n->value));
        subject = n;
    }
    return subject;
}

/* ---- subscripts ---- */

/* One index: an expression, or a SLICE node without its object. */
static struct node *parse_index(struct parser *p)
{
    struct token at = p->cur;
    struct node *part[3] = { NULL, NULL, NULL };
    size_t n = 0;
    if (p->cur.kind != LEX_COLON && (part[0] = parse_expression(p)) == NULL)
        return NULL;
    if (p->cur.kind != LEX_COLON)
        return part[0];
    while (p->cur.kind == LEX_COLON && n < 2) {
        if (!parse_advance(p))
            return NULL;
        n++;
        if (p->cur.kind != LEX_COLON && p->cur.kind != LEX_RBRACKET
            && p->cur.kind != LEX_COMMA
            && (part[n] = parse_expression(p)) == NULL)
            return NULL;
    }
    struct node *slice = parse_over(p, NODE_SLICE, &at, NULL, part[0], part[1]);
    if (slice != NULL && part[2] != NULL)
        parse_append(slice, &(struct node **){ &slice->list }, part[2]);
    return slice;
}

/* object[a] or object[a, b] */
static struct node *parse_item(struct parser *p, struct node *object)
{
    struct token at = p->cur;
    struct node *tuple = parse_over(p, NODE_TUPLE, &at, NULL, NULL, NULL);
    if (tuple == NULL || !parse_advance(p))
        return NULL;
    struct node **tail = &tuple->list;
    while (p->cur.kind != LEX_RBRACKET) {
        if (tuple->list != NULL && !parse_expect(p, LEX_COMMA, "','"))
            return NULL;
        struct node *index = parse_index(p);
        if (index == NULL)
            return NULL;
        parse_append(tuple, &tail, index);
    }
    if (!parse_advance(p))
        return NULL;
    struct node *first = tuple->list;
    bool one = first != NULL && first->next == NULL;
    if (one && first->kind == NODE_SLICE) {
        parse_append(first, &(struct node **){ &first->a }, object);
        return first->height < UINT16_MAX ? first : NULL;
    }
    for (struct node *n = first; n != NULL; n = n->next)
        if (n->kind == NODE_SLICE)
            return parse_fail(p, &at, "a slice cannot stand in a tuple");
    return parse_over(p, NODE_ITEM, &at, object, one ? first : tuple, NULL);
}

/* object.name or object.0 */
static struct node *parse_attribute(struct parser *p, struct node *object)
{
    struct token at = p->cur;
    if (!parse_advance(p))
        return NULL;
    struct token name = p->cur;
    if (name.kind != LEX_NAME && name.kind != LEX_INT)
        return parse_fail(p, &name, "expected name or number");
    if (!parse_advance(p))
        return NULL;
    if (name.kind == LEX_INT) {
        struct node *i = parse_over(p, NODE_CONST, &name, NULL, NULL, NULL);
        if (i == NULL)
            return NULL;
        i->value = name.value;
        return parse_over(p, NODE_ITEM, &at, object, i, NULL);
    }
    struct node *n = parse_over(p, NODE_ATTR, &at, object, NULL, NULL);
    if (n == NULL)
        return NULL;
    n->value = parse_name_value(p, name.text);
    return val_failed(n->value) ? NULL : n;
}

struct node *parse_postfix(struct parser *p, struct node *n)
{
    while (n != NULL) {
        if (p->cur.kind == LEX_DOT)
            n = parse_attribute(p, n);
        else if (p->cur.kind == LEX_LBRACKET)
            n = parse_item(p, n);
        else if (p->cur.kind == LEX_LPAREN)
            n = parse_call(p, n);
        else
            break;
    }
    return n;
}
