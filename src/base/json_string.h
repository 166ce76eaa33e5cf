/* The strings of JSON, as they are written. */
#ifndef OSMIA_BASE_JSON_STRING_H
#define OSMIA_BASE_JSON_STRING_H

#include "base/slice.h"

/* Check the string whose first byte behind the opening quote is `at`.  Returns
 * its closing quote; NULL: it is broken at *bad, as *what says. */
const char *json_string_check(const char *at, const char *end, bool *escaped,
                              const char **bad, const char **what);

#endif
