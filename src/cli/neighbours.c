#include "cli/neighbours.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

struct neighbours {
    atomic_bool leave;
    unsigned    n;
    pthread_t   thread[];
};

static void *be_busy(void *arg)
{
    struct neighbours *n = arg;

    while (!atomic_load_explicit(&n->leave, memory_order_relaxed))
        continue;
    return NULL;
}

enum err neighbours_invite(struct neighbours **out, unsigned n,
                           struct err_info *why)
{
    struct neighbours *all = calloc(1, sizeof *all + n * sizeof(pthread_t));

    *out = NULL;
    if (all == NULL)
        return fail_nomem(why);
    for (; all->n < n; all->n++)
        if (pthread_create(&all->thread[all->n], NULL, be_busy, all) != 0) {
            unsigned started = all->n;
            neighbours_send_away(all);
            return fail(why, ERR_LIMIT, "the system gives no more threads: %u "
                        "of %u neighbours started", started, n);
        }
    *out = all;
    return ERR_OK;
}

void neighbours_send_away(struct neighbours *n)
{
    if (n == NULL)
        return;
    atomic_store(&n->leave, true);
    for (unsigned i = 0; i < n->n; i++)
        pthread_join(n->thread[i], NULL);
    free(n);
}
