/* Tokens as digests.
 *
 * SHA-256 and no slow hash: tokens are long and random, nobody guesses them
 * one by one; and a digest of fixed length is what makes the comparison's time
 * independent of the token's.  The tokens themselves are forgotten when they
 * have been digested, so that no core, no log and no bug can show them. */
#include "serve/auth.h"
#include "base/file.h"

#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { HEADER_MAX = 8192, FILE_MAX = 1 << 20 };

static void digest(struct slice token, uint8_t out[AUTH_DIGEST_SIZE])
{
    struct sha256_ctx sha;

    sha256_init(&sha);
    sha256_update(&sha, token.len, (const uint8_t *)token.at);
    sha256_digest(&sha, AUTH_DIGEST_SIZE, out);
}

static bool is_visible(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] >= 0x7f)
            return false;
    return true;
}

enum err auth_add(struct auth *a, struct slice token, struct err_info *why)
{
    if (token.len < AUTH_TOKEN_MIN || token.len > HEADER_MAX - 7
        || !is_visible(token))
        return fail(why, ERR_REQUEST, "an API token must be %d or more visible "
                    "ASCII characters", AUTH_TOKEN_MIN);
    if (a->n == AUTH_TOKENS_MAX)
        return fail(why, ERR_LIMIT, "more than %d API tokens", AUTH_TOKENS_MAX);
    void *grown = realloc(a->digests, (a->n + 1) * sizeof *a->digests);
    if (grown == NULL)
        return fail_nomem(why);
    a->digests = grown;
    digest(token, a->digests[a->n++]);
    return ERR_OK;
}

static enum err check_private(const char *path, struct err_info *why)
{
    struct stat st;

    if (stat(path, &st) == 0 && (st.st_mode & S_IROTH) != 0)
        return fail(why, ERR_REQUEST, "%s: everybody may read it; chmod 600 it",
                    path);
    return ERR_OK;
}

static enum err add_lines(struct auth *a, struct slice text, const char *path,
                          struct err_info *why)
{
    size_t before = a->n, line_no = 0;

    while (text.len > 0) {
        size_t len = slice_find(text, SLICE("\n"), 0);
        struct slice line = { text.at, len };
        text = slice_from(text, len < text.len ? len + 1 : len);
        line_no++;
        while (line.len > 0 && (line.at[line.len - 1] == '\r'
                                || line.at[line.len - 1] == ' '))
            line.len--;
        if (line.len == 0)
            continue;
        enum err e = auth_add(a, line, why);
        if (e != ERR_OK) {
            fail_within(why, "%s: line %zu", path, line_no);
            return e;
        }
    }
    return a->n > before ? ERR_OK
                         : fail(why, ERR_REQUEST, "%s: holds no token", path);
}

enum err auth_add_file(struct auth *a, const char *path, struct err_info *why)
{
    struct file f;
    enum err e = check_private(path, why);

    if (e == ERR_OK)
        e = file_open_small(&f, path, FILE_MAX, why);
    if (e != ERR_OK)
        return e;
    e = add_lines(a, file_slice(&f), path, why);
    file_close(&f);
    return e;
}

void auth_drop(struct auth *a)
{
    free(a->digests);
    *a = (struct auth){ 0 };
}

/* The token of "Bearer TOKEN"; empty: as if there were no header. */
static struct slice bearer(struct slice header)
{
    struct slice none = { 0 };

    if (header.len > HEADER_MAX || !slice_starts(header, SLICE("Bearer ")))
        return none;
    struct slice token = slice_from(header, 7);
    while (token.len > 0 && (token.at[0] == ' ' || token.at[0] == '\t'))
        token = slice_from(token, 1);
    for (size_t i = 0; i < token.len; i++)
        if ((unsigned char)token.at[i] < ' ' || token.at[i] == 0x7f)
            return none;
    return token;
}

enum auth_verdict auth_check(const struct auth *a, struct slice header,
                             uint32_t *principal)
{
    uint8_t given[AUTH_DIGEST_SIZE];
    struct slice token = bearer(header);

    *principal = 0;
    if (a->n == 0)
        return AUTH_GRANTED;
    if (token.len == 0)
        return AUTH_MISSING;
    digest(token, given);
    /* All of them, also after a hit: how long it takes says nothing. */
    for (size_t i = 0; i < a->n; i++)
        if (memeql_sec(given, a->digests[i], sizeof given))
            *principal = (uint32_t)i + 1;
    return *principal != 0 ? AUTH_GRANTED : AUTH_WRONG;
}

void auth_label(const struct auth *a, uint32_t principal,
                char out[AUTH_LABEL_SIZE])
{
    const uint8_t *d = a->digests[principal - 1];

    snprintf(out, AUTH_LABEL_SIZE, "token:%02x%02x%02x", d[0], d[1], d[2]);
}
