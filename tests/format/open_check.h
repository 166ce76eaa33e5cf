/* Opening in tests: what must open, and what must fail with which words. */
#ifndef OSMIA_TESTS_OPEN_CHECK_H
#define OSMIA_TESTS_OPEN_CHECK_H

#include "support/check.h"

#include "format/checkpoint.h"
#include "support/scratch.h"

#include <stdio.h>

/* The notices said while opening, one a line. */
struct heard {
    char text[4096];
};

static inline void hear(void *arg, const char *sentence)
{
    struct heard *h = arg;
    size_t len = strlen(h->text);

    snprintf(h->text + len, sizeof h->text - len, "%s\n", sentence);
}

static inline struct checkpoint *opens(const char *path,
                                       const struct checkpoint_options *o)
{
    struct checkpoint *c;
    struct err_info why = { 0 };

    if (checkpoint_open(&c, path, o, &why) != ERR_OK)
        fail_msg("%s", why.text);
    return c;
}

static inline void refuses_with(const char *path,
                                const struct checkpoint_options *o,
                                enum err code, const char *says)
{
    struct checkpoint *c;
    struct err_info why = { 0 };
    enum err e = checkpoint_open(&c, path, o, &why);

    if (e != code || why.code != code || strstr(why.text, says) == NULL)
        fail_msg("expected %d ...%s..., got %d %s", code, says, e, why.text);
    assert_null(c);
}

static inline void refuses(const char *path, enum err code, const char *says)
{
    refuses_with(path, NULL, code, says);
}

#endif
