#include "engine/sampling.h"

#include <assert.h>
#include <math.h>

/* The list of sampling.h as rows.  Everything below goes over the rows; no
 * field is named outside the list, so that a new one is one line there. */
enum field_type { FIELD_f32, FIELD_u32 };

static const struct field {
    const char     *name;
    size_t          at;
    enum field_type type;
    double          off, least, most;
} fields[SAMPLING_N_FIELDS] = {
#define X(id, type, name, off, least, most)                                   \
    [SAMPLING_##id] = { #name, offsetof(struct sampling, name),              \
                        FIELD_##type, off, least, most },
    SAMPLING_LIST(X)
#undef X
};

/* The value has passed in_range and fits the field's type. */
static void put(struct sampling *s, const struct field *f, double value)
{
    char *at = (char *)s + f->at;
    if (f->type == FIELD_u32)
        *(uint32_t *)(void *)at = (uint32_t)value;
    else
        *(float *)(void *)at = (float)value;
}

double sampling_get(const struct sampling *s, enum sampling_field f)
{
    const char *at = (const char *)s + fields[f].at;
    if (fields[f].type == FIELD_u32)
        return (double)*(const uint32_t *)(const void *)at;
    return (double)*(const float *)(const void *)at;
}

struct sampling sampling_off(void)
{
    struct sampling s = { 0 };
    for (size_t i = 0; i < SAMPLING_N_FIELDS; i++)
        put(&s, &fields[i], fields[i].off);
    return s;
}

const char *sampling_name(enum sampling_field f)
{
    return fields[f].name;
}

int sampling_find(struct slice name)
{
    for (int i = 0; i < SAMPLING_N_FIELDS; i++)
        if (slice_is(name, fields[i].name))
            return i;
    return -1;
}

/* !(a && b), not (!a || !b): a NaN fails both comparisons. */
static enum err in_range(const struct field *f, double value,
                         struct err_info *why)
{
    if (!(value >= f->least && value <= f->most))
        return fail(why, ERR_REQUEST, "%s is %.9g, it must be from %.9g to "
                    "%.9g", f->name, value, f->least, f->most);
    return ERR_OK;
}

enum err sampling_set(struct sampling_given *g, enum sampling_field f,
                      double value, struct err_info *why)
{
    /* As the struct will hold it: 1e-7 as a float lies in a range that
     * begins with 1e-6f or it does not, once and for all. */
    double held = fields[f].type == FIELD_f32 ? (double)(float)value : value;
    enum err e = in_range(&fields[f], held, why);
    if (e != ERR_OK)
        return e;
    if (fields[f].type == FIELD_u32 && value != floor(value))
        return fail(why, ERR_REQUEST, "%s is %.9g, it must be a whole number",
                    fields[f].name, value);
    put(&g->values, &fields[f], value);
    g->given |= 1u << f;
    return ERR_OK;
}

void sampling_override(struct sampling *to, const struct sampling_given *from)
{
    for (unsigned i = 0; i < SAMPLING_N_FIELDS; i++)
        if (from->given & (1u << i))
            put(to, &fields[i], sampling_get(&from->values, i));
}

/* Each id against each before it: with at most BIAS_MAX of them cheaper than
 * any set.  An id twice has no one meaning: the two would add up here and
 * replace each other elsewhere. */
static enum err bias_check(const struct sampling *s, size_t n_ids,
                           struct err_info *why)
{
    for (size_t i = 0; i < s->n_bias; i++) {
        const struct logit_bias *b = &s->bias[i];
        if (b->id < 0 || (size_t)b->id >= n_ids)
            return fail(why, ERR_REQUEST, "logit_bias has the id %d, ids are "
                        "from 0 to %zu", (int)b->id, n_ids - 1);
        if (!(b->bias >= -100 && b->bias <= 100))
            return fail(why, ERR_REQUEST, "logit_bias of id %d is %.9g, it "
                        "must be from -100 to 100", (int)b->id,
                        (double)b->bias);
        for (size_t j = 0; j < i; j++)
            if (s->bias[j].id == b->id)
                return fail(why, ERR_REQUEST, "logit_bias has the id %d twice",
                            (int)b->id);
    }
    return ERR_OK;
}

enum { BIAS_MAX = 1024 };    /* what the OpenAI API takes, and a bound for the
                                comparison of each with each above */

enum err sampling_check(const struct sampling *s, size_t n_ids,
                        struct err_info *why)
{
    assert(n_ids > 0);
    for (unsigned i = 0; i < SAMPLING_N_FIELDS; i++) {
        enum err e = in_range(&fields[i], sampling_get(s, i), why);
        if (e != ERR_OK)
            return e;
    }
    if (s->n_top > SAMPLING_TOP_MAX)
        return fail(why, ERR_REQUEST, "top_logprobs is %u, it must be from 0 "
                    "to %d", (unsigned)s->n_top, SAMPLING_TOP_MAX);
    if (s->n_bias > BIAS_MAX)
        return fail(why, ERR_REQUEST, "logit_bias has %zu entries, at most %d "
                    "are taken", s->n_bias, BIAS_MAX);
    return bias_check(s, n_ids, why);
}
