/* Keys as text for people: `inspect --metadata`.  Lists and strings are cut:
 * a vocabulary has 262,144 entries, and a template 10 kB. */
#include "format/keys.h"

#include "format/gguf.h"

#include <inttypes.h>

enum { SHOWN_ITEMS = 6, SHOWN_DEPTH = 3, SHOWN_BYTES = 400 };

static void put_cut(struct strbuf *out, struct slice s)
{
    bool cut = s.len > SHOWN_BYTES;

    if (cut)
        s.len = SHOWN_BYTES;
    strbuf_putc(out, '"');
    strbuf_put_visible(out, s);
    strbuf_puts(out, cut ? "...\"" : "\"");
}

static void put_json(struct strbuf *out, const struct json *v, int depth);

/* The recursion ends at SHOWN_DEPTH, whatever the file holds. */
// NOLINTNEXTLINE(misc-no-recursion): see above
static void put_children(struct strbuf *out, const struct json *v, int depth)
{
    bool object = v->kind == JSON_OBJECT;
    size_t i = 0;

    strbuf_putc(out, object ? '{' : '[');
    for (const struct json *c = v->first; c != NULL; c = c->next, i++) {
        if (i > 0)
            strbuf_puts(out, ", ");
        if (i == SHOWN_ITEMS * 4 || depth == SHOWN_DEPTH) {
            strbuf_puts(out, "...");
            break;
        }
        if (object) {
            put_cut(out, c->key);
            strbuf_puts(out, ": ");
        }
        put_json(out, c, depth + 1);
    }
    strbuf_putc(out, object ? '}' : ']');
}

// NOLINTNEXTLINE(misc-no-recursion): put_children ends it
static void put_json(struct strbuf *out, const struct json *v, int depth)
{
    switch (v->kind) {
    case JSON_NULL:
        strbuf_puts(out, "null");
        break;
    case JSON_BOOL:
        strbuf_puts(out, v->boolean ? "true" : "false");
        break;
    case JSON_INT:
        strbuf_printf(out, "%s%" PRIu64, v->integer.negative ? "-" : "",
                      v->integer.magnitude);
        break;
    case JSON_FLOAT:
        json_put_double(out, v->number);
        break;
    case JSON_STRING:
        put_cut(out, v->string);
        break;
    default:
        put_children(out, v, depth);
    }
}

static void put_gguf(struct strbuf *out, const struct gguf_value *v, uint64_t i)
{
    struct json_int whole;
    struct slice text;
    double number;
    bool truth;

    if (gguf_string(v, i, &text))
        put_cut(out, text);
    else if (gguf_bool(v, i, &truth))
        strbuf_puts(out, truth ? "true" : "false");
    else if (gguf_int(v, i, &whole))
        strbuf_printf(out, "%s%" PRIu64, whole.negative ? "-" : "",
                      whole.magnitude);
    else if (gguf_number(v, i, &number))
        strbuf_printf(out, "%.9g", number);
}

static void put_gguf_array(struct strbuf *out, const struct gguf_value *v)
{
    strbuf_printf(out, "%" PRIu64 " x %s: [", v->n, gguf_type_name(v->type));
    for (uint64_t i = 0; i < v->n && i < SHOWN_ITEMS; i++) {
        if (i > 0)
            strbuf_puts(out, ", ");
        put_gguf(out, v, i);
    }
    strbuf_puts(out, v->n > SHOWN_ITEMS ? ", ...]" : "]");
}

bool keys_show(const struct keys *k, size_t i, struct slice *name,
               struct strbuf *value)
{
    const struct json *member;

    if (k->naming == NAMING_HF) {
        member = json_is(k->top, JSON_OBJECT) ? k->top->first : NULL;
        while (member != NULL && i-- > 0)
            member = member->next;
        if (member == NULL)
            return false;
        *name = member->key;
        put_json(value, member, 0);
        return true;
    }
    if (i >= k->meta->n)
        return false;
    *name = k->meta->values[i].key;
    if (k->meta->values[i].is_array)
        put_gguf_array(value, &k->meta->values[i]);
    else
        put_gguf(value, &k->meta->values[i], 0);
    return true;
}
