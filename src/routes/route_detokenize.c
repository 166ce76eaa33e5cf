/* POST /detokenize: ids to text, for llama-server's clients ("content") and
 * vLLM's ("prompt"). */
#include "routes/route_table.h"
#include "routes/text_call.h"

#include <stddef.h>

#define AT(member) offsetof(struct form, member)

struct form {
    const struct json *tokens;
    bool               skip_special;
};

static void read_ids(struct reading *r, const struct field *f,
                     const struct json *v)
{
    size_t i = 0;
    if (v->kind != JSON_ARRAY) {
        fault_add(r, f->name, "array", "%s must be an array of token ids, not "
                  "%s", f->name, json_kind_name(v->kind));
        return;
    }
    for (const struct json *id = v->first; id != NULL; id = id->next, i++)
        if (id->kind != JSON_INT || id->integer.negative
            || id->integer.magnitude >= r->n_ids) {
            fault_add(r, f->name, "token_id", "%s: element %zu is no token id "
                      "from 0 to %zu", f->name, i, r->n_ids - 1);
            return;
        }
    field_json(r, f, v);
}

static const struct field table[] = {
    { "tokens",       read_ids, AT(tokens), 0, 0, true },
    { "skip_special", field_bool, AT(skip_special), 0, 0, false },
    { "model",        field_ignored, 0, 0, 0, false },
};

static enum err make(struct strbuf *out, const struct engine *e,
                     const void *given, struct arena *arena,
                     struct err_info *why)
{
    const struct form *f = given;
    struct strbuf text = { 0 };
    int32_t *ids = arena_take(arena, f->tokens->n + 1, sizeof *ids);
    size_t n = 0;
    if (ids == NULL)
        return fail_nomem(why);
    for (const struct json *v = f->tokens->first; v != NULL; v = v->next)
        ids[n++] = (int32_t)v->integer.magnitude;
    enum err code = tok_decode(engine_tokenizer(e), ids, n, f->skip_special
                               ? TOK_SKIP_SPECIAL : 0u, &text, why);
    if (code == ERR_OK) {
        strbuf_puts(out, "{\"content\":");
        json_put_string(out, strbuf_slice(&text));
        strbuf_puts(out, ",\"prompt\":");
        json_put_string(out, strbuf_slice(&text));
        strbuf_putc(out, '}');
    }
    out->failed |= text.failed;
    strbuf_drop(&text);
    return code;
}

static const struct fields tables[] = { FIELDS(table) };
static const struct text_route text = {
    .tables = tables, .n_tables = 1, .form_size = sizeof(struct form),
    .make = make,
};

static void handle(struct call *c)
{
    text_call(c, &text);
}

const struct route route_detokenize = {
    .method = "POST", .paths = { "/detokenize" }, .auth = ROUTE_TOKEN,
    .when = ROUTE_LOADED, .body = ROUTE_JSON, .handle = handle,
};
