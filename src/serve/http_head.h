/* The head of an HTTP/1.1 request, read strictly (RFC 9112).
 *
 * Whatever two readers could take in two ways is refused, since that is what
 * request smuggling is made of: bare line feeds, folded lines, blanks before
 * the colon, Content-Length beside Transfer-Encoding, either of them twice,
 * transfer codings other than chunked, no or two Hosts. */
#ifndef OSMIA_SERVE_HTTP_HEAD_H
#define OSMIA_SERVE_HTTP_HEAD_H

#include "base/slice.h"
#include <stdint.h>

enum read_state { READ_DONE, READ_MORE, READ_BAD };

enum { HEAD_SIZE_MAX = 32 << 10, HEAD_FIELDS_MAX = 100, TARGET_SIZE_MAX = 8192 };

struct http_field { struct slice name, value; };

struct http_head {
    /* private: how far the search for the end has come */
    size_t       start, line, scanned;

    /* READ_DONE: slices into the bytes that were given */
    size_t       size;               /* bytes of the head */
    struct slice method, target, path, query;
    struct slice authority;          /* of an absolute target; at NULL: none */
    struct slice host;               /* the authority, else the field */
    unsigned     minor;              /* 1 of HTTP/1.1 */
    struct http_field fields[HEAD_FIELDS_MAX];
    size_t       n_fields;
    bool         has_length, chunked;
    uint64_t     length;             /* Content-Length */
    bool         keep_alive, expects_continue;

    /* READ_BAD: the answer it deserves, and why */
    int          status;
    const char  *fault;
};

/* Read a head from the beginning of `in`, which holds all bytes that have come
 * so far.  Zero the struct before the first call; after READ_MORE call again
 * with the same bytes and more behind them. */
enum read_state head_read(struct http_head *h, struct slice in);

/* The value of the first field of that name (any case); at == NULL: none. */
struct slice head_field(const struct http_head *h, const char *name);

/* Does a comma-separated list hold this word (any case)? */
bool head_list_has(struct slice list, const char *word);

/* Equal but for the case of ASCII letters? */
bool head_same(struct slice a, struct slice b);

/* A character of names and methods (RFC 9110, "tchar")? */
bool head_is_token_char(char c);

#endif
