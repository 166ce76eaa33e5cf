/* The page of numbers.
 *
 * Counters of the HTTP side are the loop's own (struct metrics); those of the
 * engine are a copy that the inference thread publishes after each step, so
 * that a scrape never waits for one.  Names are a promise: dashboards stand on
 * them, and a test compares them. */
#include "serve/metrics.h"
#include "serve/sandbox.h"
#include "serve/server_own.h"
#include "osmia.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void metrics_count_end(struct metrics *m, enum job_reason reason,
                       enum run_phase phase)
{
    m->n_ended[reason]++;
    if (reason == JOB_CANCELLED)
        m->n_cancelled[phase]++;
}

/* Bytes of this process in memory; 0 where the kernel does not say. */
static uint64_t resident_size(void)
{
    char line[128] = "";
    FILE *f = fopen("/proc/self/statm", "re");

    if (f == NULL)
        return 0;
    /* "ALL RESIDENT SHARED ...", in pages. */
    const char *blank = fgets(line, sizeof line, f) != NULL
        ? strchr(line, ' ') : NULL;
    fclose(f);
    return blank != NULL ? (uint64_t)strtoul(blank, NULL, 10)
                           * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* ---- the forms of the page ---- */

/* All that there is, and what people are told of it. */
static const struct { const char *name, *type, *help; } rows[] = {
    { "requests_total", "counter", "inferences by how they ended" },
    { "cancelled_total", "counter", "cancelled inferences by where they were" },
    { "requests_rejected_total", "counter",
      "requests for work that were refused" },
    { "tokens_generated_total", "counter", "tokens of all answers" },
    { "active_jobs", "gauge", "jobs that are being computed" },
    { "queue_depth", "gauge", "jobs that wait" },
    { "kv_blocks", "gauge", "blocks of the key-value cache" },
    { "prefix_cache_hit_tokens_total", "counter",
      "prompt tokens found in the cache" },
    { "inference_duration_ms", "histogram", "from the queue to the end" },
    { "time_to_first_token_ms", "histogram",
      "from the queue to the first token" },
    { "inter_token_ms", "histogram", "from one token to the next" },
    { "queue_ms", "histogram", "waiting to be computed" },
    { "batch_size", "histogram", "tokens of one step" },
    { "step_ms", "histogram", "one step of all jobs" },
    { "build_info", "gauge", "this program" },
    { "sandbox", "gauge", "what confines this process" },
    { "uptime_seconds", "gauge", "since the port was bound" },
    { "vram_bytes", "gauge", "memory of a GPU in use" },
    { "resident_bytes", "gauge", "memory of this process" },
    { "open_connections", "gauge", "clients that are connected" },
};

static void put_type(struct strbuf *out, const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0)
            strbuf_printf(out, "# HELP worker_%s %s\n# TYPE worker_%s %s\n",
                          name, rows[i].help, name, rows[i].type);
}

static void put_one(struct strbuf *out, const char *name, double value)
{
    put_type(out, name);
    strbuf_printf(out, "worker_%s %.17g\n", name, value);
}

static void put_labelled(struct strbuf *out, const char *name,
                         const char *label, const char *value, uint64_t n)
{
    strbuf_printf(out, "worker_%s{%s=\"%s\"} %llu\n", name, label, value,
                  (unsigned long long)n);
}

static void put_histogram(struct strbuf *out, const char *name,
                          const struct histogram *h)
{
    uint64_t below = 0;

    put_type(out, name);
    for (size_t i = 0; i < h->n_bounds; i++) {
        below += h->count[i];
        strbuf_printf(out, "worker_%s_bucket{le=\"%g\"} %llu\n", name,
                      h->bounds[i], (unsigned long long)below);
    }
    strbuf_printf(out, "worker_%s_bucket{le=\"+Inf\"} %llu\nworker_%s_sum "
                  "%.17g\nworker_%s_count %llu\n", name,
                  (unsigned long long)h->n, name, h->sum, name,
                  (unsigned long long)h->n);
}

/* ---- what is on it ---- */

static void put_counters(struct strbuf *out, const struct metrics *m)
{
    static const char *const outcomes[RUN_REASONS] = {
        [JOB_STOP] = "stop", [JOB_LENGTH] = "length",
        [JOB_CANCELLED] = "cancelled", [JOB_TIMEOUT] = "timeout",
        [JOB_ERROR] = "error",
    };
    static const char *const phases[RUN_PHASES] = {
        [RUN_QUEUED] = "queued", [RUN_PREFILL] = "prefill",
        [RUN_DECODE] = "decode",
    };

    put_type(out, "requests_total");
    for (size_t i = 0; i < RUN_REASONS; i++)
        put_labelled(out, "requests_total", "outcome", outcomes[i],
                     m->n_ended[i]);
    put_type(out, "cancelled_total");
    for (size_t i = 0; i < RUN_PHASES; i++)
        put_labelled(out, "cancelled_total", "phase", phases[i],
                     m->n_cancelled[i]);
    put_type(out, "requests_rejected_total");
    for (size_t i = 0; i < REFUSE_COUNT; i++)
        if (m->n_rejected[i] > 0 || i == REFUSE_QUEUE_FULL)
            put_labelled(out, "requests_rejected_total", "reason",
                         refusal_code((enum refusal)i), m->n_rejected[i]);
}

static void put_engine(struct strbuf *out, const struct service_stats *st)
{
    size_t used = st->n_blocks_jobs + st->n_blocks_kept;

    put_one(out, "tokens_generated_total", (double)st->sched.n_output);
    put_one(out, "active_jobs", (double)st->n_running);
    put_one(out, "queue_depth", (double)st->n_waiting);
    put_type(out, "kv_blocks");
    put_labelled(out, "kv_blocks", "state", "jobs", st->n_blocks_jobs);
    put_labelled(out, "kv_blocks", "state", "cached", st->n_blocks_kept);
    put_labelled(out, "kv_blocks", "state", "free",
                 st->n_blocks > used ? st->n_blocks - used : 0);
    put_one(out, "prefix_cache_hit_tokens_total",
            (double)st->sched.n_shared);
    put_histogram(out, "inference_duration_ms", &st->job_ms);
    put_histogram(out, "time_to_first_token_ms", &st->first_token_ms);
    put_histogram(out, "inter_token_ms", &st->between_ms);
    put_histogram(out, "queue_ms", &st->wait_ms);
    put_histogram(out, "batch_size", &st->batch);
    put_histogram(out, "step_ms", &st->step_ms);
}

void metrics_put(struct strbuf *out, const struct server *s)
{
    struct service_stats stats;

    put_type(out, "build_info");
    put_labelled(out, "build_info", "version", OSMIA_VERSION, 1);
    put_type(out, "sandbox");
    put_labelled(out, "sandbox", "kind", sandbox_name(s->opt.sandbox), 1);
    put_one(out, "uptime_seconds", server_uptime_s(s));
    put_one(out, "vram_bytes", 0);
    put_one(out, "resident_bytes", (double)resident_size());
    put_one(out, "open_connections", (double)s->n_conns);
    put_counters(out, &s->metrics);
    if (s->service == NULL)
        return;
    service_stats(s->service, &stats);
    put_engine(out, &stats);
}
