/* How far the ordinary path is from the exact one, over committed text, and a
 * peer's logits beside it.
 *
 *     bench_error MODEL IDS [PEER]
 *
 * IDS: a sequence of token ids a line (`osmia tokenize` gives them).  PEER: a
 * file or pipe of raw f32 logits, a row of the vocabulary for every id in
 * order, from another engine on the same model.  Prints mean Kullback-Leibler
 * divergence from the exact path and how often the likeliest token differs. */
#include "engine/session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct error {
    double kl, most;
    size_t n, n_other;
};

struct compare {
    size_t  n_vocab;
    float  *exact;          /* [n][n_vocab] of this line */
    float  *peer;           /* a row */
    bool    filling;        /* the exact rows */
    struct error ours, theirs;
    FILE   *from;
};

static size_t likeliest(const float *x, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

/* log of the sum of exp. */
static double log_sum(const float *x, size_t n)
{
    double most = (double)x[likeliest(x, n)], sum = 0.0;

    for (size_t i = 0; i < n; i++)
        sum += exp((double)x[i] - most);
    return most + log(sum);
}

static void add(struct error *e, const float *p, const float *q, size_t n)
{
    double lp = log_sum(p, n), lq = log_sum(q, n), kl = 0.0;

    for (size_t i = 0; i < n; i++) {
        double a = (double)p[i] - lp;
        kl += exp(a) * (a - ((double)q[i] - lq));
    }
    e->kl += kl;
    e->most = kl > e->most ? kl : e->most;
    e->n_other += likeliest(p, n) != likeliest(q, n);
    e->n++;
}

static enum err row(void *arg, uint32_t pos, const float *logits,
                    struct err_info *why)
{
    struct compare *c = arg;
    float *exact = c->exact + pos * c->n_vocab;

    (void)why;
    if (c->filling) {
        memcpy(exact, logits, c->n_vocab * sizeof *exact);
        return ERR_OK;
    }
    add(&c->ours, exact, logits, c->n_vocab);
    if (c->from != NULL
        && fread(c->peer, sizeof(float), c->n_vocab, c->from) == c->n_vocab)
        add(&c->theirs, exact, c->peer, c->n_vocab);
    return ERR_OK;
}

static enum err run_line(struct engine *e, struct compare *c,
                         const int32_t *ids, size_t n, struct err_info *why)
{
    struct session    *s;
    struct session_run run = { .tokens = ids, .n = n, .row = row, .arg = c };
    enum err           code = session_open(&s, e, (uint32_t)n, why);

    if (code != ERR_OK)
        return code;
    code = session_run(s, &run, why);
    session_close(s);
    return code;
}

/* The ids of a line of text; their number. */
static size_t read_ids(int32_t *ids, size_t most, char *line)
{
    size_t n = 0;

    for (char *end; n < most; line = end) {
        long id = strtol(line, &end, 10);
        if (end == line)
            break;
        ids[n++] = (int32_t)id;
    }
    return n;
}

static void report(const char *name, const struct error *e)
{
    if (e->n > 0)
        printf("%s: %zu positions, mean KL %.3e, most %.2e, likeliest differs "
               "%zu times\n", name, e->n, e->kl / (double)e->n, e->most,
               e->n_other);
}

enum { IDS_MAX = 2048 };

static enum err run_all(struct engine *const e[2], struct compare *c,
                        FILE *lines, struct err_info *why)
{
    static char text[16 * IDS_MAX];
    int32_t     ids[IDS_MAX];
    enum err    code = ERR_OK;

    while (code == ERR_OK && fgets(text, sizeof text, lines) != NULL) {
        size_t n = read_ids(ids, IDS_MAX, text);
        c->exact = malloc(n * c->n_vocab * sizeof(float) + 1);
        if (c->exact == NULL)
            return fail_nomem(why);
        for (int k = 0; k < 2 && n > 0 && code == ERR_OK; k++) {
            c->filling = k == 0;
            code = run_line(e[k], c, ids, n, why);
        }
        free(c->exact);
    }
    return code;
}

int main(int argc, char **argv)
{
    struct err_info why = { .code = ERR_OK };
    struct engine  *e[2] = { NULL, NULL };
    struct compare  c = { 0 };
    FILE           *lines = argc > 2 ? fopen(argv[2], "r") : NULL;

    if (lines == NULL) {
        fprintf(stderr, "usage: bench_error MODEL IDS [PEER]\n");
        return 2;
    }
    c.from = argc > 3 ? fopen(argv[3], "rb") : NULL;
    for (int k = 0; k < 2; k++) {
        struct engine_options o = engine_defaults(argv[1]);
        o.exact = k == 0;
        o.ctx = IDS_MAX;
        if (engine_open(&e[k], &o, &why) != ERR_OK)
            goto out;
    }
    c.n_vocab = engine_vocab_size(e[0]);
    c.peer = malloc(c.n_vocab * sizeof(float));
    if (c.peer != NULL && run_all(e, &c, lines, &why) == ERR_OK) {
        report("osmia", &c.ours);
        report("peer", &c.theirs);
    }

out:
    if (why.code != ERR_OK)
        fprintf(stderr, "bench_error: %s\n", why.text);
    free(c.peer);
    engine_close(e[0]);
    engine_close(e[1]);
    fclose(lines);
    return why.code == ERR_OK ? 0 : 1;
}
