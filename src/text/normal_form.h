/* The four normalisation forms of Unicode, in linear time. */
#ifndef OSMIA_TEXT_NORMAL_FORM_H
#define OSMIA_TEXT_NORMAL_FORM_H

#include "base/strbuf.h"

#define NORMAL_FORM_LIST(X) X(NFC) X(NFD) X(NFKC) X(NFKD)

enum normal_form {
#define X(name) FORM_##name,
    NORMAL_FORM_LIST(X)
#undef X
    N_NORMAL_FORMS
};

/* Append the form of `text` (valid UTF-8) to `out`; what is in it already is
 * copied, not recomputed.  No memory shows in out->failed. */
void normal_form_put(enum normal_form form, struct slice text,
                     struct strbuf *out);

#endif
