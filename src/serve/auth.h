/* Who may ask: bearer tokens, one principal each.
 *
 * Kept are SHA-256 digests only; a request's token is digested and compared with
 * every one of them in a time that depends on none. */
#ifndef OSMIA_SERVE_AUTH_H
#define OSMIA_SERVE_AUTH_H

#include "base/err.h"
#include "base/slice.h"
#include <stdint.h>

enum { AUTH_TOKENS_MAX = 1024, AUTH_TOKEN_MIN = 16, AUTH_DIGEST_SIZE = 32 };

struct auth {
    uint8_t (*digests)[AUTH_DIGEST_SIZE];   /* [n] */
    size_t   n;                             /* 0: nobody is asked */
};

/* Zero-initialised: no tokens.  ERR_REQUEST: too short, not visible ASCII; the
 * sentence never holds the token. */
enum err auth_add(struct auth *a, struct slice token, struct err_info *why);
/* A file of tokens, one a line; empty lines do not count.  ERR_REQUEST: it is
 * readable by everybody, or holds no token. */
enum err auth_add_file(struct auth *a, const char *path, struct err_info *why);
void     auth_drop(struct auth *a);

enum auth_verdict { AUTH_GRANTED, AUTH_MISSING, AUTH_WRONG };

/* `header`: the value of Authorization; at == NULL: none.  *principal becomes
 * 1 + the token's index, or 0 where there are no tokens. */
enum auth_verdict auth_check(const struct auth *a, struct slice header,
                             uint32_t *principal);

/* "token:" and the first 6 hex digits of its digest: all that logs may show. */
enum { AUTH_LABEL_SIZE = 16 };
void auth_label(const struct auth *a, uint32_t principal,
                char out[AUTH_LABEL_SIZE]);

#endif
