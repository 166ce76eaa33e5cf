/* The bodies of the worker's own routes: the operation form ("operation":
 * "infer", as orchestrators send it), and the flat form. */
#ifndef OSMIA_ROUTES_WORKER_FORM_H
#define OSMIA_ROUTES_WORKER_FORM_H

#include "routes/fields.h"
#include "serve/call.h"

/* What differs from route to route. */
struct worker_rules {
    size_t max_tokens;           /* where the body says nothing; 0: it must */
    float  temperature;          /* of the flat form, likewise */
};

struct worker_form {
    bool                  is_operation;
    struct slice          prompt;
    uint32_t              max_tokens, most_tokens;
    struct sampling_given asked;
    struct given_u64      seed;
    struct texts          stop;
    bool                  stream, truncate;
    bool                  strict;       /* refuse control characters */
};

/* Read a body, an object.  form: most_tokens and strict are set; r: the arena.
 * ERR_REQUEST: r says what is wrong, field by field. */
enum err worker_form_parse(struct worker_form *form, struct reading *r,
                           const struct worker_rules *rules,
                           const struct json *body, struct err_info *why);

/* Read the call's body.  False: the call has been refused, all faults at
 * once. */
bool worker_form_read(struct worker_form *form, struct call *c,
                      const struct worker_rules *rules);

/* Refuse with {"errors": [...]}. */
void worker_refuse_faults(struct call *c, const struct reading *r);

#endif
