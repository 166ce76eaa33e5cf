/* String and number literals of templates: Python's, with Jinja's detour for
 * strings (characters beyond ASCII are escaped before escapes are resolved). */
#include "text/template_tree.h"

#include "base/checked.h"
#include "base/json_number.h"
#include "base/utf8.h"

static const struct { char letter, value; } simple_escapes[] = {
    { '\\', '\\' }, { '\'', '\'' }, { '"', '"' }, { 'a', '\a' },
    { 'b', '\b' }, { 'f', '\f' }, { 'n', '\n' }, { 'r', '\r' },
    { 't', '\t' }, { 'v', '\v' },
};

struct unescape {
    struct lexer *lx;
    struct slice  raw;
    size_t        at;       /* of the next byte */
    char         *out;
    size_t        n;
};

static enum err bad_escape(struct unescape *u, const char *what)
{
    return lex_fail(u->lx, (size_t)(u->raw.at - u->lx->src.at) + u->at, "%s",
                    what);
}

static enum err put_code_point(struct unescape *u, uint32_t cp)
{
    if (cp > 0x10FFFF)
        return bad_escape(u, "illegal Unicode character");
    if (cp >= 0xD800 && cp <= 0xDFFF)
        return bad_escape(u, "a lone surrogate cannot be written as text");
    u->n += utf8_encode(u->out + u->n, cp);
    return ERR_OK;
}

/* \x, \u and \U: exactly n_digits digits. */
static enum err hex_escape(struct unescape *u, unsigned n_digits)
{
    uint32_t cp = 0;
    for (unsigned i = 0; i < n_digits; i++) {
        int d = u->at < u->raw.len ? hex_digit(u->raw.at[u->at]) : -1;
        if (d < 0)
            return bad_escape(u, "truncated \\x, \\u or \\U escape");
        cp = cp << 4 | (uint32_t)d;
        u->at++;
    }
    return put_code_point(u, cp);
}

static enum err octal_escape(struct unescape *u)
{
    uint32_t cp = 0;
    for (int i = 0; i < 3 && u->at < u->raw.len; i++) {
        char c = u->raw.at[u->at];
        if (c < '0' || c > '7')
            break;
        cp = cp * 8 + (uint32_t)(c - '0');
        u->at++;
    }
    return put_code_point(u, cp);
}

/* A backslash before a character beyond ASCII: Jinja has turned that one into
 * an escape of its own, so the backslash escapes the other's backslash. */
static void escaped_wide(struct unescape *u)
{
    uint32_t cp;
    u->at += utf8_decode(slice_from(u->raw, u->at), &cp, NULL);
    const char *hex = "0123456789abcdef";
    int digits = cp < 0x100 ? 2 : cp < 0x10000 ? 4 : 8;
    u->out[u->n++] = '\\';
    u->out[u->n++] = digits == 2 ? 'x' : digits == 4 ? 'u' : 'U';
    for (int i = digits; i-- > 0;)
        u->out[u->n++] = hex[cp >> (4 * i) & 15];
}

/* What follows a backslash. */
static enum err escape(struct unescape *u)
{
    char c = u->raw.at[u->at];
    if ((unsigned char)c >= 0x80) {
        escaped_wide(u);
        return ERR_OK;
    }
    if (c >= '0' && c <= '7')
        return octal_escape(u);
    u->at++;
    if (c == '\n')
        return ERR_OK;
    if (c == 'x' || c == 'u' || c == 'U')
        return hex_escape(u, c == 'x' ? 2 : c == 'u' ? 4 : 8);
    if (c == 'N')
        return bad_escape(u, "\\N{...} escapes are not supported");
    for (size_t i = 0; i < sizeof simple_escapes / sizeof *simple_escapes; i++)
        if (simple_escapes[i].letter == c) {
            u->out[u->n++] = simple_escapes[i].value;
            return ERR_OK;
        }
    u->out[u->n++] = '\\';
    u->out[u->n++] = c;
    return ERR_OK;
}

enum err lex_string(struct lexer *lx, struct slice raw, struct val *out)
{
    /* The longest growth: "\" and U+80 (3 bytes) become \x80 (4 bytes), "\"
     * and a character of 4 bytes become 10. */
    struct unescape u = { .lx = lx, .raw = raw };
    u.out = arena_take(lx->arena, raw.len * 2 + 16, 1);
    if (u.out == NULL)
        return fail_nomem(lx->why);
    while (u.at < raw.len) {
        char c = raw.at[u.at++];
        if (c != '\\' || u.at == raw.len) {
            u.out[u.n++] = c;
            continue;
        }
        enum err e = escape(&u);
        if (e != ERR_OK)
            return e;
    }
    *out = tree_str(lx->arena, (struct slice){ u.out, u.n });
    return out->str == NULL ? fail_nomem(lx->why) : ERR_OK;
}

/* A literal without underscores and useless zeros, NUL-terminated. */
static size_t plain_number(char *out, size_t size, struct slice raw)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.len && n + 1 < size; i++) {
        char c = raw.at[i];
        bool leading = c == '0' && n == 0 && i + 1 < raw.len
                    && ((raw.at[i + 1] >= '0' && raw.at[i + 1] <= '9')
                        || raw.at[i + 1] == '_');
        if (c != '_' && !leading)
            out[n++] = c;
    }
    out[n] = '\0';
    return n;
}

static bool read_whole(const char *at, int base, int64_t *out)
{
    *out = 0;
    for (; *at != '\0'; at++)
        if (!checked_mul_i64(out, *out, base)
            || !checked_add_i64(out, *out, hex_digit(*at)))
            return false;
    return true;
}

enum err lex_number(struct lexer *lx, struct slice raw, bool is_float,
                    struct val *out)
{
    char text[512];
    size_t n = plain_number(text, sizeof text, raw);
    size_t pos = (size_t)(raw.at - lx->src.at);
    if (is_float) {
        struct json_token t;
        const char *bad;
        if (raw.len >= sizeof text
            || json_number_read(text, text + n, &t, &bad) == NULL)
            return lex_fail(lx, pos, "malformed number");
        *out = val_float(t.number);
        return ERR_OK;
    }
    char kind = text[0] == '0' && n > 1 ? (char)(text[1] | 0x20) : 0;
    int base = kind == 'b' ? 2 : kind == 'o' ? 8 : kind == 'x' ? 16 : 10;
    int64_t value;
    if (raw.len >= sizeof text
        || !read_whole(text + (base != 10 ? 2 : 0), base, &value))
        return lex_fail(lx, pos, "integers beyond 64 bits are not supported");
    *out = val_int(value);
    return ERR_OK;
}
