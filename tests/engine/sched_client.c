#include "support/check.h"

#include "sched_client.h"

#include <stdlib.h>
#include <string.h>

/* ---- the oracle: the same answer, computed alone and without a cache ---- */

void expect(struct client *c, const struct fake *f)
{
    int32_t tokens[FAKE_LEN];
    float logits[FAKE_VOCAB];
    struct sampler *s;
    size_t most = f->runner.ctx < f->runner.capacity ? f->runner.ctx
                                                     : f->runner.capacity;
    size_t n = c->n_prompt, limit = c->n_prompt + c->max_tokens;
    if (c->max_tokens == 0 || limit > most)
        limit = most;
    assert_int_equal(sampler_open(&s, FAKE_VOCAB, NULL, 0, NULL), ERR_OK);
    memcpy(tokens, c->prompt, n * sizeof *tokens);
    for (c->want_reason = JOB_LENGTH; n < limit; n++) {
        struct sample out;
        struct sample_context at = { .logits = logits, .tokens = tokens,
                                     .n_tokens = n, .n_prompt = c->n_prompt };
        fake_logits(logits, tokens, n);
        assert_int_equal(sampler_draw(s, &c->sampling, &at, &out, NULL),
                         ERR_OK);
        if (out.id == FAKE_EOS && !c->ignore_eos) {
            c->want_reason = JOB_STOP;
            break;
        }
        tokens[n] = out.id;
    }
    sampler_close(s);
    c->n_want = n - c->n_prompt;
    memcpy(c->want, tokens + c->n_prompt, c->n_want * sizeof *tokens);
}

void on_event(void *arg, const struct job_event *ev)
{
    struct client *c = arg;
    assert_false(c->done);
    if (!ev->done) {
        assert_true(c->started);
        assert_false(c->held);
        if (c->n_got >= c->n_want || c->want[c->n_got] != ev->token->id)
            fail_msg("job %llu: token %zu is %d", (unsigned long long)c->id,
                     c->n_got, ev->token->id);
        c->n_got++;
        return;
    }
    c->done = true;
    c->reason = ev->reason;
    c->usage = *ev->usage;
    if (ev->error != NULL)
        c->error = *ev->error;
}

/* First come, first served: nobody starts before an older one. */
void on_started(void *arg)
{
    struct client *c = arg;
    assert_false(c->started);
    c->started = true;
    if (c->last_started == NULL)
        return;
    assert_true(c->id > *c->last_started);
    *c->last_started = c->id;
}

void submit(struct sched *s, struct client *c)
{
    struct err_info why;
    struct job_request r = {
        .prompt = c->prompt, .n_prompt = c->n_prompt,
        .max_tokens = c->max_tokens, .sampling = c->sampling,
        .ignore_eos = c->ignore_eos, .cancel = &c->cancel,
        .deadline_ns = c->deadline_ns, .started = on_started,
        .event = on_event, .arg = c };
    if (sched_submit(s, &r, &c->id, &why) != ERR_OK)
        fail_msg("%s", why.text);
}

static const int32_t eos[] = { FAKE_EOS };

struct sched *open_on(struct fake *f, const struct fake_options *fo,
                      const struct sched_options *so)
{
    struct sched *s;
    fake_open(f, fo);
    struct sched_parts parts = { .runner = &f->runner, .eos = eos, .n_eos = 1 };
    assert_int_equal(sched_open(&s, &parts, so, NULL), ERR_OK);
    return s;
}

void run_out(struct sched *s)
{
    while (sched_jobs(s) > 0) {
        assert_int_equal(sched_step(s, NULL, NULL), ERR_OK);
        assert_true(sched_stepped(s) > 0);
    }
}

void assert_right(const struct client *c)
{
    assert_true(c->done);
    assert_int_equal(c->reason, c->want_reason);
    assert_int_equal(c->n_got, c->n_want);
    assert_int_equal(c->usage.n_output, c->n_want);
    assert_int_equal(c->usage.n_prompt, c->n_prompt);
}

void close_clean(struct sched *s, const struct fake *f)
{
    sched_close(s);
    assert_int_equal(fake_blocks_used(f), 0);
    assert_int_equal(fake_seqs_open(f), 0);
}

/* ---- random clients ---- */

uint64_t client_seed;

size_t below(size_t n)
{
    client_seed = client_seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)((client_seed >> 33) % n);
}

/* Prompts come in a few families that begin alike. */
void random_client(struct client *c, const struct fake *f,
                          size_t longest)
{
    size_t shared = below(longest), family = below(3);
    memset(c, 0, sizeof *c);
    c->n_prompt = 1 + below(longest);
    for (size_t i = 0; i < c->n_prompt; i++)
        c->prompt[i] = (int32_t)(i < shared ? (i * 7 + family) % FAKE_VOCAB
                                            : below(FAKE_VOCAB));
    c->max_tokens = below(4) ? 1 + below(40) : 0;
    c->sampling = sampling_off();
    c->sampling.seed = below(1000);
    c->ignore_eos = below(4) == 0;
    if (below(3) == 0)
        c->sampling.temperature = 0;
    if (below(3) == 0)
        c->sampling.repetition_penalty = 1.2f;
    if (below(3) == 0)
        c->sampling.frequency_penalty = 0.5f;
    expect(c, f);
}
