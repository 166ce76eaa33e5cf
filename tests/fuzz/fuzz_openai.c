/* Whatever JSON a client sends as a body: it is read, or refused by a field
 * that is named; and what was read is within what the tables promise. */
#include "fuzz.h"

#include "routes/openai_form.h"
#undef NDEBUG
#include <assert.h>
#include <string.h>

enum { N_IDS = 1000 };

static void check_read(const struct openai_form *f)
{
    assert(f->n >= 1 && f->n <= OPENAI_N_MAX);
    assert(f->n_top <= SAMPLING_TOP_MAX);
    assert(f->kind == OPENAI_CHAT ? f->messages != NULL && f->messages->n > 0
                                  : f->prompt != NULL && f->prompt->n > 0);
    for (size_t i = 0; i < f->stop.n; i++)
        assert(f->stop.at[i].len > 0);
    for (size_t i = 0; i < f->n_bias; i++)
        assert(f->bias[i].id >= 0 && f->bias[i].id < N_IDS);
    struct sampling s = sampling_off();
    sampling_override(&s, &f->asked);
    s.bias = f->bias;
    s.n_bias = f->n_bias;
    assert(sampling_check(&s, N_IDS, NULL) == ERR_OK);
}

static void check_refused(const struct reading *r)
{
    assert(r->n_faults > 0 && r->n_faults <= FAULTS_MAX);
    for (size_t i = 0; i < r->n_faults; i++) {
        assert(r->fault[i].field[0] != '\0');
        assert(r->fault[i].message[0] != '\0');
        assert(strchr(r->fault[i].message, '\n') == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = { (const char *)data, size };
    for (int kind = OPENAI_CHAT; kind <= OPENAI_TEXT; kind++) {
        struct arena arena = { 0 };
        struct openai_form form;
        struct reading r = { .arena = &arena, .n_ids = N_IDS };
        struct err_info why;
        struct json *body;
        if (json_parse(&body, &arena, text, JSON_DEPTH, &why) == ERR_OK
            && body->kind == JSON_OBJECT) {
            enum err e = openai_form_read(&form, &r, (enum openai_kind)kind,
                                          body, &why);
            assert(strpbrk(r.ignored, "\r\n:") == NULL);
            if (e == ERR_OK)
                check_read(&form);
            else
                check_refused(&r);
        }
        arena_drop(&arena);
    }
    return 0;
}
