#include "device/cpu.h"
#include "device/cpu_store.h"

#include <stdio.h>
#include <stdlib.h>

static void cpu_close(struct device *d)
{
    struct cpu *c = (struct cpu *)d;

    cpu_store_close(c);
    if (c->own_pool)
        pool_close(c->pool);
    free(c);
}

static void describe(const struct device *d, char *text, size_t size)
{
    const struct cpu *c = (const struct cpu *)d;
    snprintf(text, size, "cpu/%s, %u threads", c->isa->name,
             pool_threads(c->pool));
}

static unsigned n_threads(const struct device *d)
{
    return pool_threads(((const struct cpu *)d)->pool);
}

static const struct device_ops cpu_ops = {
    .name = "cpu",
    .close = cpu_close,
    .describe = describe,
    .n_threads = n_threads,
    .store_begin = cpu_store_begin,
    .store_end = cpu_store_end,
    .store_file = cpu_store_file,
    .matrix_open = cpu_matrix_open,
    .matrix_close = cpu_matrix_close,
    .matrix_bytes = cpu_matrix_bytes,
    .matrix_plan = cpu_matrix_plan,
    .vector_open = cpu_vector_open,
    .vector_close = cpu_vector_close,
    .vector_values = cpu_vector_values,
    .buf_open = cpu_buf_open,
    .buf_close = cpu_buf_close,
    .buf_read = cpu_buf_read,
    .stream_open = cpu_stream_open,
    .stream_close = cpu_stream_close,
    .stream_bytes = cpu_stream_bytes,
    .tally = cpu_tally,
    .embed = cpu_embed,
    .norm = cpu_norm,
    .mul = cpu_mul,
    .mul_heads = cpu_mul_heads,
    .gate = cpu_gate,
    .attend = cpu_attend,
    .experts = cpu_experts,
    .weigh = cpu_weigh,
    .add = cpu_add,
    .head = cpu_head,
};

enum err device_cpu_open(struct device **out, const struct cpu_options *o,
                         struct err_info *why)
{
    unsigned    threads = o->n_threads;
    struct cpu *c = calloc(1, sizeof *c);
    enum err    e;

    *out = NULL;
    if (c == NULL)
        return fail_nomem(why);
    c->base.ops = &cpu_ops;
    if ((e = isa_pick(&c->isa, o->isa, cpu_features(), why)) != ERR_OK)
        goto no_isa;
    c->pool = o->pool;
    if (c->pool == NULL) {
        threads = threads == 0 ? pool_default_threads("") : threads;
        if ((e = pool_open(&c->pool, threads, why)) != ERR_OK)
            goto no_isa;
        c->own_pool = true;
    }
    *out = &c->base;
    return ERR_OK;

no_isa:
    free(c);
    return e;
}
