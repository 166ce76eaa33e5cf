/* The parser of templates: expressions.
 *
 * Jinja's own grammar, which is not Python's: `~` binds tighter than + and -,
 * unary minus and filters tighter than **, ** groups from the left, and a test
 * takes one argument without brackets. */
#include "text/template_tree.h"

#include "base/strbuf.h"
#include "text/template_table.h"

/* ---- operators by level, loosest first ---- */

enum level { LEVEL_OR, LEVEL_AND, LEVEL_NOT, LEVEL_COMPARE, LEVEL_SUM,
             LEVEL_CONCAT, LEVEL_PRODUCT, LEVEL_POWER, LEVEL_UNARY };

static const struct {
    enum lex  token;
    uint8_t   level, op;
} binaries[] = {
    { LEX_ADD, LEVEL_SUM, OP_ADD },          { LEX_SUB, LEVEL_SUM, OP_SUB },
    { LEX_MUL, LEVEL_PRODUCT, OP_MUL },      { LEX_DIV, LEVEL_PRODUCT, OP_DIV },
    { LEX_FLOORDIV, LEVEL_PRODUCT, OP_FLOORDIV },
    { LEX_MOD, LEVEL_PRODUCT, OP_MOD },      { LEX_POW, LEVEL_POWER, OP_POW },
    { LEX_EQ, LEVEL_COMPARE, OP_EQ },        { LEX_NE, LEVEL_COMPARE, OP_NE },
    { LEX_LT, LEVEL_COMPARE, OP_LT },        { LEX_LE, LEVEL_COMPARE, OP_LE },
    { LEX_GT, LEVEL_COMPARE, OP_GT },        { LEX_GE, LEVEL_COMPARE, OP_GE },
};

/* The operator of this level at the current token, or -1. */
static int binary_op(const struct parser *p, enum level level)
{
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
        if (binaries[i].token == p->cur.kind && binaries[i].level == level)
            return binaries[i].op;
    return -1;
}

static struct node *parse_level(struct parser *p, enum level level);
static struct node *parse_unary(struct parser *p, bool with_filter);

static struct node *parse_logic(struct parser *p, enum level level)
{
    const char *word = level == LEVEL_OR ? "or" : "and";
    struct token at = p->cur;
    struct node *left = parse_level(p, level + 1);
    bool ok = true;
    while (left != NULL && parse_skip_name(p, word, &ok)) {
        struct node *right = ok ? parse_level(p, level + 1) : NULL;
        if (right == NULL)
            return NULL;
        left = parse_over(p, level == LEVEL_OR ? NODE_OR : NODE_AND, &at, left,
                          right, NULL);
    }
    return left;
}

static struct node *parse_not(struct parser *p)
{
    struct token at = p->cur;
    bool ok = true;
    if (!parse_skip_name(p, "not", &ok))
        return parse_level(p, LEVEL_COMPARE);
    if (!ok || !parse_deeper(p))
        return NULL;
    struct node *n = parse_not(p);
    p->depth--;
    return n != NULL ? parse_over(p, NODE_NOT, &at, n, NULL, NULL) : NULL;
}

/* The comparison at the current token, stepped over; -1: none, -2: error. */
static int take_comparison(struct parser *p)
{
    int op = binary_op(p, LEVEL_COMPARE);
    if (op < 0 && parse_at_name(p, "in"))
        op = OP_IN;
    if (op < 0 && parse_at_name(p, "not") && parse_look(p, LEX_NAME, "in")) {
        op = OP_NOT_IN;
        if (!parse_advance(p))
            return -2;
    }
    return op < 0 || parse_advance(p) ? op : -2;
}

static struct node *parse_compare(struct parser *p)
{
    struct token at = p->cur;
    struct node *first = parse_level(p, LEVEL_SUM), *all = NULL;
    struct node **tail = NULL;
    int op;
    while (first != NULL && (op = take_comparison(p)) != -1) {
        struct token here = p->cur;
        struct node *right = op >= 0 ? parse_level(p, LEVEL_SUM) : NULL;
        if (right == NULL)
            return NULL;
        struct node *n = parse_over(p, NODE_OPERAND, &here, right, NULL, NULL);
        if (all == NULL && n != NULL
            && (all = parse_over(p, NODE_COMPARE, &at, first, NULL, NULL)))
            tail = &all->list;
        if (n == NULL || all == NULL)
            return NULL;
        n->op = (uint8_t)op;
        parse_append(all, &tail, n);
    }
    return all != NULL ? all : first;
}

static struct node *parse_concat(struct parser *p)
{
    struct token at = p->cur;
    struct node *first = parse_level(p, LEVEL_PRODUCT);
    if (first == NULL || p->cur.kind != LEX_TILDE)
        return first;
    struct node *all = parse_over(p, NODE_CONCAT, &at, NULL, NULL, NULL);
    struct node **tail = all != NULL ? &all->list : NULL;
    for (struct node *n = first; all != NULL && n != NULL;) {
        parse_append(all, &tail, n);
        if (p->cur.kind != LEX_TILDE)
            return all;
        n = parse_advance(p) ? parse_level(p, LEVEL_PRODUCT) : NULL;
    }
    return NULL;
}

static struct node *parse_level(struct parser *p, enum level level)
{
    struct token at = p->cur;
    int op;
    switch (level) {
    case LEVEL_OR:
    case LEVEL_AND:     return parse_logic(p, level);
    case LEVEL_NOT:     return parse_not(p);
    case LEVEL_COMPARE: return parse_compare(p);
    case LEVEL_CONCAT:  return parse_concat(p);
    case LEVEL_UNARY:   return parse_unary(p, true);
    default:            break;
    }
    struct node *left = parse_level(p, level + 1);
    while (left != NULL && (op = binary_op(p, level)) >= 0) {
        struct node *right = parse_advance(p) ? parse_level(p, level + 1)
                                              : NULL;
        if (right == NULL)
            return NULL;
        left = parse_over(p, NODE_BINARY, &at, left, right, NULL);
        if (left != NULL)
            left->op = (uint8_t)op;
    }
    return left;
}

/* a if b else c */
static struct node *parse_conditional(struct parser *p)
{
    struct token at = p->cur;
    struct node *n = parse_level(p, LEVEL_OR);
    bool ok = true;
    while (n != NULL && parse_skip_name(p, "if", &ok)) {
        struct node *test = ok ? parse_level(p, LEVEL_OR) : NULL;
        struct node *other = NULL;
        if (test == NULL
            || (parse_skip_name(p, "else", &ok)
                && (!ok || (other = parse_expression(p)) == NULL)))
            return NULL;
        n = parse_over(p, NODE_COND, &at, test, n, other);
    }
    return n;
}

struct node *parse_expression(struct parser *p)
{
    if (!parse_deeper(p))
        return NULL;
    struct node *n = parse_conditional(p);
    p->depth--;
    return n;
}

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

/* (a, k=b, *c, **d) into a CALL, FILTER or TEST node. */
static bool parse_arguments(struct parser *p, struct node *call)
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

static struct node *parse_call(struct parser *p, struct node *callee)
{
    struct node *n = parse_over(p, NODE_CALL, &p->cur, callee, NULL, NULL);
    return n != NULL && parse_arguments(p, n) ? n : NULL;
}

/* A dotted name (of a filter or test) as the node's value. */
static bool parse_dotted(struct parser *p, struct node *n)
{
    struct slice name = p->cur.text;
    if (!parse_expect(p, LEX_NAME, "a name"))
        return false;
    while (p->cur.kind == LEX_DOT) {
        if (!parse_advance(p))
            return false;
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

static struct node *parse_postfix(struct parser *p, struct node *n)
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

/* ---- tests and filters behind an expression ---- */

/* Whether the current token begins an argument without brackets. */
static bool at_bare_argument(const struct parser *p)
{
    switch (p->cur.kind) {
    case LEX_NAME:
        return !parse_at_name(p, "else") && !parse_at_name(p, "or")
            && !parse_at_name(p, "and");
    case LEX_STRING:
    case LEX_INT:
    case LEX_FLOAT:
    case LEX_LBRACKET:
    case LEX_LBRACE:
        return true;
    default:
        return false;
    }
}

/* From the word `is` on. */
static struct node *parse_test(struct parser *p, struct node *subject)
{
    struct token at = p->cur;
    bool ok = parse_advance(p);
    bool negated = ok && parse_skip_name(p, "not", &ok);
    struct node *n = ok ? parse_over(p, NODE_TEST, &at, subject, NULL, NULL)
                        : NULL;
    if (n == NULL || !parse_dotted(p, n))
        return NULL;
    n->row = table_find(table_tests(), val_slice(n->value));
    if (p->cur.kind == LEX_LPAREN) {
        if (!parse_arguments(p, n))
            return NULL;
    } else if (at_bare_argument(p)) {
        if (parse_at_name(p, "is"))
            return parse_fail(p, &p->cur, "You cannot chain multiple tests"
                                          " with is");
        struct node *arg = parse_postfix(p, parse_primary(p, false));
        if (arg == NULL)
            return NULL;
        parse_append(n, &(struct node **){ &n->list }, arg);
    }
    return negated ? parse_over(p, NODE_NOT, &at, n, NULL, NULL) : n;
}

static struct node *parse_suffixes(struct parser *p, struct node *n)
{
    while (n != NULL) {
        if (p->cur.kind == LEX_PIPE)
            n = parse_filters(p, n, false);
        else if (parse_at_name(p, "is"))
            n = parse_test(p, n);
        else if (p->cur.kind == LEX_LPAREN)
            n = parse_call(p, n);
        else
            break;
    }
    return n;
}

static struct node *parse_unary(struct parser *p, bool with_filter)
{
    struct token at = p->cur;
    struct node *n = NULL;
    if (at.kind == LEX_SUB || at.kind == LEX_ADD) {
        if (!parse_advance(p) || !parse_deeper(p))
            return NULL;
        n = parse_unary(p, false);
        p->depth--;
        if (n == NULL
            || !(n = parse_over(p, NODE_UNARY, &at, n, NULL, NULL)))
            return NULL;
        n->op = at.kind == LEX_SUB ? OP_SUB : OP_ADD;
    } else {
        n = parse_primary(p, false);
    }
    n = parse_postfix(p, n);
    return with_filter ? parse_suffixes(p, n) : n;
}

/* ---- primaries ---- */

static struct node *parse_constant(struct parser *p, struct val value)
{
    struct node *n = parse_node(p, NODE_CONST);
    if (n == NULL || !parse_advance(p))
        return NULL;
    n->value = value;
    return n;
}

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
        return parse_level(p, LEVEL_OR);
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
