#include "base/notice.h"
#include "base/err.h"
#include "base/sentence.h"

void notice(const struct notices *to, const char *fmt, ...)
{
    char sentence[ERR_TEXT_SIZE];
    va_list args;

    if (to == NULL || to->say == NULL)
        return;
    va_start(args, fmt);
    sentence_format(sentence, sizeof sentence, fmt, args);
    va_end(args);
    to->say(to->arg, sentence);
}
