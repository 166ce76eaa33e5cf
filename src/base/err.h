/* Errors are values: a code to branch on and a sentence to show.
 *
 * The sentence names the file, the place in it, what was wrong, what was
 * expected and, where somebody can act on it, what to do.  The caller owns the
 * struct; nothing is allocated on the way out. */
#ifndef OSMIA_BASE_ERR_H
#define OSMIA_BASE_ERR_H

#define ERR_LIST(X)                                                          \
    X(OK,        "ok")                                                       \
    X(NOMEM,     "out of memory")                                            \
    X(IO,        "the file cannot be read")                                  \
    X(FORMAT,    "the file breaks its own format")                           \
    X(UNKNOWN,   "valid, but not supported here")                            \
    X(REQUEST,   "the request is malformed")                                 \
    X(LIMIT,     "a limit is exceeded")                                      \
    X(FULL,      "no free slot or cache space")                              \
    X(BUSY,      "another call is using this object")                        \
    X(CANCELLED, "the caller went away")                                     \
    X(NUMBER,    "the model computed a value that is not finite")

enum err {
#define X(id, text) ERR_##id,
    ERR_LIST(X)
#undef X
    ERR_COUNT
};

enum { ERR_TEXT_SIZE = 1024 };

struct err_info {
    enum err code;
    char     text[ERR_TEXT_SIZE];   /* one line, NUL-terminated, may be cut */
};

/* The general sentence of a code, for messages that have no better one. */
const char *err_text(enum err code);

/* Fill `info` (may be NULL) and return `code`, so that callers can write
 * `return fail(why, ERR_FORMAT, "...", ...)`. */
enum err fail(struct err_info *info, enum err code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Shorthand for the one error that has nothing more to say. */
enum err fail_nomem(struct err_info *info);

/* Put "PREFIX: " in front of a sentence already there (for callers that know
 * the file or the field when the callee did not).  Returns info->code. */
enum err fail_within(struct err_info *info, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
