/* An answer of the OpenAI routes, from the body to the last byte of the reply.
 *
 *   handler --call_work--> openai_prepare --> begin --call_run--> pieces ...
 *   (loop)                 (any thread)       (loop)              (loop)
 *
 *   1. A choice is a job of its own: choice i of n for prompt p is number
 *      p * n + i.
 *   2. The reply is written when the last choice has ended; a stream is opened
 *      as soon as all jobs are in the queue, so that all that can be refused
 *      has been refused with its status.
 *
 * Owner: the call, in whose arena it lies. */
#ifndef OSMIA_ROUTES_OPENAI_ANSWER_H
#define OSMIA_ROUTES_OPENAI_ANSWER_H

#include "routes/openai_form.h"
#include "routes/openai_write.h"
#include "serve/call.h"
#include "serve/server.h"
#include "text/think.h"

enum { ANSWER_ID_SIZE = 48 };

/* What goes to the client in one piece: the parts that are not empty. */
struct answer_text {
    struct strbuf content, reasoning;
};

struct choice {
    struct answer   *answer;
    size_t           index;
    struct think     think;          /* OUTSIDE at once: nothing to split */
    struct answer_text text;         /* gathered, or of the event to be sent */
    struct openai_logprobs logprobs;
    bool             done;
    enum job_reason  reason;
    size_t           n_reasoning;    /* tokens spent on thoughts */
    struct job_usage usage;
};

/* Why a request cannot be answered. */
struct answer_refusal {
    bool            refused;
    enum refusal    code;
    const char     *param;
    struct err_info why;
    size_t          n_prompt, n_ctx; /* CONTEXT_LENGTH_EXCEEDED: tokens of the
                                        prompt, and what there is */
};

struct answer {
    struct call          *call;
    struct engine        *engine;
    struct openai_form    form;
    struct reading        reading;
    struct answer_refusal refusal;
    struct tok_ids       *prompt;    /* [n_prompts] */
    size_t                n_prompts;
    enum think_state      begins;    /* what each choice begins with */
    struct choice        *choice;    /* [n_choices] */
    size_t                n_choices, n_done;
    char                  id[ANSWER_ID_SIZE];
    long long             created;
};

/* Answer a call whose body is of this kind. */
void openai_answer(struct call *c, enum openai_kind kind);

/* ---- openai_prepare.c ---- */

/* Read the form, render, tokenize; on any thread.  Why it cannot be answered, if
 * so, is in a->refusal afterwards. */
void openai_prepare(struct call *c, void *answer);

/* The same for the messages of a body alone, as /apply-template takes them:
 * append the prompt's text. */
enum err openai_render(struct strbuf *out, const struct engine *e,
                       const struct openai_form *form, struct err_info *why);

#endif
