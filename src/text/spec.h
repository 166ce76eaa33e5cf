/* Reading the fields of a component of tokenizer.json ({"type": ..., ...}), with
 * errors that name component and field.  Unknown fields are ignored, as the
 * reference does. */
#ifndef OSMIA_TEXT_SPEC_H
#define OSMIA_TEXT_SPEC_H

#include "base/err.h"
#include "base/json.h"
#include "text/regex.h"

struct spec {
    const struct json *json;
    const char        *part;      /* "normalizer", "pre_tokenizer" */
    struct slice       type;      /* of this component */
};

/* The component in `json`: an object with a type.  ERR_FORMAT. */
enum err spec_open(struct spec *out, const struct json *json, const char *part,
                   struct err_info *why);

/* Fields.  Without a default the field must be there; a wrong kind of value is
 * ERR_FORMAT in any case. */
enum err spec_bool(const struct spec *s, const char *key, bool *out,
                   struct err_info *why);
enum err spec_bool_or(const struct spec *s, const char *key, bool fallback,
                      bool *out, struct err_info *why);
enum err spec_string(const struct spec *s, const char *key, struct slice *out,
                     struct err_info *why);
enum err spec_array(const struct spec *s, const char *key,
                    const struct json **out, struct err_info *why);
/* A string of one character. */
enum err spec_char(const struct spec *s, const char *key, struct slice *out,
                   struct err_info *why);
/* {"String": text} or {"Regex": expression}. */
enum err spec_pattern(const struct spec *s, const char *key,
                      struct regex **out, struct err_info *why);

/* "PART TYPE: KEY is ...": for values that only the caller can judge. */
enum err spec_bad(const struct spec *s, enum err code, const char *key,
                  const char *expected, struct err_info *why);

#endif
