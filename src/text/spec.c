/* Fields of components, and the sentences about them.  The reference fails on a
 * missing field that has no default and ignores fields that it does not know;
 * so do these. */
#include "text/spec.h"

enum { SHOWN_MAX = 64 };        /* bytes of a file's own words in a sentence */

static int shown_len(struct slice s)
{
    return s.len < SHOWN_MAX ? (int)s.len : SHOWN_MAX;
}

enum err spec_open(struct spec *out, const struct json *json, const char *part,
                   struct err_info *why)
{
    const struct json *type = json_get(json, "type");
    if (!json_is(json, JSON_OBJECT))
        return fail(why, ERR_FORMAT, "%s is %s, expected an object", part,
                    json_kind_name(json->kind));
    if (!json_is(type, JSON_STRING))
        return fail(why, ERR_FORMAT, "%s: \"type\" is missing or no string",
                    part);
    *out = (struct spec){ .json = json, .part = part, .type = type->string };
    return ERR_OK;
}

enum err spec_bad(const struct spec *s, enum err code, const char *key,
                  const char *expected, struct err_info *why)
{
    const struct json *v = json_get(s->json, key);
    if (json_is(v, JSON_STRING))
        return fail(why, code, "%s %.*s: \"%s\" is \"%.*s\", expected %s",
                    s->part, shown_len(s->type), s->type.at, key,
                    shown_len(v->string), v->string.at, expected);
    return fail(why, code, "%s %.*s: \"%s\" is %s, expected %s", s->part,
                shown_len(s->type), s->type.at, key,
                v == NULL ? "missing" : json_kind_name(v->kind), expected);
}

enum err spec_bool(const struct spec *s, const char *key, bool *out,
                   struct err_info *why)
{
    const struct json *v = json_get(s->json, key);
    if (!json_is(v, JSON_BOOL))
        return spec_bad(s, ERR_FORMAT, key, "true or false", why);
    *out = v->boolean;
    return ERR_OK;
}

enum err spec_bool_or(const struct spec *s, const char *key, bool fallback,
                      bool *out, struct err_info *why)
{
    *out = fallback;
    return json_get(s->json, key) == NULL ? ERR_OK
                                          : spec_bool(s, key, out, why);
}

enum err spec_string(const struct spec *s, const char *key, struct slice *out,
                     struct err_info *why)
{
    const struct json *v = json_get(s->json, key);
    if (!json_is(v, JSON_STRING))
        return spec_bad(s, ERR_FORMAT, key, "a string", why);
    *out = v->string;
    return ERR_OK;
}

enum err spec_array(const struct spec *s, const char *key,
                    const struct json **out, struct err_info *why)
{
    *out = json_get(s->json, key);
    return json_is(*out, JSON_ARRAY)
         ? ERR_OK : spec_bad(s, ERR_FORMAT, key, "an array", why);
}

enum err spec_char(const struct spec *s, const char *key, struct slice *out,
                   struct err_info *why)
{
    size_t len = 0;
    enum err e = spec_string(s, key, out, why);
    if (e != ERR_OK)
        return e;
    if (out->len > 0)
        char_at(*out, 0, &len);
    return out->len > 0 && len == out->len
         ? ERR_OK : spec_bad(s, ERR_FORMAT, key, "one character", why);
}

enum err spec_pattern(const struct spec *s, const char *key,
                      struct regex **out, struct err_info *why)
{
    const struct json *v = json_get(s->json, key);
    const struct json *text = json_get(v, "String");
    const struct json *regex = json_get(v, "Regex");
    *out = NULL;
    if (json_is(v, JSON_OBJECT) && v->n == 1 && json_is(text, JSON_STRING))
        return regex_open_text(out, text->string, why);
    if (!json_is(v, JSON_OBJECT) || v->n != 1 || !json_is(regex, JSON_STRING))
        return spec_bad(s, ERR_FORMAT, key,
                        "{\"String\": ...} or {\"Regex\": ...}", why);
    if (regex_open(out, regex->string, why) == ERR_OK)
        return ERR_OK;
    return fail_within(why, "%s %.*s", s->part, shown_len(s->type),
                       s->type.at);
}
