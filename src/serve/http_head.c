#include "serve/http_head.h"

/* ---- characters ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool head_same(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

bool head_is_token_char(char c)
{
    char l = lower(c);

    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9')
        || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice trim(struct slice s)
{
    while (s.len > 0 && is_blank(s.at[0]))
        s = slice_from(s, 1);
    while (s.len > 0 && is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

static bool all_token_chars(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!head_is_token_char(s.at[i]))
            return false;
    return s.len > 0;
}

/* What stands before `c`, and what behind it; false: it is not there. */
static bool cut(struct slice s, char c, struct slice *before,
                struct slice *behind)
{
    const char *at = s.len > 0 ? memchr(s.at, c, s.len) : NULL;

    if (at == NULL)
        return false;
    *before = (struct slice){ s.at, (size_t)(at - s.at) };
    *behind = slice_from(s, before->len + 1);
    return true;
}

/* ---- the end of the head ---- */

static enum read_state bad(struct http_head *h, int status, const char *fault)
{
    h->status = status;
    h->fault = fault;
    return READ_BAD;
}

/* Walk whole lines until the empty one.  A bare line feed is refused here and
 * not when the lines are read: the end of such a head would never come. */
static enum read_state find_end(struct http_head *h, struct slice in)
{
    while (h->scanned < in.len) {
        const char *lf = memchr(in.at + h->scanned, '\n', in.len - h->scanned);
        if (lf == NULL)
            break;
        size_t at = (size_t)(lf - in.at);
        if (at == h->line || in.at[at - 1] != '\r')
            return bad(h, 400, "a line does not end in CR LF");
        bool is_empty = at == h->line + 1;
        h->line = h->scanned = at + 1;
        if (h->line > HEAD_SIZE_MAX)
            return bad(h, 431, "the header is too large");
        /* RFC 9112, 2.2: one empty line before the request is passed over. */
        if (is_empty && at == 1)
            h->start = h->line;
        else if (is_empty)
            return READ_DONE;
    }
    h->scanned = in.len;
    return in.len > HEAD_SIZE_MAX ? bad(h, 431, "the header is too large")
                                  : READ_MORE;
}

/* The next line of a complete head, without its end. */
static struct slice next_line(struct slice in, size_t *at)
{
    const char *lf = memchr(in.at + *at, '\n', in.len - *at);
    size_t end = (size_t)(lf - in.at);
    struct slice line = { in.at + *at, end - 1 - *at };

    *at = end + 1;
    return line;
}

/* ---- the request line ---- */

static enum read_state read_version(struct http_head *h, struct slice s)
{
    if (slice_is(s, "HTTP/1.1") || slice_is(s, "HTTP/1.0")) {
        h->minor = (unsigned)(s.at[7] - '0');
        h->keep_alive = h->minor == 1;
        return READ_DONE;
    }
    if (s.len == 8 && slice_starts(s, SLICE("HTTP/")) && s.at[6] == '.')
        return bad(h, 505, "the HTTP version is not 1.0 or 1.1");
    return bad(h, 400, "the request line is malformed");
}

/* "/path?query", "*" of OPTIONS, and the absolute form that proxies send. */
static enum read_state read_target(struct http_head *h, struct slice s)
{
    if (s.len > TARGET_SIZE_MAX)
        return bad(h, 414, "the request target is too long");
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] == 0x7f || s.at[i] == '#')
            return bad(h, 400, "the request target is malformed");
    h->target = s;
    if (s.len >= 7 && head_same((struct slice){ s.at, 7 }, SLICE("http://"))) {
        s = slice_from(s, 7);
        h->authority = (struct slice){ s.at, 0 };
        while (s.len > 0 && s.at[0] != '/' && s.at[0] != '?') {
            h->authority.len++;
            s = slice_from(s, 1);
        }
        if (h->authority.len == 0)
            return bad(h, 400, "the request target is malformed");
        h->path = SLICE("/");
        if (s.len == 0 || s.at[0] == '?') {
            h->query = s.len > 0 ? slice_from(s, 1) : s;
            return READ_DONE;
        }
    }
    if (!slice_starts(s, SLICE("/")) && !slice_is(s, "*"))
        return bad(h, 400, "the request target is malformed");
    if (!cut(s, '?', &h->path, &h->query))
        h->path = s;
    return READ_DONE;
}

static enum read_state read_request_line(struct http_head *h, struct slice line)
{
    struct slice rest, target, version;

    if (!cut(line, ' ', &h->method, &rest) || !all_token_chars(h->method)
        || h->method.len > 16 || !cut(rest, ' ', &target, &version)
        || target.len == 0)
        return bad(h, 400, "the request line is malformed");
    enum read_state state = read_version(h, version);
    return state == READ_DONE ? read_target(h, target) : state;
}

/* ---- the fields ---- */

static enum read_state read_field(struct http_head *h, struct slice line)
{
    struct http_field f;

    if (is_blank(line.at[0]))
        return bad(h, 400, "a header field is folded");
    if (!cut(line, ':', &f.name, &f.value) || !all_token_chars(f.name))
        return bad(h, 400, "a header field is malformed");
    f.value = trim(f.value);
    for (size_t i = 0; i < f.value.len; i++) {
        unsigned char c = (unsigned char)f.value.at[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return bad(h, 400, "a header field holds a control character");
    }
    if (h->n_fields == HEAD_FIELDS_MAX)
        return bad(h, 431, "there are too many header fields");
    h->fields[h->n_fields++] = f;
    return READ_DONE;
}

struct slice head_field(const struct http_head *h, const char *name)
{
    for (size_t i = 0; i < h->n_fields; i++)
        if (head_same(h->fields[i].name, slice_of(name)))
            return h->fields[i].value;
    return (struct slice){ 0 };
}

bool head_list_has(struct slice list, const char *word)
{
    struct slice item, rest;

    while (list.len > 0) {
        if (!cut(list, ',', &item, &rest)) {
            item = list;
            rest = (struct slice){ 0 };
        }
        if (head_same(trim(item), slice_of(word)))
            return true;
        list = rest;
    }
    return false;
}

/* ---- what the fields mean for the framing ---- */

/* How often a field is there; *value is the first one's. */
static size_t occurs(const struct http_head *h, const char *name,
                     struct slice *value)
{
    size_t n = 0;

    for (size_t i = 0; i < h->n_fields; i++) {
        if (!head_same(h->fields[i].name, slice_of(name)))
            continue;
        if (n++ == 0)
            *value = h->fields[i].value;
    }
    return n;
}

static bool read_length(uint64_t *out, struct slice s)
{
    uint64_t v = 0;

    if (s.len == 0 || s.len > 18)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        v = 10 * v + (uint64_t)(s.at[i] - '0');
    }
    *out = v;
    return true;
}

static enum read_state frame_body(struct http_head *h)
{
    struct slice length = { 0 }, coding = { 0 };
    size_t n_length = occurs(h, "content-length", &length);
    size_t n_coding = occurs(h, "transfer-encoding", &coding);

    if (n_length > 0 && n_coding > 0)
        return bad(h, 400, "Content-Length beside Transfer-Encoding");
    if (n_length > 1 || (n_length == 1 && !read_length(&h->length, length)))
        return bad(h, 400, "Content-Length is not one number");
    if (n_coding > 1
        || (n_coding == 1
            && (h->minor == 0 || !head_same(coding, SLICE("chunked")))))
        return bad(h, 400, "Transfer-Encoding is not chunked");
    h->has_length = n_length == 1;
    h->chunked = n_coding == 1;
    return READ_DONE;
}

static bool is_host_char(char c)
{
    char l = lower(c);

    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9')
        || (c != '\0' && strchr("-._~:[]%!$&'()*+,;=", c) != NULL);
}

static enum read_state check_host(struct http_head *h)
{
    size_t n = occurs(h, "host", &h->host);

    if (n > 1 || (n == 0 && h->minor == 1))
        return bad(h, 400, "there is not exactly one Host");
    /* RFC 9112, 3.2.2: what the target says wins.  A page that could choose the
     * one and not the other would else pass for one of this machine's. */
    if (h->authority.at != NULL)
        h->host = h->authority;
    for (size_t i = 0; i < h->host.len; i++)
        if (!is_host_char(h->host.at[i]))
            return bad(h, 400, "Host is malformed");
    return READ_DONE;
}

static enum read_state read_manners(struct http_head *h)
{
    struct slice expect = { 0 };

    for (size_t i = 0; i < h->n_fields; i++) {
        if (!head_same(h->fields[i].name, SLICE("connection")))
            continue;
        if (head_list_has(h->fields[i].value, "close"))
            h->keep_alive = false;
        else if (h->minor == 0
                 && head_list_has(h->fields[i].value, "keep-alive"))
            h->keep_alive = true;
    }
    if (occurs(h, "expect", &expect) == 0 || h->minor == 0)
        return READ_DONE;
    h->expects_continue = head_same(expect, SLICE("100-continue"));
    return h->expects_continue ? READ_DONE
                               : bad(h, 417, "Expect is not 100-continue");
}

enum read_state head_read(struct http_head *h, struct slice in)
{
    enum read_state state = find_end(h, in);
    size_t at = h->start;

    if (state != READ_DONE)
        return state;
    h->size = h->line;
    struct slice head = { in.at, h->size };
    state = read_request_line(h, next_line(head, &at));
    while (state == READ_DONE) {
        struct slice line = next_line(head, &at);
        if (line.len == 0)
            break;
        state = read_field(h, line);
    }
    if (state == READ_DONE)
        state = check_host(h);
    if (state == READ_DONE)
        state = frame_body(h);
    return state == READ_DONE ? read_manners(h) : state;
}
