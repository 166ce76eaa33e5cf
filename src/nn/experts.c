#include "nn/experts.h"

static void chosen(struct step *s, const struct buf *in,
                   const struct mixture *m)
{
    struct experts_op op = {
        .out = s->x, .in = in, .logits = s->router,
        .correction = m->correction.weight, .router = s->config->router,
        .gate = m->gate.at, .up = m->up.at, .down = m->down.at,
        .activation = s->config->activation,
    };

    project(s, s->router, in, &m->router);          /* [n, n_expert]         */
    s->ops->experts(s->stream, s->n, &op);
}

/* The weight goes to the inner values: fewer of them, and what follows is a
 * product that is added to the residual stream like any other. */
static void shared(struct step *s, const struct buf *in,
                   const struct mixture *m)
{
    struct gate_set set = {
        .in = in, .activation = s->config->activation,
        .gate = { s->shared_g, m->shared_gate.weight, m->shared_gate.bias },
        .up = { s->shared_u, m->shared_up.weight, m->shared_up.bias },
    };

    s->ops->gate(s->stream, s->n, &set);            /* [n, shared]           */
    if (m->shared_router.weight != NULL) {
        project(s, s->shared_r, in, &m->shared_router);          /* [n, 1]   */
        s->ops->weigh(s->stream, s->shared_g, s->shared_r, s->n);
    }
    project_add(s, s->x, s->shared_g, &m->shared_down);
}

void experts(struct step *s, const struct buf *in, const struct mixture *m)
{
    chosen(s, in, m);
    if (m->shared_gate.weight != NULL)
        shared(s, in, m);
}
