/* What a file is, by its first bytes: downloads fail in well-known ways, and
 * each has a remedy that its user should be told. */
#ifndef OSMIA_FORMAT_SNIFF_H
#define OSMIA_FORMAT_SNIFF_H

#include "base/err.h"
#include "base/file.h"

enum sniff_as {
    SNIFF_MODEL,        /* a file that should hold tensors */
    SNIFF_TEXT          /* a JSON or template file */
};

/* ERR_UNKNOWN, with what it is and what to do, when the file is something else
 * that we know: a git-lfs pointer, a web page, a pickle, an archive, an older
 * model format.  Unknown content passes: its reader will say what is wrong. */
enum err sniff_refuse(const struct file *f, enum sniff_as as,
                      struct err_info *why);

bool sniff_is_gguf(const struct file *f);
/* A header length that fits, and an opening brace behind it. */
bool sniff_is_safetensors(const struct file *f);

#endif
