/* bench: how fast a model runs here, beside what the machine could do.
 *
 * Around every measurement the machine's limits are measured, too: a shared or
 * virtual machine changes its speed from minute to minute, so only the share of
 * the limit of that moment says something. */
#include "cli/bench_report.h"
#include "cli/console.h"
#include "cli/neighbours.h"
#include "cli/open.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct options, field)

enum { LIST_MAX = 16, CASES_MAX = 64, REPEAT_MAX = 101, TOKENS_MOST = 1 << 20 };

struct list {
    uint32_t at[LIST_MAX];
    size_t   n;
};

struct bench {
    struct console        *console;
    const struct options  *o;
    struct pool           *pool;
    const struct isa_set  *isa;
    struct roofline_probe *probe;
    struct engine         *engine;
    struct list            prefill, decode, batch, context;
    struct roofline        now;            /* the limits, measured last */
    struct bench_result    result[CASES_MAX];
    size_t                 n_results, repeat;
    unsigned               neighbours;
};

/* ---- what was asked for ---- */

/* "512,2048"; numbers from `least` on. */
static enum err take_list(struct list *l, const char *flag, const char *text,
                          const char *otherwise, uint32_t least,
                          struct err_info *why)
{
    const char *at = text != NULL ? text : otherwise;

    for (l->n = 0; *at != '\0';) {
        char *end;
        unsigned long long v = strtoull(at, &end, 10);
        if (*at < '0' || *at > '9' || (*end != ',' && *end != '\0')
            || v < least || v > TOKENS_MOST || l->n == LIST_MAX)
            return fail(why, ERR_REQUEST, "--%s is \"%.60s\", expected up to "
                        "%d whole numbers from %u to %d with commas between "
                        "them", flag, text, LIST_MAX, (unsigned)least,
                        TOKENS_MOST);
        l->at[l->n++] = (uint32_t)v;
        at = *end == ',' ? end + 1 : end;
    }
    return ERR_OK;
}

static enum err take_flags(struct bench *b, struct err_info *why)
{
    const struct options *o = b->o;
    enum err e;

    b->repeat = o->repeat.given ? (size_t)o->repeat.value : 5;
    b->neighbours = (unsigned)o->neighbours.value;
    if ((e = take_list(&b->prefill, "prefill", o->prefill, "512", 1, why))
        || (e = take_list(&b->decode, "decode", o->decode, "128", 1, why))
        || (e = take_list(&b->batch, "batch", o->batch, "1", 1, why))
        || (e = take_list(&b->context, "context", o->context, "0", 0, why)))
        return e;
    if (b->context.n * (b->prefill.n + b->decode.n * b->batch.n) > CASES_MAX)
        return fail(why, ERR_REQUEST, "that makes more than %d measurements",
                    CASES_MAX);
    return ERR_OK;
}

static uint32_t largest(const struct list *l)
{
    uint32_t most = 0;
    for (size_t i = 0; i < l->n; i++)
        most = l->at[i] > most ? l->at[i] : most;
    return most;
}

/* ---- the machine ---- */

static void read_cpu_name(char *name, size_t size)
{
    char  line[256];
    FILE *f = fopen("/proc/cpuinfo", "re");

    snprintf(name, size, "unknown");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL)
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(name, size, "%s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    if (f != NULL)
        fclose(f);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct spread spread_of(double *v, size_t n)
{
    qsort(v, n, sizeof *v, ascending);
    return (struct spread){ .median = n % 2 ? v[n / 2]
                                   : (v[n / 2 - 1] + v[n / 2]) / 2,
                            .least = v[0], .most = v[n - 1] };
}

/* Medians of everything measured before and after the results. */
static void summarise(struct roofline *out, const struct bench *b)
{
    double v[2 * CASES_MAX] = { 0 };

    for (int k = 0; k < PROBES; k++) {
        for (size_t i = 0; i < b->n_results; i++) {
            v[2 * i] = b->result[i].before.giga[k];
            v[2 * i + 1] = b->result[i].after.giga[k];
        }
        out->giga[k] = spread_of(v, 2 * b->n_results).median;
    }
}

/* ---- one result ---- */

/* Seconds that the work would take at the limits: memory and each kind of
 * arithmetic at full speed at the same time. */
static double least_seconds(const struct tally *t, const struct bench_result *r)
{
    static const enum probe probe[TALLY_UNITS] = {
        [TALLY_INT8] = PROBE_INT8, [TALLY_BF16] = PROBE_BF16,
        [TALLY_F32] = PROBE_F32,
    };
    double limit[PROBES], compute = 0;

    for (int k = 0; k < PROBES; k++)
        limit[k] = (r->before.giga[k] + r->after.giga[k]) / 2 * 1e9;
    for (int u = 0; u < TALLY_UNITS; u++)
        if (t->n_ops[u] > 0)
            compute += (double)t->n_ops[u] / limit[probe[u]];
    double memory = (double)t->n_bytes / limit[PROBE_READ];
    return memory > compute ? memory : compute;
}

static void name_kernel(struct bench_result *r, const struct bench *b,
                        const struct tally *t)
{
    size_t most = 0;

    for (size_t i = 1; i < t->n_rows; i++)
        if (t->row[i].n_ops > t->row[most].n_ops)
            most = i;
    snprintf(r->kernel, sizeof r->kernel, "%s/%s%s", t->row[most].format,
             b->isa->name, t->row[most].packed ? "" : " (rows)");
}

/* One timing, with neighbours or without; tokens a second. */
static enum err time_once(double *tok_s, struct tally *work, struct measure *m,
                          const struct measure_case *c, unsigned n_neighbours,
                          struct err_info *why)
{
    struct neighbours *n = NULL;
    struct measure_run run;
    enum err e = n_neighbours > 0 ? neighbours_invite(&n, n_neighbours, why)
                                  : ERR_OK;

    if (e == ERR_OK)
        e = measure_run(m, &run, why);
    neighbours_send_away(n);
    if (e != ERR_OK)
        return e;
    *tok_s = (double)c->tokens * c->batch / run.seconds;
    *work = run.work;
    return ERR_OK;
}

/* Repetitions; with neighbours each beside one without. */
static enum err repeat(struct bench *b, struct bench_result *r,
                       struct measure *m, struct tally *work,
                       struct err_info *why)
{
    double tok_s[REPEAT_MAX], idle[REPEAT_MAX];
    /* The first warms up and does not count. */
    enum err e = time_once(&tok_s[0], work, m, &r->what, 0, why);

    for (size_t i = 0; i < b->repeat && e == ERR_OK; i++) {
        if (b->neighbours > 0)
            e = time_once(&idle[i], work, m, &r->what, 0, why);
        if (e == ERR_OK)
            e = time_once(&tok_s[i], work, m, &r->what, b->neighbours, why);
    }
    if (e != ERR_OK)
        return e;
    r->tok_s = spread_of(tok_s, b->repeat);
    if (b->neighbours > 0)
        r->of_idle = r->tok_s.median / spread_of(idle, b->repeat).median;
    return ERR_OK;
}

static enum err measure_one(struct bench *b, const struct measure_case *c,
                            struct err_info *why)
{
    struct bench_result *r = &b->result[b->n_results];
    struct measure *m;
    struct tally work;
    enum err e = measure_open(&m, b->engine, c, &b->console->progress, why);

    if (e != ERR_OK)
        return e;
    *r = (struct bench_result){ .what = *c, .neighbours = b->neighbours };
    r->before = b->now;
    e = repeat(b, r, m, &work, why);
    measure_close(m);
    if (e != ERR_OK)
        return e;
    roofline_measure(&b->now, b->probe);
    r->after = b->now;
    name_kernel(r, b, &work);
    r->share = r->tok_s.median * least_seconds(&work, r)
             / ((double)c->tokens * c->batch);
    b->n_results++;
    progress_tick(&b->console->progress, "measuring", b->n_results,
                  b->context.n * (b->prefill.n + b->decode.n * b->batch.n));
    return ERR_OK;
}

static enum err measure_all(struct bench *b, struct err_info *why)
{
    enum err e = ERR_OK;

    roofline_measure(&b->now, b->probe);
    for (size_t c = 0; c < b->context.n; c++) {
        struct measure_case k = { .kind = MEASURE_PREFILL, .batch = 1,
                                  .context = b->context.at[c] };
        for (size_t i = 0; i < b->prefill.n && e == ERR_OK; i++) {
            k.tokens = b->prefill.at[i];
            e = measure_one(b, &k, why);
        }
        k.kind = MEASURE_DECODE;
        for (size_t i = 0; i < b->decode.n * b->batch.n && e == ERR_OK; i++) {
            k.tokens = b->decode.at[i / b->batch.n];
            k.batch = b->batch.at[i % b->batch.n];
            e = measure_one(b, &k, why);
        }
    }
    return e;
}

/* ---- the verb ---- */

/* Room for the longest measurement in every sequence. */
static enum err open_model(struct bench *b, struct err_info *why)
{
    struct options o = *b->o;
    uint32_t prefill = largest(&b->prefill), decode = largest(&b->decode);

    if (!o.ctx.given)
        o.ctx.value = largest(&b->context)
                    + (prefill > decode ? prefill : decode) + 1;
    return open_engine_on(&b->engine, b->console, &o, &(struct open_needs){
        .depth = ENGINE_RUN, .n_seqs = largest(&b->batch), .pool = b->pool,
    }, why);
}

static enum err bench(struct bench *b, struct bench_report *report,
                      struct err_info *why)
{
    unsigned n = b->o->threads.given ? (unsigned)b->o->threads.value
                                     : pool_default_threads("");
    enum err e;

    if ((e = isa_pick(&b->isa, getenv("OSMIA_ISA"), cpu_features(), why))
        || (e = pool_open(&b->pool, n, why))
        || (e = roofline_open(&b->probe, b->pool, b->isa, why)))
        return e;
    report->machine.isa = b->isa->name;
    report->machine.threads = n;
    read_cpu_name(report->machine.cpu, sizeof report->machine.cpu);
    if (b->o->model == NULL) {
        roofline_measure(&report->machine.limits, b->probe);
        return ERR_OK;
    }
    if ((e = open_model(b, why)) != ERR_OK
        || (e = measure_all(b, why)) != ERR_OK)
        return e;
    summarise(&report->machine.limits, b);
    report->engine = b->engine;
    report->results = b->result;
    report->n_results = b->n_results;
    return ERR_OK;
}

static void print_report(const struct bench_report *r, bool json)
{
    struct strbuf out = { 0 };

    if (json)
        bench_put_json(&out, r);
    else
        bench_put_table(&out, r);
    if (!out.failed)
        fwrite(out.at, 1, out.len, stdout);
    strbuf_drop(&out);
}

static enum err check_bench(const struct options *o, struct err_info *why)
{
    return o->n_words > 0 || o->roofline ? ERR_OK
         : fail(why, ERR_REQUEST, "bench needs a MODEL or --roofline");
}

static int run_bench(const struct options *given)
{
    struct options o = *given;
    struct console c;
    struct err_info why = { .code = ERR_OK };
    struct bench_report report = { .engine = NULL };
    struct bench *b = calloc(1, sizeof *b);
    int status = EXIT_DONE;

    console_open(&c, &o);
    interrupt_catch();
    o.model = o.n_words > 0 ? o.words[0] : NULL;
    if (b == NULL) {
        fail_nomem(&why);
        return console_error(&c, &why);
    }
    b->console = &c;
    b->o = &o;
    if (take_flags(b, &why) != ERR_OK) {
        console_error(&c, &why);
        status = EXIT_USAGE;
    } else if (bench(b, &report, &why) != ERR_OK) {
        status = console_error(&c, &why);
    } else {
        console_clear(&c);
        print_report(&report, o.json);
    }
    engine_close(b->engine);
    roofline_close(b->probe);
    pool_close(b->pool);
    free(b);
    return status;
}

static const struct flag flags[] = {
    { .name = "prefill", .kind = FLAG_TEXT, .at = AT(prefill), .value = "N,..",
      .help = "prompt lengths (512)" },
    { .name = "decode", .kind = FLAG_TEXT, .at = AT(decode), .value = "N,..",
      .help = "tokens to generate (128)" },
    { .name = "batch", .kind = FLAG_TEXT, .at = AT(batch), .value = "N,..",
      .help = "sequences decoded together (1)" },
    { .name = "context", .kind = FLAG_TEXT, .at = AT(context), .value = "N,..",
      .help = "tokens already in the cache (0)" },
    { .name = "repeat", .kind = FLAG_UINT, .at = AT(repeat), .value = "N",
      .least = 1, .most = REPEAT_MAX,
      .help = "timings; the median counts (5)" },
    { .name = "neighbours", .kind = FLAG_UINT, .at = AT(neighbours),
      .value = "N", .least = 0, .most = 1024,
      .help = "busy loops beside it; also shows the share of idle speed" },
    { .name = "roofline", .kind = FLAG_SWITCH, .at = AT(roofline),
      .help = "the machine's limits only; needs no MODEL" },
    { .name = "json", .kind = FLAG_SWITCH, .at = AT(json),
      .help = "one JSON object" },
    { .name = NULL },
};

static const struct flag_group group = { "Measuring", flags };
static const struct flag_group *const groups[] = { &group, &flags_model,
                                                   &flags_general, NULL };

const struct verb verb_bench = {
    .name = "bench",
    .usage = "MODEL | --roofline",
    .does = "measured speed, beside the machine's limits",
    .details = "Before and after each measurement the limits of the machine "
               "are measured; share is the part of them that was used. Prefill "
               "reads a prompt, decode generates one token a step for each "
               "sequence of the batch.",
    .example = "osmia bench model.gguf --batch 1,8 --json",
    .groups = groups,
    .most_words = 1,
    .check = check_bench,
    .run = run_bench,
};
