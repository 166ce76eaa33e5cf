/* The body of a request for work, through the table of its fields.  The first
 * byte says which form it is. */
#include "fuzz.h"

#include "routes/openai_form.h"
#include "routes/worker_form.h"
#include <assert.h>

enum { MOST_TOKENS = 2048, N_IDS = 1000 };

static enum err read_worker(struct reading *r, const struct json *body,
                            bool is_infer, struct err_info *why)
{
    const struct worker_rules rules = { .max_tokens = is_infer ? 256 : 0,
                                        .temperature = 1 };
    struct worker_form form = { .most_tokens = MOST_TOKENS, .strict = true };
    enum err e = worker_form_parse(&form, r, &rules, body, why);

    if (e == ERR_OK) {
        assert(form.prompt.len > 0 && form.max_tokens >= 1);
        assert(form.max_tokens <= MOST_TOKENS && form.stop.n <= 4);
    }
    return e;
}

static enum err read_openai(struct reading *r, const struct json *body,
                            enum openai_kind kind, struct err_info *why)
{
    struct openai_form form;
    enum err e = openai_form_read(&form, r, kind, body, why);

    if (e == ERR_OK) {
        assert(form.n >= 1 && form.n <= OPENAI_N_MAX);
        assert(kind == OPENAI_CHAT ? form.messages != NULL
                                   : form.prompt != NULL);
    }
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = { .limit = 64 << 20 };
    struct reading r = { .arena = &arena, .n_ids = N_IDS };
    struct json *body;
    struct err_info why;

    if (size == 0)
        return 0;
    unsigned form = data[0] % 4;
    struct slice text = { (const char *)data + 1, size - 1 };
    enum err e = json_parse(&body, &arena, text, JSON_DEPTH, &why);
    if (e == ERR_OK && body->kind == JSON_OBJECT) {
        e = form < 2 ? read_worker(&r, body, form == 1, &why)
                     : read_openai(&r, body, form == 2 ? OPENAI_CHAT
                                                       : OPENAI_TEXT, &why);
        assert(e == ERR_OK || e == ERR_REQUEST || e == ERR_NOMEM);
        assert((e == ERR_REQUEST) == (r.n_faults > 0) || e == ERR_NOMEM);
    }
    arena_drop(&arena);
    return 0;
}
