/* The lexer: template text to tokens, with Jinja's whitespace control
 * (trim_blocks and lstrip_blocks are always on).
 *
 * Outside tags the text up to the next tag is one token; what `-`, `+` and
 * lstrip_blocks do to it depends on the tag that follows, so a text and the
 * beginning of its tag are queued together.  Comments and the tags of raw
 * blocks never leave the lexer. */
#include "text/template_tree.h"

#include "base/utf8.h"
#include "text/template_text.h"

#include <stdarg.h>
#include <stdio.h>

void lex_init(struct lexer *lx, struct slice src, struct arena *arena,
              struct err_info *why)
{
    *lx = (struct lexer){ .arena = arena, .why = why, .src = src,
                          .line = 1, .state = IN_TEXT };
}

struct slice lex_normalize(struct arena *arena, struct slice source)
{
    char *out = arena_take(arena, source.len + 1, 1);
    size_t n = 0;
    if (out == NULL)
        return (struct slice){ NULL, 0 };
    for (size_t i = 0; i < source.len; i++) {
        char c = source.at[i];
        if (c == '\r' && i + 1 < source.len && source.at[i + 1] == '\n')
            continue;
        out[n++] = c == '\r' ? '\n' : c;
    }
    if (n > 0 && out[n - 1] == '\n')
        n--;
    return (struct slice){ out, n };
}

/* Lines are counted lazily, forwards; an error behind the count starts over. */
static void place(struct lexer *lx, size_t pos, uint32_t *line,
                  uint32_t *column)
{
    if (pos < lx->marked) {
        lx->marked = lx->line_start = 0;
        lx->line = 1;
    }
    for (size_t i = lx->marked; i < pos; i++)
        if (lx->src.at[i] == '\n') {
            lx->line++;
            lx->line_start = i + 1;
        }
    lx->marked = pos;
    *line = lx->line;
    *column = (uint32_t)(pos - lx->line_start) + 1;
}

enum err lex_fail(struct lexer *lx, size_t pos, const char *fmt, ...)
{
    char text[512];
    uint32_t line, column;
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    place(lx, pos, &line, &column);
    return fail(lx->why, ERR_FORMAT, "line %u, column %u: %s", line, column,
                text);
}

/* ---- looking at the source ---- */

static bool at(const struct lexer *lx, size_t pos, const char *text)
{
    return slice_starts(slice_from(lx->src, pos), slice_of(text));
}

static char byte_at(const struct lexer *lx, size_t pos)
{
    return pos < lx->src.len ? lx->src.at[pos] : '\0';
}

/* First position at or after `pos` that is not whitespace (Python's \s). */
static size_t skip_space(const struct lexer *lx, size_t pos)
{
    while (pos < lx->src.len) {
        size_t n = text_space_len(slice_from(lx->src, pos));
        if (n == 0)
            break;
        pos += n;
    }
    return pos;
}

/* The end of a tag at `pos`: "-%}" and spaces, "+%}", "%}" and one newline.
 * Returns the position behind it, or 0 when there is none. */
static size_t tag_end(const struct lexer *lx, size_t pos, const char *close,
                      bool plus)
{
    char sign = byte_at(lx, pos);
    if (sign == '-' && at(lx, pos + 1, close))
        return skip_space(lx, pos + 3);
    if (plus && sign == '+' && at(lx, pos + 1, close))
        return pos + 3;
    if (!at(lx, pos, close))
        return 0;
    return pos + 2 + (plus && byte_at(lx, pos + 2) == '\n');
}

/* ---- text between tags ---- */

/* Text [from, to) as it comes out in front of a tag with this sign. */
static struct slice strip_text(const struct lexer *lx, size_t from, size_t to,
                               char sign, bool is_variable)
{
    struct slice text = { lx->src.at + from, to - from };
    if (sign == '-') {
        text.len = text_rstrip_len(text);
    } else if (sign != '+' && !is_variable) {
        size_t line = text.len;
        while (line > 0 && text.at[line - 1] != '\n')
            line--;
        bool starts_line = from == 0 || lx->src.at[from - 1] == '\n';
        if ((line > 0 || starts_line)
            && text_rstrip_len(slice_from(text, line)) == 0)
            text.len = line;
    }
    return text;
}

static char sign_at(const struct lexer *lx, size_t pos)
{
    char c = byte_at(lx, pos);
    return c == '-' || c == '+' ? c : '\0';
}

/* Position behind "{% raw %}" when one begins at `pos`, else 0. */
static size_t raw_begin(const struct lexer *lx, size_t pos)
{
    pos += 2;
    pos += sign_at(lx, pos) != '\0';
    pos = skip_space(lx, pos);
    if (!at(lx, pos, "raw"))
        return 0;
    return tag_end(lx, skip_space(lx, pos + 3), "%}", false);
}

/* Position behind "{% endraw %}" when one begins at `pos`, else 0. */
static size_t raw_end(const struct lexer *lx, size_t pos)
{
    pos += 2;
    pos += sign_at(lx, pos) != '\0';
    pos = skip_space(lx, pos);
    if (!at(lx, pos, "endraw"))
        return 0;
    return tag_end(lx, skip_space(lx, pos + 6), "%}", true);
}

/* Pass over a comment whose "{#" and sign end at `pos`. */
static enum err skip_comment(struct lexer *lx, size_t open, size_t pos)
{
    size_t end = slice_find(lx->src, SLICE("#}"), pos);
    if (end == lx->src.len)
        return lex_fail(lx, open, "Missing end of comment tag");
    if (end > pos && sign_at(lx, end - 1) != '\0')
        end--;
    lx->pos = tag_end(lx, end, "#}", true);
    return ERR_OK;
}

/* Queue a token that begins at `pos`; empty texts are none. */
static void push(struct lexer *lx, enum lex kind, size_t pos, struct slice text)
{
    struct token *t = &lx->queue[lx->n_queued];
    if (kind == LEX_DATA && text.len == 0)
        return;
    *t = (struct token){ .kind = kind, .text = text };
    place(lx, pos, &t->line, &t->column);
    lx->n_queued++;
}

/* The text of a raw block whose begin tag ends at lx->pos. */
static enum err take_raw(struct lexer *lx)
{
    size_t from = lx->pos, open = from;
    for (;;) {
        open = slice_find(lx->src, SLICE("{%"), open);
        if (open == lx->src.len)
            return lex_fail(lx, from, "Missing end of raw directive");
        size_t end = raw_end(lx, open);
        if (end != 0) {
            push(lx, LEX_DATA, from,
                 strip_text(lx, from, open, sign_at(lx, open + 2), false));
            lx->pos = end;
            return ERR_OK;
        }
        open += 2;
    }
}

/* Position of the next "{{", "{%" or "{#", or the end. */
static size_t find_tag(const struct lexer *lx, size_t pos)
{
    while (pos + 1 < lx->src.len) {
        size_t left = lx->src.len - 1 - pos;
        const char *brace = memchr(lx->src.at + pos, '{', left);
        if (brace == NULL)
            break;
        if (brace[1] == '{' || brace[1] == '%' || brace[1] == '#')
            return (size_t)(brace - lx->src.at);
        pos = (size_t)(brace - lx->src.at) + 1;
    }
    return lx->src.len;
}

/* Step over the beginning of the tag at `open`, or over a whole comment or raw
 * block. */
static enum err open_tag(struct lexer *lx, size_t open)
{
    char what = lx->src.at[open + 1];
    size_t inside = open + 2 + (sign_at(lx, open + 2) != '\0');
    if (what == '#')
        return skip_comment(lx, open, inside);
    size_t raw = what == '%' ? raw_begin(lx, open) : 0;
    lx->pos = raw != 0 ? raw : inside;
    if (raw != 0)
        return take_raw(lx);
    push(lx, what == '%' ? LEX_BLOCK_BEGIN : LEX_VAR_BEGIN, open,
         (struct slice){ lx->src.at + open, 2 });
    lx->state = what == '%' ? IN_BLOCK : IN_VAR;
    return ERR_OK;
}

/* Queue a text and the beginning of the tag behind it. */
static enum err next_text(struct lexer *lx)
{
    size_t from = lx->pos, open = find_tag(lx, from);
    struct slice text = { lx->src.at + from, open - from };
    if (open < lx->src.len)
        text = strip_text(lx, from, open, sign_at(lx, open + 2),
                          lx->src.at[open + 1] == '{');
    push(lx, LEX_DATA, from, text);
    lx->pos = open;
    return open < lx->src.len ? open_tag(lx, open) : ERR_OK;
}

/* ---- inside tags ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* (\d+_)*\d+ at pos: its end, or pos. */
static size_t digits(const struct lexer *lx, size_t pos)
{
    size_t end = pos;
    while (is_digit(byte_at(lx, end))) {
        do
            end++;
        while (is_digit(byte_at(lx, end)));
        if (byte_at(lx, end) != '_' || !is_digit(byte_at(lx, end + 1)))
            break;
        end++;
    }
    return end;
}

/* End of a float literal at pos, or pos: it has a fraction or an exponent, and
 * no point in front (a.1.2 is two steps). */
static size_t float_end(const struct lexer *lx, size_t pos)
{
    size_t end = digits(lx, pos), whole = end;
    if (end == pos || (pos > 0 && lx->src.at[pos - 1] == '.'))
        return pos;
    if (byte_at(lx, end) == '.' && digits(lx, end + 1) > end + 1)
        end = digits(lx, end + 1);
    if ((byte_at(lx, end) | 0x20) == 'e') {
        char sign = byte_at(lx, end + 1);
        size_t power = end + 1 + (sign == '+' || sign == '-');
        if (digits(lx, power) > power)
            return digits(lx, power);
    }
    return end > whole ? end : pos;
}

static bool is_base_digit(char c, int base)
{
    int v = is_digit(c) ? c - '0'
          : (c | 0x20) >= 'a' ? (c | 0x20) - 'a' + 10 : 99;
    return v < base;
}

/* End of an integer literal at pos, or pos. */
static size_t int_end(const struct lexer *lx, size_t pos)
{
    char kind = (char)(byte_at(lx, pos + 1) | 0x20);
    if (byte_at(lx, pos) != '0')
        kind = '\0';
    int base = kind == 'b' ? 2 : kind == 'o' ? 8 : kind == 'x' ? 16 : 10;
    size_t first = pos + (base != 10 ? 2 : 0), end = first;
    if (byte_at(lx, pos) == '0' && base == 10)
        base = 1;                           /* 0 and 0_0 only: 01 is two */
    for (;;) {
        size_t d = end + (byte_at(lx, end) == '_' && end > pos);
        if (!is_base_digit(byte_at(lx, d), base))
            break;
        end = d + 1;
    }
    if (end > first)
        return end;
    return is_digit(byte_at(lx, pos)) ? pos + 1 : pos;   /* "0x" is 0, then x */
}

static size_t name_end(const struct lexer *lx, size_t pos)
{
    while (pos < lx->src.len) {
        uint32_t cp;
        bool valid;
        size_t n = utf8_decode(slice_from(lx->src, pos), &cp, &valid);
        if (!valid || !text_is_word(cp))
            break;
        pos += n;
    }
    return pos;
}

/* End of a string literal at pos (quotes included), or pos. */
static size_t string_end(const struct lexer *lx, size_t pos)
{
    char quote = byte_at(lx, pos);
    if (quote != '\'' && quote != '"')
        return pos;
    for (size_t i = pos + 1; i < lx->src.len; i++) {
        if (lx->src.at[i] == '\\')
            i++;
        else if (lx->src.at[i] == quote)
            return i + 1;
    }
    return pos;
}

/* Longest first. */
static const struct { char text[3]; enum lex kind; } operators[] = {
    { "//", LEX_FLOORDIV }, { "**", LEX_POW }, { "==", LEX_EQ },
    { "!=", LEX_NE }, { ">=", LEX_GE }, { "<=", LEX_LE }, { "+", LEX_ADD },
    { "-", LEX_SUB }, { "/", LEX_DIV }, { "*", LEX_MUL }, { "%", LEX_MOD },
    { "~", LEX_TILDE }, { "[", LEX_LBRACKET }, { "]", LEX_RBRACKET },
    { "(", LEX_LPAREN }, { ")", LEX_RPAREN }, { "{", LEX_LBRACE },
    { "}", LEX_RBRACE }, { ">", LEX_GT }, { "<", LEX_LT },
    { "=", LEX_ASSIGN }, { ".", LEX_DOT }, { ":", LEX_COLON },
    { "|", LEX_PIPE }, { ",", LEX_COMMA }, { ";", LEX_SEMICOLON },
};

static enum err lex_limit(struct lexer *lx, size_t pos)
{
    lex_fail(lx, pos, "brackets nested deeper than %d", LEX_BRACKETS);
    return lx->why->code = ERR_LIMIT;
}

/* Keep brackets balanced: the end of a tag counts only outside of them. */
static enum err balance(struct lexer *lx, const struct token *t, size_t pos)
{
    char c = t->text.at[0];
    char close = c == '(' ? ')' : c == '[' ? ']' : c == '{' ? '}' : '\0';
    if (close != '\0') {
        if (lx->n_brackets == LEX_BRACKETS)
            return lex_limit(lx, pos);
        lx->brackets[lx->n_brackets++] = close;
    } else if (c == ')' || c == ']' || c == '}') {
        if (lx->n_brackets == 0)
            return lex_fail(lx, pos, "unexpected '%c'", c);
        char want = lx->brackets[--lx->n_brackets];
        if (want != c)
            return lex_fail(lx, pos, "unexpected '%c', expected '%c'", c, want);
    }
    return ERR_OK;
}

static enum err next_operator(struct lexer *lx, struct token *t)
{
    size_t pos = lx->pos;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (at(lx, pos, operators[i].text)) {
            t->kind = operators[i].kind;
            t->text = (struct slice){ lx->src.at + pos,
                                      strlen(operators[i].text) };
            lx->pos = pos + t->text.len;
            return balance(lx, t, pos);
        }
    return lex_fail(lx, pos, "unexpected char 0x%02x",
                    (unsigned char)lx->src.at[pos]);
}

/* Try the token shapes in Jinja's order at lx->pos, which is no whitespace. */
static enum err next_in_tag(struct lexer *lx, struct token *t)
{
    size_t pos = lx->pos, end = 0;
    place(lx, pos, &t->line, &t->column);
    if (lx->n_brackets == 0)
        end = lx->state == IN_VAR ? tag_end(lx, pos, "}}", false)
                                  : tag_end(lx, pos, "%}", true);
    if (end != 0) {
        t->kind = lx->state == IN_VAR ? LEX_VAR_END : LEX_BLOCK_END;
        lx->state = IN_TEXT;
        lx->pos = end;
        return ERR_OK;
    }
    if ((end = float_end(lx, pos)) > pos)
        t->kind = LEX_FLOAT;
    else if ((end = int_end(lx, pos)) > pos)
        t->kind = LEX_INT;
    else if ((end = name_end(lx, pos)) > pos)
        t->kind = LEX_NAME;
    else if ((end = string_end(lx, pos)) > pos)
        t->kind = LEX_STRING;
    else
        return next_operator(lx, t);
    t->text = (struct slice){ lx->src.at + pos, end - pos };
    lx->pos = end;
    if (t->kind == LEX_STRING)
        return lex_string(lx, (struct slice){ t->text.at + 1, end - pos - 2 },
                          &t->value);
    if (t->kind == LEX_NAME)
        return ERR_OK;
    return lex_number(lx, t->text, t->kind == LEX_FLOAT, &t->value);
}

enum err lex_next(struct lexer *lx, struct token *t)
{
    while (lx->state == IN_TEXT && lx->n_queued == 0
           && lx->pos < lx->src.len) {
        enum err e = next_text(lx);
        if (e != ERR_OK)
            return e;
    }
    if (lx->n_queued > 0) {
        *t = lx->queue[0];
        lx->queue[0] = lx->queue[1];
        lx->queue[1] = lx->queue[2];
        lx->n_queued--;
        return ERR_OK;
    }
    *t = (struct token){ .kind = LEX_EOF };
    lx->pos = skip_space(lx, lx->pos);
    if (lx->pos < lx->src.len)
        return next_in_tag(lx, t);
    place(lx, lx->src.len, &t->line, &t->column);
    return ERR_OK;
}
