/* Decimal numbers, to and from binary, whatever the locale says. */
#ifndef OSMIA_BASE_JSON_NUMBER_H
#define OSMIA_BASE_JSON_NUMBER_H

#include "base/json.h"

/* Read the number that starts at `at` by RFC 8259's grammar, as long as it
 * goes, into t's kind, integer and number.  Returns the place behind it; NULL:
 * there is none, and *bad is the place where it went wrong. */
const char *json_number_read(const char *at, const char *end,
                             struct json_token *t, const char **bad);

#endif
