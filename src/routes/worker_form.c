/* The bodies of the worker's own routes.
 *
 * Two forms came to be: an orchestrator's operation, with names of hive and
 * model that only say where it was sent, and a flat one.  One table of fields
 * serves both; the operation has one more, and other defaults.  The words of
 * the faults ("range(1..=2048)") are the contract's: programs compare them.
 *
 * Prompts and stop strings are never repeated in an error: logs keep those. */
#include "routes/worker_form.h"

#include "base/utf8.h"
#include "serve/server.h"
#include "serve/stamp.h"
#include <stdio.h>

#define AT(member) offsetof(struct worker_form, member)

enum {
    PROMPT_CHARS = 32768, STOPS_MAX = 4, STOP_SIZE = 100, ID_SIZE = 256,
    REF_SIZE = 512
};

/* ---- prompts ---- */

/* C0 but for tab, LF and CR; DEL; overrides of the direction of text. */
static bool is_odd(uint32_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f
        || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static size_t count_chars(struct slice s, bool *odd)
{
    size_t n = 0;
    uint32_t c;

    *odd = false;
    for (; s.len > 0; n++) {
        s = slice_from(s, utf8_decode(s, &c, NULL));
        *odd |= is_odd(c);
    }
    return n;
}

static void read_prompt(struct reading *r, const struct field *f,
                        const struct json *v)
{
    struct worker_form *form = r->form;
    char constraint[32];
    bool odd;

    if (v->kind != JSON_STRING) {
        fault_add(r, f->name, "validation_failed", "prompt must be a string");
        return;
    }
    size_t n = count_chars(v->string, &odd);
    snprintf(constraint, sizeof constraint, "length(1..=%d)", PROMPT_CHARS);
    if (n == 0)
        fault_add(r, f->name, constraint, "prompt must not be empty");
    else if (n > PROMPT_CHARS)
        fault_add(r, f->name, constraint, "prompt must be at most %d "
                  "characters (got %zu)", PROMPT_CHARS, n);
    else if (odd && form->strict)
        fault_add(r, f->name, "validation_failed", "prompt must not hold "
                  "control characters or overrides of text direction");
    else
        form->prompt = v->string;
}

/* ---- limits that the command line may change ---- */

static void read_max_tokens(struct reading *r, const struct field *f,
                            const struct json *v)
{
    struct worker_form *form = r->form;
    struct field row = *f;

    row.most = form->most_tokens;
    field_u32(r, &row, v);
}

/* ---- stop strings ---- */

static void check_stop(struct reading *r, const struct json *v, size_t i)
{
    struct worker_form *form = r->form;
    char constraint[32];

    snprintf(constraint, sizeof constraint, "max_length(%d)", STOP_SIZE);
    if (v->kind != JSON_STRING)
        fault_add(r, "stop", "validation_failed",
                  "stop sequence %zu must be a string", i);
    else if (v->string.len == 0)
        fault_add(r, "stop", "non_empty",
                  "stop sequence %zu must not be empty", i);
    else if (v->string.len > STOP_SIZE)
        fault_add(r, "stop", constraint, "stop sequence %zu must be at most "
                  "%d bytes (got %zu)", i, STOP_SIZE, v->string.len);
    else
        form->stop.at[form->stop.n++] = v->string;
}

static void read_stop(struct reading *r, const struct field *f,
                      const struct json *v)
{
    struct worker_form *form = r->form;
    size_t i = 0;

    if (v->kind != JSON_ARRAY) {
        fault_add(r, f->name, "validation_failed",
                  "stop must be an array of strings");
        return;
    }
    if (v->n > STOPS_MAX) {
        fault_add(r, f->name, "max_count(4)",
                  "stop must be at most %d sequences (got %zu)", STOPS_MAX,
                  v->n);
        return;
    }
    form->stop.at = arena_zero(r->arena, v->n + 1, sizeof *form->stop.at);
    r->no_memory |= form->stop.at == NULL;
    for (const struct json *s = v->first; s && form->stop.at; s = s->next)
        check_stop(r, s, i++);
}

/* ---- names that only have to be in order ---- */

static void read_id(struct reading *r, const struct field *f,
                    const struct json *v)
{
    if (v->kind != JSON_STRING || !stamp_is_id(v->string, ID_SIZE))
        fault_add(r, f->name, "validation_failed", "%s must be 1 to %d letters,"
                  " digits, '-' and '_'", f->name, ID_SIZE);
}

static void read_ref(struct reading *r, const struct field *f,
                     const struct json *v)
{
    struct slice s = v->string;
    bool good = v->kind == JSON_STRING && s.len > 0 && s.len <= REF_SIZE
             && slice_find(s, SLICE("../"), 0) == s.len;

    for (size_t i = 0; good && i < s.len; i++)
        good = stamp_is_id((struct slice){ s.at + i, 1 }, 1)
            || s.at[i] == '/' || s.at[i] == ':' || s.at[i] == '.';
    if (!good)
        fault_add(r, f->name, "validation_failed", "%s must be 1 to %d letters,"
                  " digits and -_/:. without \"../\"", f->name, REF_SIZE);
}

static void read_operation(struct reading *r, const struct field *f,
                           const struct json *v)
{
    if (v->kind != JSON_STRING || !slice_is(v->string, "infer"))
        fault_add(r, f->name, "validation_failed",
                  "unsupported operation for worker");
}

/* ---- the tables ---- */

static const struct field flat[] = {
    { "prompt", read_prompt, 0, 0, 0, true },
    { "max_tokens", read_max_tokens, AT(max_tokens), 1, 0, false },
    { "temperature", field_sample_f32, SAMPLING_TEMPERATURE, 0, 2, false },
    { "top_p", field_sample_f32, SAMPLING_TOP_P, 0, 1, false },
    { "top_k", field_sample_u32, SAMPLING_TOP_K, 0, UINT32_MAX, false },
    { "min_p", field_sample_f32, SAMPLING_MIN_P, 0, 1, false },
    { "repetition_penalty", field_sample_f32, SAMPLING_REPETITION_PENALTY,
      SAMPLING_TINY, 2, false },
    { "repeat_last_n", field_sample_u32, SAMPLING_REPEAT_LAST_N, 0, UINT32_MAX,
      false },
    { "seed", field_u64, AT(seed), 0, 0, false },
    { "stop", read_stop, 0, 0, 0, false },
    { "stream", field_bool, AT(stream), 0, 0, false },
    { "truncate", field_bool, AT(truncate), 0, 0, false },
    { "job_id", field_ignored, 0, 0, 0, false },
};

static const struct field must_say[] = {
    { "max_tokens", read_max_tokens, AT(max_tokens), 1, 0, true },
};

static const struct field operation[] = {
    { "operation", read_operation, 0, 0, 0, true },
    { "hive_id", read_id, 0, 0, 0, true },
    { "model", read_ref, 0, 0, 0, true },
    { "max_tokens", read_max_tokens, AT(max_tokens), 1, 0, true },
    { "temperature", field_sample_f32, SAMPLING_TEMPERATURE, 0, 2, true },
    { "device", field_ignored, 0, 0, 0, false },
    { "worker_id", field_ignored, 0, 0, 0, false },
};

enum { N_OPERATION = sizeof operation / sizeof *operation };

/* ---- what nobody said ---- */

struct wish { enum sampling_field field; float value; };

static void fill_in(struct sampling_given *asked, const struct wish *wishes,
                    size_t n)
{
    struct err_info why;

    for (size_t i = 0; i < n; i++)
        if ((asked->given & (1u << wishes[i].field)) == 0)
            sampling_set(asked, wishes[i].field, (double)wishes[i].value,
                         &why);
}

static void fill_defaults(struct worker_form *form,
                          const struct worker_rules *rules)
{
    const struct wish operations[] = {
        { SAMPLING_TOP_P, 0.9f }, { SAMPLING_TOP_K, 50 },
        { SAMPLING_REPETITION_PENALTY, 1.1f },
        { SAMPLING_REPEAT_LAST_N, 128 },
    };
    const struct wish plain[] = {
        { SAMPLING_TEMPERATURE, rules->temperature },
        { SAMPLING_REPEAT_LAST_N, 128 },
    };

    if (form->is_operation)
        fill_in(&form->asked, operations, 4);
    fill_in(&form->asked, plain, 2);
    if (form->max_tokens == 0)
        form->max_tokens = rules->max_tokens < form->most_tokens
            ? (uint32_t)rules->max_tokens : form->most_tokens;
}

/* ---- refusals ---- */

/* The contract has six words; ours say more, but not to its clients. */
static const char *constraint_of(const struct fault *f)
{
    static const char *const known[] = {
        "length(", "range(", "max_count(", "non_empty", "max_length(",
        "context_length(",
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(f->constraint, known[i], strlen(known[i])) == 0)
            return f->constraint;
    return "validation_failed";
}

static void put_text(struct strbuf *out, const char *key, const char *text)
{
    strbuf_printf(out, "\"%s\":", key);
    json_put_string(out, slice_of(text));
}

void worker_refuse_faults(struct call *c, const struct reading *r)
{
    struct strbuf body = { 0 };

    strbuf_puts(&body, "{\"errors\":[");
    for (size_t i = 0; i < r->n_faults; i++) {
        const struct fault *f = &r->fault[i];
        strbuf_puts(&body, i > 0 ? ",{" : "{");
        put_text(&body, "field", f->field);
        strbuf_putc(&body, ',');
        put_text(&body, "constraint", constraint_of(f));
        strbuf_putc(&body, ',');
        put_text(&body, "message", f->message);
        if (f->has_value) {
            strbuf_puts(&body, ",\"value\":\"");
            json_put_double(&body, f->value);
            strbuf_putc(&body, '"');
        }
        strbuf_putc(&body, '}');
    }
    strbuf_puts(&body, "]}");
    call_reply_json(c, 400, &body);
    strbuf_drop(&body);
}

enum err worker_form_parse(struct worker_form *form, struct reading *r,
                           const struct worker_rules *rules,
                           const struct json *body, struct err_info *why)
{
    form->is_operation = json_get(body, "operation") != NULL;
    r->form = form;
    r->sampling = &form->asked;
    const struct fields tables[] = {
        { operation, form->is_operation ? N_OPERATION : 0 },
        { must_say, !form->is_operation && rules->max_tokens == 0 },
        FIELDS(flat),
    };
    enum err e = fields_read(r, tables, 3, body, why);
    if (e == ERR_OK)
        fill_defaults(form, rules);
    return e;
}

bool worker_form_read(struct worker_form *form, struct call *c,
                      const struct worker_rules *rules)
{
    const struct serve_options *o = server_options(c->server);
    struct reading r = { .arena = &c->arena };
    struct err_info why;

    *form = (struct worker_form){
        .most_tokens = (uint32_t)o->max_tokens_out, .strict = o->strict_prompt,
    };
    enum err e = worker_form_parse(form, &r, rules, c->json, &why);
    if (e == ERR_REQUEST)
        worker_refuse_faults(c, &r);
    else if (e != ERR_OK)
        call_refuse_why(c, NULL, &why);
    else if (r.ignored[0] != '\0')
        call_header(c, "X-Ignored-Fields", r.ignored);
    return e == ERR_OK;
}
