/* The bodies of /v1/chat/completions and /v1/completions, read.
 *
 * Which fields there are, what they may be, and which of them are known but not
 * offered, is in the tables of openai_form.c. */
#ifndef OSMIA_ROUTES_OPENAI_FORM_H
#define OSMIA_ROUTES_OPENAI_FORM_H

#include "routes/fields.h"

enum openai_kind { OPENAI_CHAT, OPENAI_TEXT };

enum {
    OPENAI_N_MAX = 8,            /* choices for one prompt */
    OPENAI_PROMPTS_MAX = 64      /* prompts in one body */
};

struct openai_form {
    enum openai_kind      kind;
    struct slice          model;         /* empty: not said */
    uint32_t              n;             /* choices for each prompt */
    uint32_t              best_of;       /* 0: not said; else n */
    uint32_t              max_tokens;    /* 0: the room that is left */
    uint32_t              max_completion_tokens;
    struct sampling_given asked;
    struct given_u64      seed;
    struct texts          stop;
    struct logit_bias    *bias;
    size_t                n_bias;
    bool                  logprobs;
    uint32_t              n_top;
    bool                  ignore_eos, stream, include_usage;

    /* chat */
    const struct json    *messages, *kwargs, *documents;
    bool                  add_generation_prompt, continue_final_message;

    /* completions: an array of texts and of arrays of ids; checked */
    const struct json    *prompt;
};

/* The fields that a chat template is given, for whoever wants these alone. */
extern const struct fields openai_message_fields;

/* Read a body (an object).  r: arena and n_ids are set.  ERR_REQUEST: r says
 * what is wrong, field by field. */
enum err openai_form_read(struct openai_form *form, struct reading *r,
                          enum openai_kind kind, const struct json *body,
                          struct err_info *why);

#endif
