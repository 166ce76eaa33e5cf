/* Base64 (RFC 4648, with padding), the form in which JSON carries bytes. */
#ifndef OSMIA_TEXT_BASE64_H
#define OSMIA_TEXT_BASE64_H

#include "base/strbuf.h"

/* Append the bytes that `text` encodes.  false: it is no Base64 (or there is no
 * memory: out->failed); what was appended then is of no use. */
bool base64_decode(struct slice text, struct strbuf *out);

#endif
