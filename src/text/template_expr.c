/* The parser of templates: expressions.
 *
 * Jinja's own grammar, which is not Python's: `~` binds tighter than + and -,
 * unary minus and filters tighter than **, ** groups from the left, and a test
 * takes one argument without brackets. */
#include "text/template_tree.h"

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

struct node *parse_or(struct parser *p)
{
    return parse_level(p, LEVEL_OR);
}

struct node *parse_expression(struct parser *p)
{
    if (!parse_deeper(p))
        return NULL;
    struct node *n = parse_conditional(p);
    p->depth--;
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
