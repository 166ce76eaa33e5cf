/* The tree a template is compiled to, and the pieces of the compiler.
 *
 * Parts of a node by kind (lists hang on `next`):
 *
 *   TEXT      value                    the text
 *   PRINT     a                        {{ a }}
 *   IF        a body list other        test, then, elif nodes (IF), else
 *   FOR       a b c body other         target, sequence, filter, body, else;
 *                                      scopes 0 body, 1 else, 2 filter
 *   SET       a b                      target, value
 *   SET_BLOCK a b body                 target, filters or NULL
 *   MACRO     value list body          name, parameters (NAME with b: default)
 *   CALL_BLOCK a list body             call (NULL: a generation block)
 *   FILTER_BLOCK a body                FILTER whose innermost subject is NULL
 *   WITH      list body                SET nodes
 *   AUTOESCAPE a body
 *   BLOCK     value body
 *   LOADER    value                    include, import, from, extends
 *   CONST     value
 *   NAME      value                    name; `at` is its place
 *   NSREF     value list               name; CONST attribute
 *   TUPLE LIST CONCAT list
 *   DICT      list                     PAIR a: b
 *   UNARY     op a
 *   BINARY    op a b                   AND, OR, NOT too
 *   COMPARE   a list                   OPERAND op a
 *   COND      a b c                    test, then, else or NULL
 *   ATTR      a value                  a.value
 *   ITEM      a b                      a[b]
 *   SLICE     a b c list               a[b:c:list], each may be NULL
 *   CALL      a list other b c         callee, positional, KEYWORD value a,
 *                                      *b, **c
 *   FILTER TEST  as CALL               value: the name, row: its function */
#ifndef OSMIA_TEXT_TEMPLATE_TREE_H
#define OSMIA_TEXT_TEMPLATE_TREE_H

#include "base/err.h"
#include "text/template_value.h"

enum node_kind {
    NODE_TEXT, NODE_PRINT, NODE_IF, NODE_FOR, NODE_SET, NODE_SET_BLOCK,
    NODE_MACRO, NODE_CALL_BLOCK, NODE_FILTER_BLOCK, NODE_WITH,
    NODE_AUTOESCAPE, NODE_BLOCK, NODE_LOADER, NODE_BREAK, NODE_CONTINUE,
    NODE_CONST, NODE_NAME, NODE_NSREF, NODE_TUPLE, NODE_LIST, NODE_DICT,
    NODE_PAIR, NODE_UNARY, NODE_BINARY, NODE_AND, NODE_OR, NODE_NOT,
    NODE_CONCAT, NODE_COMPARE, NODE_OPERAND, NODE_COND, NODE_ATTR, NODE_ITEM,
    NODE_SLICE, NODE_CALL, NODE_KEYWORD, NODE_FILTER, NODE_TEST
};

/* What a name is used for (node.op of NAME). */
enum name_use { NAME_LOAD, NAME_STORE, NAME_PARAM };

enum node_flag {
    NODE_RECURSIVE   = 1,   /* FOR */
    NODE_CALLER      = 1,   /* MACRO, CALL_BLOCK: the body uses caller, */
    NODE_KWARGS      = 2,   /*   kwargs,                                */
    NODE_VARARGS     = 4,   /*   varargs                                */
    NODE_TOPLEVEL    = 8,   /* NAME in a target: also seen by blocks    */
    NODE_SCOPED      = 1    /* BLOCK */
};

/* A variable's place: so many functions outwards, this slot. */
struct place {
    uint16_t hops;
    uint32_t slot;
};

/* What happens to a slot when its scope is entered. */
enum load_kind { LOAD_PARAM, LOAD_RESOLVE, LOAD_ALIAS, LOAD_NOTHING };

struct load {
    enum load_kind    kind;
    uint32_t          slot;
    struct place      from;   /* ALIAS */
    const struct str *name;   /* RESOLVE; others: for messages */
};

struct scope {
    struct load *loads;
    size_t       n_loads;
    size_t       n_slots;   /* of the function that begins here, or 0 */
    uint32_t     special;   /* slot of `loop` (FOR) or of `caller` (MACRO) */
    uint32_t     kwargs, varargs;
};

struct node {
    uint8_t        kind, op, flags, n_scopes;
    uint16_t       height;      /* of the tree below */
    uint32_t       line, column;
    struct node   *next;
    struct node   *a, *b, *c, *list, *other, *body;
    struct val     value;
    struct place   at;
    struct scope  *scope;
    const struct builtin *row;
};

/* A compiled template owns everything in its arena. */
struct template {
    struct arena arena;
    struct node *body;
    struct scope scope;      /* the root's */
    bool         has_blocks;
};

/* ---- lexer (template_lex.c) ---- */

enum lex {
    LEX_EOF, LEX_DATA, LEX_VAR_BEGIN, LEX_VAR_END, LEX_BLOCK_BEGIN,
    LEX_BLOCK_END, LEX_NAME, LEX_STRING, LEX_INT, LEX_FLOAT,
    LEX_ADD, LEX_SUB, LEX_MUL, LEX_DIV, LEX_FLOORDIV, LEX_MOD, LEX_POW,
    LEX_TILDE, LEX_LBRACKET, LEX_RBRACKET, LEX_LPAREN, LEX_RPAREN,
    LEX_LBRACE, LEX_RBRACE, LEX_EQ, LEX_NE, LEX_GT, LEX_GE, LEX_LT, LEX_LE,
    LEX_ASSIGN, LEX_DOT, LEX_COLON, LEX_PIPE, LEX_COMMA, LEX_SEMICOLON
};

struct token {
    enum lex     kind;
    struct slice text;           /* as written; DATA: after stripping */
    struct val   value;          /* STRING, INT, FLOAT */
    uint32_t     line, column;   /* from 1; columns in bytes */
};

enum { LEX_BRACKETS = 200 };

struct lexer {
    struct arena    *arena;      /* for strings */
    struct err_info *why;
    struct slice     src;        /* newlines normalised */
    size_t           pos;
    size_t           marked, line_start;   /* lines counted up to `marked` */
    uint32_t         line;
    enum { IN_TEXT, IN_VAR, IN_BLOCK } state;
    struct token     queue[3];   /* a text, its tag; a raw block's text */
    unsigned         n_queued;
    char             brackets[LEX_BRACKETS];
    unsigned         n_brackets;
};

/* `src` must be the result of lex_normalize. */
void     lex_init(struct lexer *lx, struct slice src, struct arena *arena,
                  struct err_info *why);
enum err lex_next(struct lexer *lx, struct token *t);
/* CR LF and CR become LF and one newline at the end goes.  at NULL: no memory */
struct slice lex_normalize(struct arena *arena, struct slice source);
/* The value of a string literal (template_literal.c); no quotes in `raw`. */
enum err lex_string(struct lexer *lx, struct slice raw, struct val *out);
enum err lex_number(struct lexer *lx, struct slice raw, bool is_float,
                    struct val *out);
/* Report at a place in the source. */
enum err lex_fail(struct lexer *lx, size_t pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- parser (template_parse.c and the files it names) ---- */

struct parser {
    struct lexer     lexer;
    struct template *out;
    struct err_info *why;
    struct token     cur, ahead;
    bool             has_ahead;
    unsigned         depth;
    size_t           n_nodes;
};

enum err parse_template(struct template *out, struct slice source,
                        struct err_info *why);

/* Functions below return false or NULL when they have reported an error. */
bool         parse_advance(struct parser *p);
bool         parse_look(struct parser *p, enum lex kind, const char *name);
bool         parse_at_name(const struct parser *p, const char *name);
bool         parse_skip_name(struct parser *p, const char *name, bool *ok);
bool         parse_expect(struct parser *p, enum lex kind, const char *what);
bool         parse_deeper(struct parser *p);
struct node *parse_node(struct parser *p, enum node_kind kind);
/* A node over up to three parts; NULL parts are skipped. */
struct node *parse_over(struct parser *p, enum node_kind kind,
                        const struct token *at, struct node *a,
                        struct node *b, struct node *c);
/* Append to a list of `owner`; tail points at the last `next`. */
void         parse_append(struct node *owner, struct node ***tail,
                          struct node *child);
struct node *parse_fail(struct parser *p, const struct token *at,
                        const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Count parameters or keywords, which are looked up one by one. */
bool         parse_one_more(struct parser *p, size_t *n);
struct node *parse_unexpected(struct parser *p, const char *expected);
struct val   parse_name_value(struct parser *p, struct slice name);

/* A node whose value is the current name token's text; steps over it. */
struct node *parse_named(struct parser *p, enum node_kind kind);
/* `n` stands above `part` (may be NULL). */
void         parse_raise(struct node *n, const struct node *part);
/* Text, output and statements up to one of the end tags (NULL: to the end of
 * the template), which becomes the current token. */
bool         parse_body(struct parser *p, struct node *owner,
                        struct node **list, const char *const *ends);
struct node *parse_statement(struct parser *p);

enum {
    TUPLE_NO_COND = 1, TUPLE_SIMPLE = 2, TUPLE_PARENS = 4, TUPLE_NAMESPACE = 8
};
struct node *parse_tuple(struct parser *p, unsigned flags, const char *end);
struct node *parse_expression(struct parser *p);
/* An expression without `if` and `else` at its top. */
struct node *parse_or(struct parser *p);
/* Calls, attributes and items behind n (NULL is handed on). */
struct node *parse_postfix(struct parser *p, struct node *n);
struct node *parse_call(struct parser *p, struct node *callee);
/* (a, k=b, *c, **d) into a CALL, FILTER or TEST node. */
bool         parse_arguments(struct parser *p, struct node *call);
/* A dotted name (of a filter or test) as the node's value. */
bool         parse_dotted(struct parser *p, struct node *n);
struct node *parse_primary(struct parser *p, bool with_namespace);
/* Filters behind nothing: for filter blocks and set blocks. */
struct node *parse_filters(struct parser *p, struct node *subject,
                           bool start_inline);

/* ---- names to places (template_scope.c) ---- */

enum err scope_resolve(struct template *t, struct err_info *why);

/* Make a string value; at NULL of the result's str: no memory. */
struct val tree_str(struct arena *arena, struct slice s);
enum err tree_fail(struct err_info *why, const struct node *at,
                   const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
