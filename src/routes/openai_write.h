/* What the OpenAI routes write: pieces of JSON, appended. */
#ifndef OSMIA_ROUTES_OPENAI_WRITE_H
#define OSMIA_ROUTES_OPENAI_WRITE_H

#include "engine/sched.h"
#include "routes/openai_form.h"

/* The two routes, where their replies differ. */
struct openai_shape {
    const char *id;              /* in front of ids */
    const char *whole, *chunk;   /* "object" of a reply and of an event */
};
extern const struct openai_shape openai_shapes[];    /* by enum openai_kind */

/* "stop" or "length": whatever else ended it is no reason that clients know. */
const char *openai_finish(enum job_reason reason);

/* ,"stop_reason":"timeout": our own member, where "stop" is not all there is to
 * say. */
void openai_put_stop_reason(struct strbuf *out, enum job_reason reason);

struct openai_usage {
    size_t n_prompt, n_cached, n_output, n_reasoning;
};
void openai_put_usage(struct strbuf *out, const struct openai_usage *u);

/* Log-probabilities of the tokens of a choice, gathered in the form of its
 * route; the pieces are emptied when they have been put. */
struct openai_logprobs {
    size_t        n;
    size_t        offset;        /* characters before the next token */
    struct strbuf tokens;        /* chat: all there is */
    struct strbuf values, tops, offsets;     /* completions */
};
void openai_add_logprobs(struct openai_logprobs *l, enum openai_kind kind,
                         const struct tokenizer *tok, const struct sample *s);
/* null when there are none. */
void openai_put_logprobs(struct strbuf *out, struct openai_logprobs *l,
                         enum openai_kind kind);
void openai_drop_logprobs(struct openai_logprobs *l);

#endif
