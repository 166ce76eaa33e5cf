/* Methods of strings that cut: strip, split and partition.  The pieces share
 * their string's bytes. */
#include "text/template_str.h"

/* ---- strip ---- */

static bool in_set(struct slice set, uint32_t cp)
{
    char utf8[4];
    size_t n = utf8_encode(utf8, cp);
    for (size_t at = 0; at < set.len;) {
        size_t m = 1;
        while (at + m < set.len
               && ((unsigned char)set.at[at + m] & 0xC0) == 0x80)
            m++;
        if (m == n && memcmp(set.at + at, utf8, n) == 0)
            return true;
        at += m;
    }
    return false;
}

/* Bytes of the character at the left or right end of s when it goes. */
static size_t strip_len(struct slice s, const struct slice *set, bool left)
{
    uint32_t cp;
    size_t n = left ? 0 : text_last_len(s);
    struct slice c = left ? s : slice_from(s, s.len - n);
    if (set == NULL)
        return text_space_len(c);
    n = utf8_decode(c, &cp, NULL);
    return in_set(*set, cp) ? n : 0;
}

static struct val strip(struct run *r, const struct call *c, bool left,
                        bool right)
{
    struct slice s = val_slice(c->self), set;
    bool has_set = val_given(c->arg[0]);
    size_t from = 0, n;
    if (has_set && !str_arg(r, c->arg[0], "strip arg", &set))
        return val_of_kind(VAL_FAIL);
    if (has_set && !run_bytes(r, s.len + set.len * 8))
        return val_of_kind(VAL_FAIL);
    while (left && from < s.len
           && (n = strip_len(slice_from(s, from), has_set ? &set : NULL, true)))
        from += n;
    while (right && s.len > from
           && (n = strip_len((struct slice){ s.at + from, s.len - from },
                             has_set ? &set : NULL, false)))
        s.len -= n;
    if (!run_bytes(r, (c->self.str->len - (s.len - from))
                          * (has_set ? set.len + 1 : 1)))
        return val_of_kind(VAL_FAIL);
    return str_like(str_part(r, c->self, from, s.len), c->self);
}

struct val s_strip(struct run *r, const struct call *c)
{
    return strip(r, c, true, true);
}

struct val s_lstrip(struct run *r, const struct call *c)
{
    return strip(r, c, true, false);
}

struct val s_rstrip(struct run *r, const struct call *c)
{
    return strip(r, c, false, true);
}

/* ---- split ---- */

struct pieces {
    struct run *r;
    struct val  of;
    struct val  out;
};

static bool put_piece(struct pieces *p, size_t from, size_t to)
{
    struct val v = str_like(str_part(p->r, p->of, from, to), p->of);
    return !val_failed(v) && list_push(p->r, p->out.list, v);
}

static bool split_spaces(struct pieces *p, int64_t most)
{
    struct slice s = val_slice(p->of);
    size_t at = text_lspace_len(s);
    while (at < s.len && most-- != 0) {
        size_t end = at;
        while (end < s.len && text_space_len(slice_from(s, end)) == 0)
            end++;
        if (!put_piece(p, at, end))
            return false;
        at = end + text_lspace_len(slice_from(s, end));
    }
    return at >= s.len || put_piece(p, at, s.len);
}

static bool split_at(struct pieces *p, struct slice sep, int64_t most)
{
    struct slice s = val_slice(p->of);
    size_t from = 0, at;
    while (most-- != 0 && (at = slice_find(s, sep, from)) < s.len) {
        if (!put_piece(p, from, at))
            return false;
        from = at + sep.len;
    }
    return put_piece(p, from, s.len);
}

static bool rsplit_at(struct pieces *p, struct slice sep, int64_t most)
{
    struct slice s = val_slice(p->of);
    size_t end = s.len, at;
    while (most-- != 0 && (at = str_find_last(p->r, s, sep, end)) != SIZE_MAX) {
        if (!put_piece(p, at + sep.len, end))
            return false;
        end = at;
    }
    return p->r->err == ERR_OK && put_piece(p, 0, end);
}

static bool rsplit_spaces(struct pieces *p, int64_t most)
{
    struct slice s = val_slice(p->of);
    s.len = text_rstrip_len(s);
    while (s.len > 0 && most-- != 0) {
        size_t from = s.len;
        while (from > 0) {
            size_t n = text_last_len((struct slice){ s.at, from });
            if (text_space_len((struct slice){ s.at + from - n, n }) > 0)
                break;
            from -= n;
        }
        if (!put_piece(p, from, s.len))
            return false;
        s.len = text_rstrip_len((struct slice){ s.at, from });
    }
    return s.len == 0 || put_piece(p, 0, s.len);
}

static void reverse(struct list *l)
{
    for (size_t i = 0; i < l->n / 2; i++) {
        struct val v = l->at[i];
        l->at[i] = l->at[l->n - 1 - i];
        l->at[l->n - 1 - i] = v;
    }
}

static struct val split(struct run *r, const struct call *c, bool from_right)
{
    struct pieces p = { r, c->self, list_new(r, VAL_LIST, 0) };
    struct slice sep = { NULL, 0 };
    int64_t most = -1;
    bool spaces = !val_given(c->arg[0]);
    if (val_failed(p.out) || !run_bytes(r, c->self.str->len)
        || (!spaces && !str_arg(r, c->arg[0], "separator", &sep))
        || (c->arg[1].kind != VAL_MISSING && !to_index(r, c->arg[1], &most)))
        return val_of_kind(VAL_FAIL);
    if (!spaces && sep.len == 0)
        return run_error(r, "empty separator");
    if (most < 0)
        most = -1;
    bool ok = from_right ? spaces ? rsplit_spaces(&p, most)
                                  : rsplit_at(&p, sep, most)
                         : spaces ? split_spaces(&p, most)
                                  : split_at(&p, sep, most);
    if (from_right)
        reverse(p.out.list);
    return ok ? p.out : val_of_kind(VAL_FAIL);
}

struct val s_split(struct run *r, const struct call *c)
{
    return split(r, c, false);
}

struct val s_rsplit(struct run *r, const struct call *c)
{
    return split(r, c, true);
}

/* Bytes of the line break at the start of s; "\r\n" is one. */
static size_t break_len(struct slice s)
{
    uint32_t cp;
    if (slice_starts(s, SLICE("\r\n")))
        return 2;
    size_t n = utf8_decode(s, &cp, NULL);
    return (cp >= '\n' && cp <= '\r') || (cp >= 0x1C && cp <= 0x1E)
        || cp == 0x85 || cp == 0x2028 || cp == 0x2029 ? n : 0;
}

struct val split_lines(struct run *r, struct val of, bool keep_ends)
{
    struct pieces p = { r, of, list_new(r, VAL_LIST, 0) };
    struct slice s = val_slice(of);
    size_t from = 0, at = 0;
    if (val_failed(p.out) || !run_bytes(r, s.len))
        return val_of_kind(VAL_FAIL);
    while (at < s.len) {
        size_t n = break_len(slice_from(s, at));
        if (n == 0) {
            at++;
            while (at < s.len && ((unsigned char)s.at[at] & 0xC0) == 0x80)
                at++;
            continue;
        }
        if (!put_piece(&p, from, keep_ends ? at + n : at))
            return val_of_kind(VAL_FAIL);
        from = at += n;
    }
    if (from < s.len && !put_piece(&p, from, s.len))
        return val_of_kind(VAL_FAIL);
    return p.out;
}

struct val s_splitlines(struct run *r, const struct call *c)
{
    int64_t keep = 0;
    if (c->arg[0].kind != VAL_MISSING && !to_index(r, c->arg[0], &keep))
        return val_of_kind(VAL_FAIL);
    return split_lines(r, c->self, keep != 0);
}

static struct val partition(struct run *r, const struct call *c, bool last)
{
    struct slice s = val_slice(c->self), sep;
    struct pieces p = { r, c->self, list_new(r, VAL_TUPLE, 3) };
    if (val_failed(p.out) || !str_arg(r, c->arg[0], "separator", &sep))
        return val_of_kind(VAL_FAIL);
    if (sep.len == 0)
        return run_error(r, "empty separator");
    size_t at = last ? str_find_last(r, s, sep, s.len) : slice_find(s, sep, 0);
    bool none = at >= s.len;
    size_t first = none ? last ? 0 : s.len : at;
    size_t second = none ? first : at + sep.len;
    if (!run_bytes(r, s.len) || !put_piece(&p, 0, first)
        || !put_piece(&p, first, second) || !put_piece(&p, second, s.len))
        return val_of_kind(VAL_FAIL);
    return p.out;
}

struct val s_partition(struct run *r, const struct call *c)
{
    return partition(r, c, false);
}

struct val s_rpartition(struct run *r, const struct call *c)
{
    return partition(r, c, true);
}
