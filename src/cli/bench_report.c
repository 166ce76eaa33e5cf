#include "cli/bench_report.h"

#include "base/json.h"
#include "engine/engine.h"

static const char *test_name(const struct bench_result *r)
{
    return r->what.kind == MEASURE_PREFILL ? "prefill" : "decode";
}

/* ---- for programs ---- */

/* Three decimals: a clock knows no more.  0 GOPS: no such instruction. */
static void put_number(struct strbuf *out, const char *name, double v)
{
    strbuf_printf(out, ", \"%s\": ", name);
    if (v == 0)
        strbuf_puts(out, "null");
    else
        strbuf_printf(out, "%.3f", v);
}

static const char *const limit_names[PROBES] = {
    [PROBE_READ] = "read_gb_s", [PROBE_INT8] = "int8_gops",
    [PROBE_BF16] = "bf16_gflops", [PROBE_F32] = "f32_gflops",
};

static void put_machine(struct strbuf *out, const struct bench_machine *m)
{
    strbuf_puts(out, "{\"cpu\": ");
    json_put_string(out, slice_of(m->cpu));
    strbuf_printf(out, ", \"isa\": \"%s\", \"threads\": %u", m->isa,
                  m->threads);
    for (int k = 0; k < PROBES; k++)
        put_number(out, limit_names[k], m->limits.giga[k]);
    strbuf_putc(out, '}');
}

static void put_model(struct strbuf *out, const struct engine *e)
{
    strbuf_puts(out, "{\"path\": ");
    json_put_string(out, slice_of(engine_checkpoint(e)->path));
    strbuf_puts(out, ", \"architecture\": ");
    json_put_string(out, engine_architecture(e));
    strbuf_printf(out, ", \"weights_bytes\": %llu, \"kv_bytes_per_token\": %llu"
                  ", \"vocab_size\": %zu}",
                  (unsigned long long)engine_weights_size(e),
                  (unsigned long long)engine_kv_size_per_token(e),
                  engine_vocab_size(e));
}

static void put_probes(struct strbuf *out, const struct bench_result *r)
{
    strbuf_puts(out, ", \"probes\": {");
    for (int k = 0; k < PROBES; k++)
        strbuf_printf(out, "%s\"%s\": [%.3f, %.3f]", k > 0 ? ", " : "",
                      limit_names[k], r->before.giga[k], r->after.giga[k]);
    strbuf_putc(out, '}');
}

static void put_result(struct strbuf *out, const struct bench_result *r)
{
    strbuf_printf(out, "{\"test\": \"%s\", \"tokens\": %u, \"batch\": %u, "
                  "\"context\": %u", test_name(r), (unsigned)r->what.tokens,
                  (unsigned)r->what.batch, (unsigned)r->what.context);
    put_number(out, "tok_s", r->tok_s.median);
    put_number(out, "min", r->tok_s.least);
    put_number(out, "max", r->tok_s.most);
    put_number(out, "share_of_limit", r->share);
    strbuf_puts(out, ", \"kernel\": ");
    json_put_string(out, slice_of(r->kernel));
    if (r->neighbours > 0) {
        strbuf_printf(out, ", \"neighbours\": %u", r->neighbours);
        put_number(out, "of_idle", r->of_idle);
    }
    put_probes(out, r);
    strbuf_putc(out, '}');
}

void bench_put_json(struct strbuf *out, const struct bench_report *r)
{
    strbuf_puts(out, "{\"machine\": ");
    put_machine(out, &r->machine);
    if (r->engine != NULL) {
        strbuf_puts(out, ", \"model\": ");
        put_model(out, r->engine);
        strbuf_puts(out, ", \"results\": [");
        for (size_t i = 0; i < r->n_results; i++) {
            strbuf_puts(out, i > 0 ? ", " : "");
            put_result(out, &r->results[i]);
        }
        strbuf_putc(out, ']');
    }
    strbuf_puts(out, "}\n");
}

/* ---- for people ---- */

static void put_limits(struct strbuf *out, const struct bench_machine *m)
{
    static const char *const rows[PROBES] = {
        [PROBE_READ] = "reading memory %8.1f GB/s\n",
        [PROBE_INT8] = "int8 products  %8.0f GOPS\n",
        [PROBE_BF16] = "bf16 products  %8.0f GFLOPS\n",
        [PROBE_F32] = "f32 products   %8.0f GFLOPS\n",
    };

    strbuf_put_visible(out, slice_of(m->cpu));
    strbuf_printf(out, ": %s, %u thread%s\n", m->isa, m->threads,
                  m->threads == 1 ? "" : "s");
    for (int k = 0; k < PROBES; k++)
        if (m->limits.giga[k] > 0)
            strbuf_printf(out, rows[k], m->limits.giga[k]);
}

static void put_row(struct strbuf *out, const struct bench_result *r)
{
    strbuf_printf(out, "%-8s %6u %6u %8u %10.1f  %9.1f .. %-9.1f %5.2f  %s",
                  test_name(r), (unsigned)r->what.tokens,
                  (unsigned)r->what.batch, (unsigned)r->what.context,
                  r->tok_s.median, r->tok_s.least, r->tok_s.most, r->share,
                  r->kernel);
    if (r->neighbours > 0)
        strbuf_printf(out, "  %u neighbours: %.2f of idle", r->neighbours,
                      r->of_idle);
    strbuf_putc(out, '\n');
}

void bench_put_table(struct strbuf *out, const struct bench_report *r)
{
    put_limits(out, &r->machine);
    if (r->n_results > 0)
        strbuf_puts(out, "\ntest     tokens  batch  context      tok/s  "
                         "     least .. most      share  kernel\n");
    for (size_t i = 0; i < r->n_results; i++)
        put_row(out, &r->results[i]);
}
