/* What the makers of a model say about sampling it. */
#include "engine/engine_own.h"

static void take(struct engine *e, enum sampling_field f,
                 const struct given *from)
{
    struct err_info why;
    if (from->set && sampling_set(&e->wishes, f, from->value, &why) != ERR_OK)
        notice(e->options.notices, "%s: the model's sampling defaults: %s; it "
               "is left out", e->checkpoint->path, why.text);
}

/* "do_sample": false means greedy, whatever else stands there: transformers
 * keeps temperature and the like in the file, but does not use them then. */
void read_wishes(struct engine *e)
{
    const struct generation_defaults *g = &e->checkpoint->generation;
    bool greedy = g->do_sample.set && g->do_sample.value == 0;
    struct given zero = { true, 0 };
    take(e, SAMPLING_TEMPERATURE, greedy ? &zero : &g->temperature);
    take(e, SAMPLING_REPETITION_PENALTY, &g->repetition_penalty);
    if (greedy)
        return;
    take(e, SAMPLING_TOP_K, &g->top_k);
    take(e, SAMPLING_TOP_P, &g->top_p);
    take(e, SAMPLING_MIN_P, &g->min_p);
}

const struct sampling_given *engine_sampling(const struct engine *e)
{
    return &e->wishes;
}

struct sampling engine_sampling_for(const struct engine *e,
                                    const struct sampling_given *asked,
                                    const struct sampling *fallback)
{
    struct sampling s = *fallback;
    sampling_override(&s, &e->wishes);
    sampling_override(&s, asked);
    return s;
}

struct sampling sampling_chat_default(void)
{
    struct sampling s = sampling_off();
    s.temperature = 0.7f;
    s.top_p = 0.95f;
    s.min_p = 0.05f;
    return s;
}
