/* libosmia from the inside: the objects behind the opaque types.
 *
 *   1. `busy` is set while a call computes on the model; whoever finds it set
 *      returns OSMIA_BUSY and touches nothing else.
 *   2. engine, sched, own and every session of the model are used only by the
 *      call that set it; the engine's constant facts by anybody.
 *   3. `cancel` is cleared when a call begins and looked at between layers.
 *
 * No state at file scope, here or below: two models are strangers. */
#ifndef OSMIA_LIB_LIB_OWN_H
#define OSMIA_LIB_LIB_OWN_H

#include "osmia.h"

#include "engine/engine.h"
#include "engine/generate.h"
#include "engine/session.h"
#include <stdatomic.h>

struct osmia_pool {
    struct pool *pool;
};

struct osmia_model {
    struct engine   *engine;
    struct sched    *sched;          /* of osmia_generate; NULL until used */
    struct session  *own;            /* of osmia_forward; NULL until used */
    atomic_size_t    position;       /* tokens that `own` holds */
    size_t           n_sessions, max_sessions;
    atomic_bool      busy, cancel;
    osmia_progress  *progress;
    void            *progress_arg;
    char             architecture[64];
};

struct osmia_session {
    struct osmia_model *model;
    struct session     *session;
};

/* Turn an error of the inside into one of the outside. */
enum osmia_status lib_error(struct osmia_error *error, enum err e,
                            const struct err_info *why);
/* The same with a sentence of one's own. */
enum osmia_status lib_fail(struct osmia_error *error, enum osmia_status status,
                           const char *sentence);

/* Begin and end a call that computes. */
enum osmia_status lib_enter(struct osmia_model *m, struct osmia_error *error);
void              lib_leave(struct osmia_model *m);
/* What such a call gives the engine as progress; arg: the model. */
struct progress   lib_progress(struct osmia_model *m);

/* Sampling parameters from outside, whatever the size of their struct. */
struct sampling   lib_sampling(const struct osmia_model *m,
                               const struct osmia_sampling *given);

#endif
