/* JSON (RFC 8259): one reader for files and requests, and a tree on top of it.
 *
 * The reader is a pull parser over text in memory: it allocates nothing, does
 * not recurse, keeps integers exact to 64 bits and checks everything (UTF-8,
 * escapes, lone surrogates, numbers, depth, trailing text).  It suits big files:
 * a 30 MB tokenizer.json is walked once, with slices into the text.
 *
 * The tree is for small documents (config.json, requests): every object in it
 * has unique keys, a duplicate is an error.
 *
 * Errors name line, column and byte offset. */
#ifndef OSMIA_BASE_JSON_H
#define OSMIA_BASE_JSON_H

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/strbuf.h"
#include <stdint.h>

enum { JSON_DEPTH = 64, JSON_DEPTH_MAX = 1024 };

enum json_kind {
    JSON_NULL, JSON_BOOL, JSON_INT, JSON_FLOAT, JSON_STRING,
    JSON_ARRAY, JSON_OBJECT,
    JSON_END       /* tokens only: the innermost container is closed;
                      at depth 0: the text ended */
};

/* ---- numbers ---- */

/* An integer exactly: sign and magnitude.  Text that looks like an integer but
 * is beyond 64 bits becomes a JSON_FLOAT. */
struct json_int {
    bool     negative;
    uint64_t magnitude;
};

/* ---- the reader ---- */

struct json_reader {
    const char *start, *at, *end;
    unsigned    depth, max_depth;
    int         expect;                       /* private: what may come next */
    uint8_t     in_object[JSON_DEPTH_MAX / 8];
};

struct json_token {
    enum json_kind kind;
    bool           has_key;     /* a member of an object */
    struct slice   key;         /* between the quotes, as written */
    struct slice   text;        /* strings: between the quotes, as written;
                                   other scalars: their literal */
    bool           key_escaped, text_escaped;   /* contains a backslash */
    bool           boolean;
    struct json_int integer;    /* JSON_INT */
    double         number;      /* JSON_INT and JSON_FLOAT (may be inf on
                                   overflow of a literal such as 1e999) */
};

/* max_depth <= JSON_DEPTH_MAX. */
void json_reader_init(struct json_reader *r, struct slice text,
                      unsigned max_depth);

/* The next token.  The first call gives the document's one top-level value;
 * after it is complete, JSON_END at depth 0, forever.  That token, when it
 * closes a container as well as when a scalar came first, says that nothing but
 * white space follows.  ERR_FORMAT points; too many levels of nesting are
 * ERR_LIMIT.  After an error the reader is over. */
enum err json_next(struct json_reader *r, struct json_token *t,
                   struct err_info *why);

/* t is the token just read.  A container is passed over (and checked) up to and
 * including its end; a scalar has been passed already.  `raw` (may be NULL)
 * becomes the value's text, quotes and brackets included. */
enum err json_skip(struct json_reader *r, const struct json_token *t,
                   struct slice *raw, struct err_info *why);

/* Append the meaning of a string as written (escapes resolved). The text has
 * passed json_next, so this cannot fail but for memory (sticky in out). */
void json_unescape(struct strbuf *out, struct slice written);

/* Line and column (from 1, columns in bytes) of a place in the text. */
void json_place(const struct json_reader *r, const char *at,
                size_t *line, size_t *column);

/* ---- the tree ---- */

struct json {
    enum json_kind kind;
    bool           boolean;
    size_t         n;            /* children of an array or object */
    size_t         offset;       /* of the key, or else the value, in the text */
    struct slice   key;          /* of a member, unescaped */
    struct slice   string;       /* JSON_STRING, unescaped */
    struct json_int integer;     /* JSON_INT */
    double         number;       /* JSON_INT and JSON_FLOAT */
    struct json   *first, *next; /* children in order; next sibling */
};

/* Parse a whole text into `arena` (which owns all strings, too). */
enum err json_parse(struct json **out, struct arena *arena, struct slice text,
                    unsigned max_depth, struct err_info *why);

/* Member of an object; NULL when v is NULL, not an object, or has no such key */
const struct json *json_get(const struct json *v, const char *key);
/* The same for nested keys, separated by dots: "rope_scaling.factor". */
const struct json *json_path(const struct json *v, const char *path);
/* Copies, to be changed: of a value alone (children shared, no next sibling), and
 * of a container with copies of its children (their own children are shared).
 * NULL: no memory. */
struct json *json_copy_node(struct arena *arena, const struct json *of);
struct json *json_copy_level(struct arena *arena, const struct json *of);
/* Element i; NULL when v is NULL, not an array, or too short.  O(i). */
const struct json *json_at(const struct json *v, size_t i);

static inline bool json_is(const struct json *v, enum json_kind kind)
{
    return v != NULL && v->kind == kind;
}

/* "an array", "a string" ...: for sentences. */
const char *json_kind_name(enum json_kind kind);

/* ---- the writer ---- */

/* Append a JSON string with quotes.  Invalid UTF-8 becomes U+FFFD; control
 * characters are escaped, everything else stays as it is. */
void json_put_string(struct strbuf *out, struct slice s);
/* Shortest decimal that reads back to the same double; non-finite: null. */
void json_put_double(struct strbuf *out, double v);
/* Shortest decimal that reads back to the same float; non-finite: null. */
void json_put_float(struct strbuf *out, float v);

#endif
