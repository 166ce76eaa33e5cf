/* Whatever the text, the reader and the tree agree about it, and what the
 * writer makes of the tree reads back to the same tree. */
#include "fuzz.h"

#include "base/json.h"
#undef NDEBUG
#include <assert.h>

static enum err read_all(struct slice text, struct err_info *why)
{
    struct json_reader r;
    struct json_token t;

    json_reader_init(&r, text, JSON_DEPTH);
    do {
        enum err e = json_next(&r, &t, why);
        if (e != ERR_OK)
            return e;
        assert(r.at >= r.start && r.at <= r.end);
    } while (t.kind != JSON_END || r.depth > 0);
    return ERR_OK;
}

/* The same by skipping the document as a whole. */
static enum err skip_all(struct slice text)
{
    struct json_reader r;
    struct json_token t;
    struct slice raw;

    json_reader_init(&r, text, JSON_DEPTH);
    enum err e = json_next(&r, &t, NULL);
    if (e == ERR_OK)
        e = json_skip(&r, &t, &raw, NULL);
    if (e == ERR_OK)
        assert(raw.at >= text.at && raw.len <= text.len && raw.len > 0);
    return e != ERR_OK ? e : json_next(&r, &t, NULL);
}

static void put_scalar(struct strbuf *out, const struct json *v)
{
    switch (v->kind) {
    case JSON_STRING:
        json_put_string(out, v->string);
        break;
    case JSON_INT:
        strbuf_printf(out, "%s%llu", v->integer.negative ? "-" : "",
                      (unsigned long long)v->integer.magnitude);
        break;
    case JSON_FLOAT:
        json_put_double(out, v->number);
        break;
    default:
        strbuf_puts(out, v->kind == JSON_NULL ? "null"
                         : v->boolean         ? "true"
                                              : "false");
    }
}

/* Depth first without recursion: the open containers are on a stack. */
static void write_tree(struct strbuf *out, const struct json *v)
{
    const struct json *open[JSON_DEPTH + 1];
    size_t depth = 0;

    while (v != NULL) {
        if (depth > 0 && open[depth - 1]->kind == JSON_OBJECT) {
            json_put_string(out, v->key);
            strbuf_putc(out, ':');
        }
        if (v->kind == JSON_ARRAY || v->kind == JSON_OBJECT) {
            strbuf_putc(out, v->kind == JSON_ARRAY ? '[' : '{');
            if (v->first != NULL) {
                open[depth++] = v;
                v = v->first;
                continue;
            }
            strbuf_putc(out, v->kind == JSON_ARRAY ? ']' : '}');
        } else {
            put_scalar(out, v);
        }
        while (depth > 0 && v->next == NULL) {
            v = open[--depth];
            strbuf_putc(out, v->kind == JSON_ARRAY ? ']' : '}');
        }
        if (depth > 0)
            strbuf_putc(out, ',');
        v = depth > 0 ? v->next : NULL;
    }
}

static void check_round_trip(const struct json *tree)
{
    struct arena a = { 0 };
    struct strbuf once = { 0 }, twice = { 0 };
    struct json *again;

    write_tree(&once, tree);
    assert(json_parse(&again, &a, strbuf_slice(&once), JSON_DEPTH, NULL)
           == ERR_OK);
    write_tree(&twice, again);
    assert(slice_eq(strbuf_slice(&once), strbuf_slice(&twice)));
    strbuf_drop(&once);
    strbuf_drop(&twice);
    arena_drop(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = { (const char *)data, size };
    struct err_info why = { 0 }, why_tree = { 0 };
    struct arena a = { 0 };
    struct json *tree;

    enum err read = read_all(text, &why);
    enum err parsed = json_parse(&tree, &a, text, JSON_DEPTH, &why_tree);
    assert(skip_all(text) == read);
    if (read == ERR_OK && parsed != ERR_OK)
        assert(strstr(why_tree.text, "stands twice") != NULL);
    if (read != ERR_OK) {
        assert(parsed == read || strstr(why_tree.text, "twice") != NULL);
        assert(strchr(why.text, '\n') == NULL && why.text[0] != '\0');
    }
    if (parsed == ERR_OK)
        check_round_trip(tree);
    arena_drop(&a);
    return 0;
}
