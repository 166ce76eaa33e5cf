#include "cli/request.h"
#include "cli/lines.h"

#include <stdlib.h>
#include <sys/random.h>

/* ---- flags ---- */

static enum err take_real(struct sampling_given *g, enum sampling_field f,
                          struct opt_real v, struct err_info *why)
{
    return v.given ? sampling_set(g, f, v.value, why) : ERR_OK;
}

static enum err take_sampling(struct sampling_given *g, const struct options *o,
                              struct err_info *why)
{
    const struct { enum sampling_field field; struct opt_real value; } rows[] = {
        { SAMPLING_TEMPERATURE, o->temperature },
        { SAMPLING_TOP_K, { o->top_k.given, (double)o->top_k.value } },
        { SAMPLING_TOP_P, o->top_p },
        { SAMPLING_MIN_P, o->min_p },
        { SAMPLING_REPETITION_PENALTY, o->repetition_penalty },
        { SAMPLING_FREQUENCY_PENALTY, o->frequency_penalty },
        { SAMPLING_PRESENCE_PENALTY, o->presence_penalty },
    };
    enum err e = ERR_OK;

    for (size_t i = 0; i < sizeof rows / sizeof *rows && e == ERR_OK; i++)
        e = take_real(g, rows[i].field, rows[i].value, why);
    return e;
}

/* "ID=X" */
static enum err take_bias(struct logit_bias *b, const char *text,
                          struct err_info *why)
{
    char *end;
    long id = strtol(text, &end, 10);

    if (end != text && *end == '=' && id >= 0 && id <= INT32_MAX) {
        const char *value = end + 1;
        double x = strtod(value, &end);
        if (end != value && *end == '\0') {
            *b = (struct logit_bias){ (int32_t)id, (float)x };
            return ERR_OK;
        }
    }
    return fail(why, ERR_REQUEST,
                "--logit-bias is \"%.60s\", expected ID=X such as 42=-1.5",
                text);
}

enum err request_check_bias(const char *text, struct err_info *why)
{
    struct logit_bias b;
    return take_bias(&b, text, why);
}

enum err request_check_stop(const char *text, struct err_info *why)
{
    return text[0] != '\0' ? ERR_OK
         : fail(why, ERR_REQUEST, "--stop is empty, expected a text");
}

enum err request_from_options(struct request *r, struct arena *arena,
                              const struct options *o, struct err_info *why)
{
    *r = (struct request){
        .has_seed = o->seed.given,
        .seed = o->seed.value,
        .max_tokens = o->max_tokens.given ? (size_t)o->max_tokens.value
                                          : MAX_TOKENS_DEFAULT,
        .ignore_eos = o->ignore_eos,
        .logprobs = o->logprobs.given,
        .n_top = (uint32_t)o->logprobs.value,
    };
    r->stops = arena_take(arena, o->stop.n + 1, sizeof *r->stops);
    r->bias = arena_take(arena, o->logit_bias.n + 1, sizeof *r->bias);
    if (r->stops == NULL || r->bias == NULL)
        return fail_nomem(why);
    for (size_t i = 0; i < o->stop.n; i++)
        r->stops[r->n_stops++] = slice_of(o->stop.at[i]);
    enum err e = take_sampling(&r->asked, o, why);
    for (size_t i = 0; i < o->logit_bias.n && e == ERR_OK; i++)
        e = take_bias(&r->bias[r->n_bias++], o->logit_bias.at[i], why);
    return e;
}

/* ---- a line ---- */

/* A whole number from 0; absent or null leaves *out alone. */
static enum err line_sampling(struct request *r, const struct json *line,
                              struct err_info *why)
{
    for (int f = 0; f < SAMPLING_N_FIELDS; f++) {
        const char *name = sampling_name((enum sampling_field)f);
        const struct json *v = json_get(line, name);
        if (v == NULL || v->kind == JSON_NULL)
            continue;
        if (v->kind != JSON_INT && v->kind != JSON_FLOAT)
            return fail(why, ERR_REQUEST, "\"%s\" is %s, expected a number",
                        name, json_kind_name(v->kind));
        enum err e = sampling_set(&r->asked, (enum sampling_field)f, v->number,
                                  why);
        if (e != ERR_OK)
            return e;
    }
    return ERR_OK;
}

static enum err line_stops(struct request *r, struct arena *arena,
                           const struct json *line, struct err_info *why)
{
    const struct json *v = json_get(line, "stop");

    if (v == NULL || v->kind == JSON_NULL)
        return ERR_OK;
    if (v->kind != JSON_STRING && v->kind != JSON_ARRAY)
        return fail(why, ERR_REQUEST, "\"stop\" is %s, expected a string or "
                    "an array of strings", json_kind_name(v->kind));
    r->stops = arena_take(arena, v->n + 1, sizeof *r->stops);
    if (r->stops == NULL)
        return fail_nomem(why);
    r->n_stops = 0;
    const struct json *s = v->kind == JSON_ARRAY ? v->first : v;
    for (; s != NULL; s = v->kind == JSON_ARRAY ? s->next : NULL) {
        if (s->kind != JSON_STRING)
            return fail(why, ERR_REQUEST, "\"stop\" holds %s, expected strings",
                        json_kind_name(s->kind));
        if (s->string.len > 0)
            r->stops[r->n_stops++] = s->string;
    }
    return ERR_OK;
}

/* "logprobs": false, true, or the number of alternatives. */
static enum err line_logprobs(struct request *r, const struct json *line,
                              struct err_info *why)
{
    const struct json *v = json_get(line, "logprobs");
    uint64_t n = r->n_top;

    if (json_is(v, JSON_BOOL)) {
        r->logprobs = v->boolean;
        return ERR_OK;
    }
    r->logprobs |= line_has(line, "logprobs");
    enum err e = line_uint(&n, line, "logprobs", SAMPLING_TOP_MAX, why);
    r->n_top = (uint32_t)n;
    return e;
}

enum err request_from_line(struct request *r, struct arena *arena,
                           const struct json *line, struct err_info *why)
{
    uint64_t max_tokens = r->max_tokens;

    enum err e = line_sampling(r, line, why);
    if (e == ERR_OK)
        e = line_stops(r, arena, line, why);
    if (e == ERR_OK)
        e = line_uint(&r->seed, line, "seed", UINT64_MAX, why);
    r->has_seed |= line_has(line, "seed");
    if (e == ERR_OK)
        e = line_uint(&max_tokens, line, "max_tokens", SIZE_MAX, why);
    if (e == ERR_OK && max_tokens == 0)
        e = fail(why, ERR_REQUEST, "\"max_tokens\" is 0, expected at least 1");
    r->max_tokens = (size_t)max_tokens;
    if (e == ERR_OK)
        e = line_bool(&r->ignore_eos, line, "ignore_eos", r->ignore_eos, why);
    if (e == ERR_OK)
        e = line_logprobs(r, line, why);
    return e;
}

/* ---- to the scheduler ---- */

static enum err draw_seed(uint64_t *seed, struct err_info *why)
{
    if (getrandom(seed, sizeof *seed, 0) != (ssize_t)sizeof *seed)
        return fail(why, ERR_IO, "no random numbers from the system");
    *seed >>= 32;       /* short enough to be typed again */
    return ERR_OK;
}

enum err request_to_job(struct job_request *job, const struct request *r,
                        const struct engine *e,
                        const struct sampling *fallback, struct err_info *why)
{
    struct sampling s = engine_sampling_for(e, &r->asked, fallback);

    s.seed = r->seed;
    s.bias = r->bias;
    s.n_bias = r->n_bias;
    s.logprobs = r->logprobs;
    s.n_top = r->n_top;
    *job = (struct job_request){
        .max_tokens = r->max_tokens,
        .sampling = s,
        .stops = r->stops,
        .n_stops = r->n_stops,
        .ignore_eos = r->ignore_eos,
    };
    if (!r->has_seed && s.temperature > 0)
        return draw_seed(&job->sampling.seed, why);
    return ERR_OK;
}
