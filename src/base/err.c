#include "base/err.h"
#include "base/sentence.h"
#include <assert.h>

const char *err_text(enum err code)
{
    static const char *const texts[] = {
#define X(id, text) text,
        ERR_LIST(X)
#undef X
    };
    assert((unsigned)code < ERR_COUNT);
    return texts[code];
}

enum err fail(struct err_info *info, enum err code, const char *fmt, ...)
{
    if (info == NULL)
        return code;
    va_list args;
    va_start(args, fmt);
    sentence_format(info->text, sizeof info->text, fmt, args);
    va_end(args);
    info->code = code;
    return code;
}

enum err fail_nomem(struct err_info *info)
{
    return fail(info, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
}

enum err fail_within(struct err_info *info, const char *fmt, ...)
{
    if (info == NULL)
        return ERR_FORMAT;
    char prefix[ERR_TEXT_SIZE];
    struct err_info old = *info;
    va_list args;

    va_start(args, fmt);
    sentence_format(prefix, sizeof prefix, fmt, args);
    va_end(args);
    return fail(info, old.code, "%s: %s", prefix, old.text);
}
