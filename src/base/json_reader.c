/* The pull parser.
 *
 *   1. `depth` containers are open; bit i of in_object says whether the i-th of
 *      them (from 0, outermost first) is an object.
 *   2. `expect` says what the text at `at` has to be, white space aside.
 *   3. start <= at <= end, and no byte at or behind `end` is ever read.
 *   4. After an error `at` has not moved behind the place that was wrong.
 *
 * Owner: whoever has the struct; it holds nothing that needs freeing. */
#include "base/json.h"
#include "base/json_number.h"
#include "base/json_string.h"
#include <assert.h>

enum expect {
    EXPECT_VALUE,      /* the document's one value */
    EXPECT_FIRST,      /* behind [ or {: a first child, or the end */
    EXPECT_MORE,       /* behind a child: a comma, or the end */
    EXPECT_NOTHING     /* the document is complete */
};

void json_place(const struct json_reader *r, const char *at,
                size_t *line, size_t *column)
{
    const char *line_start = r->start;

    *line = 1;
    for (const char *p = r->start; p < at; p++) {
        if (*p == '\n') {
            line_start = p + 1;
            (*line)++;
        }
    }
    *column = (size_t)(at - line_start) + 1;
}

static enum err refuse(const struct json_reader *r, const char *at,
                       const char *what, struct err_info *why)
{
    size_t line, column;

    if (why == NULL)
        return ERR_FORMAT;
    json_place(r, at, &line, &column);
    return fail(why, ERR_FORMAT, "line %zu, column %zu (byte %zu): %s", line,
                column, (size_t)(at - r->start), what);
}

/* Something else stands where `expected` should. */
static enum err refuse_here(const struct json_reader *r, const char *expected,
                            struct err_info *why)
{
    size_t line, column;

    if (why == NULL)
        return ERR_FORMAT;
    json_place(r, r->at, &line, &column);
    size_t byte = (size_t)(r->at - r->start);
    if (r->at == r->end)
        return fail(why, ERR_FORMAT, "line %zu, column %zu (byte %zu): the "
                    "text ends where %s was expected", line, column, byte,
                    expected);
    return fail(why, ERR_FORMAT, "line %zu, column %zu (byte %zu): expected "
                "%s, not '%c'", line, column, byte, expected, *r->at);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void skip_space(struct json_reader *r)
{
    const char *at = r->at, *end = r->end;

    while (at < end && is_space(*at)) {
        at++;
        /* Indentation, the bulk of many files: eight blanks at a time. */
        while (end - at >= 8) {
            uint64_t other;
            memcpy(&other, at, 8);
            other ^= 0x2020202020202020u;
            if (other != 0) {
                at += __builtin_ctzll(other) >> 3;
                break;
            }
            at += 8;
        }
    }
    r->at = at;
}

static bool stands(const struct json_reader *r, char c)
{
    return r->at < r->end && *r->at == c;
}

static bool innermost_is_object(const struct json_reader *r)
{
    unsigned i = r->depth - 1;
    return r->depth > 0 && (r->in_object[i / 8] >> i % 8 & 1);
}

/* ---- the kinds of value ---- */

static enum err read_string(struct json_reader *r, struct slice *out,
                            bool *escaped, struct err_info *why)
{
    const char *first = r->at + 1, *bad, *what;
    const char *quote = json_string_check(first, r->end, escaped, &bad, &what);

    if (quote == NULL)
        return refuse(r, bad, what, why);
    *out = (struct slice){ first, (size_t)(quote - first) };
    r->at = quote + 1;
    return ERR_OK;
}

static enum err read_number(struct json_reader *r, struct json_token *t,
                            struct err_info *why)
{
    const char *bad;
    const char *behind = json_number_read(r->at, r->end, t, &bad);

    if (behind == NULL)
        return refuse(r, bad, bad == r->end || *bad != '0'
                          ? "a number lacks a digit here"
                          : "a number starts with a 0 that does not belong",
                      why);
    t->text = (struct slice){ r->at, (size_t)(behind - r->at) };
    r->at = behind;
    return ERR_OK;
}

static enum err read_word(struct json_reader *r, struct json_token *t,
                          struct err_info *why)
{
    static const struct {
        struct slice   word;
        enum json_kind kind;
        bool           boolean;
    } words[] = {
        { { "null", 4 }, JSON_NULL, false },
        { { "true", 4 }, JSON_BOOL, true },
        { { "false", 5 }, JSON_BOOL, false },
    };
    struct slice rest = { r->at, (size_t)(r->end - r->at) };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!slice_starts(rest, words[i].word))
            continue;
        t->kind = words[i].kind;
        t->boolean = words[i].boolean;
        t->text = (struct slice){ r->at, words[i].word.len };
        r->at += words[i].word.len;
        return ERR_OK;
    }
    if (slice_starts(rest, SLICE("\xef\xbb\xbf")))
        return refuse(r, r->at, "a byte order mark, which JSON does not allow",
                      why);
    if (slice_starts(rest, SLICE("NaN")) || slice_starts(rest, SLICE("Inf"))
        || slice_starts(rest, SLICE("-Inf")))
        return refuse(r, r->at, "JSON has no NaN and no infinity", why);
    return refuse_here(r, "a value", why);
}

static enum err open_container(struct json_reader *r, struct json_token *t,
                               bool object, struct err_info *why)
{
    unsigned i = r->depth;
    uint8_t bit = (uint8_t)(1u << i % 8);

    if (i == r->max_depth) {
        size_t line, column;
        json_place(r, r->at, &line, &column);
        return fail(why, ERR_LIMIT, "line %zu, column %zu (byte %zu): more "
                    "than %u levels of nesting", line, column,
                    (size_t)(r->at - r->start), r->max_depth);
    }
    if (object)
        r->in_object[i / 8] |= bit;
    else
        r->in_object[i / 8] &= (uint8_t)~bit;
    t->kind = object ? JSON_OBJECT : JSON_ARRAY;
    t->text = (struct slice){ r->at, 1 };
    r->depth++;
    r->at++;
    r->expect = EXPECT_FIRST;
    return ERR_OK;
}

static enum err read_value(struct json_reader *r, struct json_token *t,
                           struct err_info *why)
{
    enum err e;

    if (stands(r, '{') || stands(r, '['))
        return open_container(r, t, *r->at == '{', why);
    if (stands(r, '"')) {
        t->kind = JSON_STRING;
        e = read_string(r, &t->text, &t->text_escaped, why);
    } else if (r->at < r->end && ((*r->at >= '0' && *r->at <= '9')
                                  || (*r->at == '-' && !(r->end - r->at > 1
                                                         && r->at[1] == 'I')))) {
        e = read_number(r, t, why);
    } else {
        e = read_word(r, t, why);
    }
    r->expect = r->depth == 0 ? EXPECT_NOTHING : EXPECT_MORE;
    return e;
}

/* ---- between the values ---- */

static enum err read_key(struct json_reader *r, struct json_token *t,
                         struct err_info *why)
{
    if (!stands(r, '"'))
        return refuse_here(r, "a key in quotes", why);
    enum err e = read_string(r, &t->key, &t->key_escaped, why);
    if (e != ERR_OK)
        return e;
    t->has_key = true;
    skip_space(r);
    if (!stands(r, ':'))
        return refuse_here(r, "':'", why);
    r->at++;
    skip_space(r);
    return ERR_OK;
}

static enum err finish(struct json_reader *r, struct json_token *t,
                       struct err_info *why)
{
    skip_space(r);
    if (r->at < r->end)
        return refuse_here(r, "nothing behind the document", why);
    t->kind = JSON_END;
    return ERR_OK;
}

static enum err close_container(struct json_reader *r, struct json_token *t,
                                struct err_info *why)
{
    t->kind = JSON_END;
    r->at++;
    r->depth--;
    r->expect = r->depth == 0 ? EXPECT_NOTHING : EXPECT_MORE;
    if (r->depth > 0)
        return ERR_OK;
    /* An end at depth 0 promises that nothing follows: look now, because no
     * caller asks again.  The place stays, for json_skip's raw text. */
    const char *behind = r->at;
    enum err e = finish(r, t, why);
    if (e == ERR_OK)
        r->at = behind;
    return e;
}

void json_reader_init(struct json_reader *r, struct slice text,
                      unsigned max_depth)
{
    assert(max_depth <= JSON_DEPTH_MAX);
    /* An empty slice may come without memory; arithmetic on NULL may not be. */
    const char *start = text.at == NULL ? "" : text.at;

    r->start = r->at = start;
    r->end = start + text.len;
    r->depth = 0;
    r->max_depth = max_depth;
    r->expect = EXPECT_VALUE;
}

enum err json_next(struct json_reader *r, struct json_token *t,
                   struct err_info *why)
{
    *t = (struct json_token){ .kind = JSON_NULL };
    skip_space(r);
    if (r->expect == EXPECT_NOTHING)
        return finish(r, t, why);

    bool object = innermost_is_object(r);
    if (r->expect != EXPECT_VALUE && stands(r, object ? '}' : ']'))
        return close_container(r, t, why);
    if (r->expect == EXPECT_MORE) {
        if (!stands(r, ','))
            return refuse_here(r, object ? "',' or '}'" : "',' or ']'", why);
        r->at++;
        skip_space(r);
    }
    if (object) {
        enum err e = read_key(r, t, why);
        if (e != ERR_OK)
            return e;
    }
    return read_value(r, t, why);
}

enum err json_skip(struct json_reader *r, const struct json_token *t,
                   struct slice *raw, struct err_info *why)
{
    /* A string's text lies between its quotes. */
    const char *start = t->text.at - (t->kind == JSON_STRING);

    if (t->kind == JSON_ARRAY || t->kind == JSON_OBJECT) {
        /* The reader's own bits are the stack: depth says when it is over. */
        unsigned outside = r->depth - 1;
        while (r->depth > outside) {
            struct json_token inside;
            enum err e = json_next(r, &inside, why);
            if (e != ERR_OK)
                return e;
        }
    }
    if (raw != NULL)
        *raw = (struct slice){ start, (size_t)(r->at - start) };
    return ERR_OK;
}
