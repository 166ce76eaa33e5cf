/* Any bytes as a template: it compiles or says why, and what compiles renders
 * or says why, twice the same. */
#include "fuzz.h"

#include "base/json.h"
#include "text/template.h"
#undef NDEBUG
#include <assert.h>

static const char context[] =
    "{\"messages\": [{\"role\": \"user\", \"content\": \"hi <b>\\u00e9</b>\"},"
    " {\"role\": \"tool\", \"content\": [{\"type\": \"text\", \"text\": \"x\"}]}],"
    " \"tools\": null, \"n\": 7, \"f\": 2.5, \"yes\": true, \"s\": \"a, b\","
    " \"d\": {\"k\": 1, \"items\": [1, 2, \"z\"], \"e\": {}}, \"l\": [3, 1, 2]}";

static enum err render(const struct template *t, const struct json *vars,
                       struct strbuf *out, struct err_info *why)
{
    struct template_var all[16];
    size_t n = 0;

    for (const struct json *v = vars->first; v != NULL; v = v->next)
        all[n++] = (struct template_var){ v->key.at, v };
    return template_render(t, all, n, out, why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = { 0 };
    struct json *vars;
    struct template *t;
    struct strbuf once = { 0 }, twice = { 0 };
    struct err_info why = { 0 };
    struct slice source = { (const char *)data, size };

    assert(json_parse(&vars, &a, slice_of(context), 8, NULL) == ERR_OK);
    for (struct json *v = vars->first; v != NULL; v = v->next)
        v->key = arena_copy(&a, v->key);
    enum err e = template_compile(&t, source, &why);
    if (e == ERR_OK) {
        e = render(t, vars, &once, &why);
        /* The clock and chance differ from run to run. */
        bool steady = slice_find(source, SLICE("strftime"), 0) == size
                   && slice_find(source, SLICE("random"), 0) == size;
        assert(render(t, vars, &twice, NULL) == e || !steady);
        if (steady && e == ERR_OK)
            assert(slice_eq(strbuf_slice(&once), strbuf_slice(&twice)));
    }
    assert((e == ERR_OK) == (why.text[0] == '\0'));
    assert(strchr(why.text, '\n') == NULL);
    template_close(t);
    strbuf_drop(&once);
    strbuf_drop(&twice);
    arena_drop(&a);
    return 0;
}
