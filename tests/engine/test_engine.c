#include "support/check.h"

#include "engine/engine_own.h"
#include "engine/facts.h"
#include "engine/generate.h"
#include "engine/session.h"
#include "support/alloc_fail.h"
#include "support/tiny_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct scratch scratch;

static int begin(void **state)
{
    (void)state;
    scratch_open(&scratch);
    tiny_put(&scratch, &(struct tiny_options){ .seed = 1 });
    return 0;
}

static int end(void **state)
{
    (void)state;
    scratch_close(&scratch);
    return 0;
}

static struct engine_options options(void)
{
    struct engine_options o = engine_defaults(scratch_path(&scratch,
                                                           "tiny.gguf"));
    o.n_threads = 1;
    return o;
}

static struct engine *opened(const struct engine_options *o)
{
    struct engine *e;
    struct err_info why;
    if (engine_open(&e, o, &why) != ERR_OK)
        fail_msg("%s", why.text);
    return e;
}

/* ---- answers ---- */

struct answer {
    struct strbuf   text;
    struct tok_ids  ids;
    float           logprob[512];
    enum job_reason reason;
    struct job_usage usage;
    bool            done;
};

static void answer_drop(struct answer *a)
{
    strbuf_drop(&a->text);
    tok_ids_drop(&a->ids);
    *a = (struct answer){ 0 };
}

static void take(void *arg, const struct job_event *ev)
{
    struct answer *a = arg;
    strbuf_put(&a->text, ev->text);
    if (ev->done) {
        a->done = true;
        a->reason = ev->reason;
        a->usage = *ev->usage;
        return;
    }
    a->logprob[a->ids.n] = ev->token->logprob;
    assert_true(tok_ids_push(&a->ids, ev->token->id));
}

static bool same(const struct answer *a, const struct answer *b)
{
    return a->ids.n == b->ids.n && a->reason == b->reason
        && memcmp(a->ids.at, b->ids.at, a->ids.n * sizeof *a->ids.at) == 0
        && memcmp(a->logprob, b->logprob, a->ids.n * sizeof *a->logprob) == 0
        && slice_eq(strbuf_slice(&a->text), strbuf_slice(&b->text));
}

enum { JOBS = 6, PROMPT = 130, OUTPUT = 40 };

/* Prompts of several lengths, three of which begin alike. */
static struct job_request job(size_t i, int32_t prompt[PROMPT],
                              struct answer *a)
{
    static const size_t lens[JOBS] = { 1, 33, 100, 130, 130, 64 };
    struct job_request r = { .prompt = prompt, .n_prompt = lens[i],
        .max_tokens = OUTPUT, .sampling = sampling_off(), .event = take,
        .arg = a, .ignore_eos = i == 2 };
    for (size_t t = 0; t < lens[i]; t++)
        prompt[t] = (int32_t)(i >= 2 && i < 5 && t < 90 ? 3 + t * 7 % 300
                              : 3 + (t * 13 + i * 31 + t * t) % 300);
    r.sampling.seed = i;
    r.sampling.temperature = i % 3 == 0 ? 0 : 0.9f;
    r.sampling.top_p = i % 2 ? 0.9f : 1;
    r.sampling.repetition_penalty = 1.1f;
    r.sampling.logprobs = true;
    return r;
}

static void run_out(struct sched *s)
{
    struct err_info why;
    while (sched_jobs(s) > 0)
        if (sched_step(s, NULL, &why) != ERR_OK)
            fail_msg("%s", why.text);
}

/* Each job by itself, in a fresh scheduler: what all others must equal. */
static void answer_alone(struct engine *e, struct answer a[JOBS])
{
    for (size_t i = 0; i < JOBS; i++) {
        int32_t prompt[PROMPT];
        struct job_request r = job(i, prompt, &a[i]);
        struct generated end;
        struct sched *s;
        assert_int_equal(engine_sched(&s, e, &(struct sched_options){
            .max_running = 1, .chunk = 512 }, NULL), ERR_OK);
        assert_int_equal(generate(s, &r, NULL, &end, NULL), ERR_OK);
        sched_close(s);
        assert_int_equal(engine_blocks_used(e), 0);
    }
}

static void answer_together(struct engine *e, const struct sched_options *o,
                            struct answer a[JOBS])
{
    struct sched *s;
    uint64_t id;
    assert_int_equal(engine_sched(&s, e, o, NULL), ERR_OK);
    for (size_t i = 0; i < JOBS; i++) {
        int32_t prompt[PROMPT];
        struct job_request r = job(i, prompt, &a[i]);
        assert_int_equal(sched_submit(s, &r, &id, NULL), ERR_OK);
    }
    run_out(s);
    sched_close(s);
    assert_int_equal(engine_blocks_used(e), 0);
}

static void compare(const struct answer *want, struct answer *got,
                    const char *how)
{
    for (size_t i = 0; i < JOBS; i++) {
        if (!same(&want[i], &got[i]))
            fail_msg("%s: job %zu differs from its answer alone", how, i);
        answer_drop(&got[i]);
    }
}

/* The promise "same bytes, always", for one way of computing. */
static void same_bytes(struct engine_options o)
{
    static struct answer want[JOBS], got[JOBS];
    static const size_t chunks[] = { 1, 7, 64, 512 };
    char how[64];
    o.n_seqs = JOBS;
    for (unsigned threads = 1; threads <= 3; threads++) {
        o.n_threads = threads;
        struct engine *e = opened(&o);
        if (threads == 1) {
            answer_alone(e, want);
            assert_false(same(&want[2], &want[3]));    /* it can fail */
        }
        for (size_t i = 0; i < 4; i++) {
            struct sched_options so = { .max_running = 1 + i * 2,
                .max_kept = i, .chunk = chunks[i], .chunk_beside = chunks[i] };
            snprintf(how, sizeof how, "%u threads, chunks of %zu", threads,
                     chunks[i]);
            answer_together(e, &so, got);
            compare(want, got, how);
        }
        engine_close(e);
    }
    for (size_t i = 0; i < JOBS; i++)
        answer_drop(&want[i]);
}

static void same_bytes_as_stored(void **state)
{
    (void)state;
    same_bytes(options());
}

static void same_bytes_f16(void **state)
{
    (void)state;
    struct engine_options o = options();
    o.weights = "f16";
    o.kv = KV_Q8_0;
    same_bytes(o);
}

static void same_bytes_of_blocks(void **state)
{
    static const enum tiny_type types[] = { TINY_Q8_0, TINY_Q4_0, TINY_Q4_1 };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tiny_put(&scratch, &(struct tiny_options){ .type = types[i] });
        struct engine_options o = options();
        same_bytes(o);
    }
    tiny_put(&scratch, &(struct tiny_options){ .seed = 1 });
}

static void same_bytes_bf16(void **state)
{
    (void)state;
    struct engine_options o = options();
    o.weights = "bf16";
    o.kv = KV_BF16;
    same_bytes(o);
}

static void same_bytes_exact(void **state)
{
    (void)state;
    struct engine_options o = options();
    o.exact = true;
    struct engine *e = opened(&o);
    assert_int_equal(engine_kv_type(e), KV_F32);
    engine_close(e);
    same_bytes(o);
}

/* A cache with room for two of six: jobs are paused and computed again. */
static void same_bytes_when_paused(void **state)
{
    static struct answer want[JOBS], got[JOBS];
    struct engine_options o = options();
    struct sched *s;
    uint64_t id;
    (void)state;
    o.n_seqs = JOBS;
    o.ctx = 200;
    struct engine *e = opened(&o);
    answer_alone(e, want);
    engine_close(e);
    o.kv_size = 230 * 2 * 2 * 2 * 16 * 2;      /* positions of 256 bytes */
    e = opened(&o);
    assert_int_equal(engine_sched(&s, e, &(struct sched_options){
        .max_running = JOBS, .max_kept = 2 }, NULL), ERR_OK);
    for (size_t i = 0; i < JOBS; i++) {
        int32_t prompt[PROMPT];
        struct job_request r = job(i, prompt, &got[i]);
        assert_int_equal(sched_submit(s, &r, &id, NULL), ERR_OK);
    }
    run_out(s);
    print_message("%llu pauses\n", (unsigned long long)sched_stats(s).n_paused);
    compare(want, got, "paused");
    sched_close(s);
    engine_close(e);
    for (size_t i = 0; i < JOBS; i++)
        answer_drop(&want[i]);
}

/* ---- stop strings ---- */

static void generate_text(struct engine *e, struct answer *a,
                          const struct slice *stops, size_t n_stops)
{
    int32_t prompt[PROMPT];
    struct job_request r = job(1, prompt, a);
    struct generated end;
    struct sched *s;
    r.stops = stops;
    r.n_stops = n_stops;
    assert_int_equal(engine_sched(&s, e, &(struct sched_options){ 0 }, NULL),
                     ERR_OK);
    assert_int_equal(generate(s, &r, NULL, &end, NULL), ERR_OK);
    sched_close(s);
}

/* Every run of three bytes of an answer as a stop string: the answer is what
 * stands before its first occurrence, and nothing of the string shows. */
static void stops_end_answers(void **state)
{
    struct answer whole = { 0 }, cut = { 0 };
    struct engine_options o = options();
    struct engine *e = opened(&o);
    size_t n = 0;
    (void)state;
    generate_text(e, &whole, NULL, 0);
    struct slice text = strbuf_slice(&whole.text);
    assert_true(text.len > 20);
    for (size_t i = 0; i + 3 <= text.len; i += 2) {
        struct slice stop = { text.at + i, 3 };
        size_t first = slice_find(text, stop, 0);
        generate_text(e, &cut, &stop, 1);
        struct slice before = { text.at, first };
        if (!slice_eq(strbuf_slice(&cut.text), before))
            fail_msg("stop at byte %zu: %zu bytes came, not %zu", i,
                     cut.text.len, first);
        assert_int_equal(cut.reason, JOB_STOP);
        answer_drop(&cut);
        n++;
    }
    assert_true(n > 5);
    answer_drop(&whole);
    engine_close(e);
}

/* ---- limits, cancelling ---- */

static bool stop_prompt(void *arg, const char *doing, uint64_t done,
                        uint64_t total)
{
    size_t *calls = arg;
    (void)doing, (void)done, (void)total;
    return ++*calls == 3;
}

static void cancelled_in_prefill(void **state)
{
    struct engine_options o = options();
    struct engine *e = opened(&o);
    struct answer a = { 0 }, b = { 0 };
    int32_t prompt[PROMPT];
    size_t calls = 0;
    struct progress progress = { stop_prompt, &calls };
    struct generated end;
    struct sched *s;
    (void)state;
    assert_int_equal(engine_sched(&s, e, &(struct sched_options){ .chunk = 16,
                     .max_kept = 2 }, NULL), ERR_OK);
    struct job_request r = job(3, prompt, &a);
    assert_int_equal(generate(s, &r, &progress, &end, NULL), ERR_OK);
    assert_int_equal(end.reason, JOB_CANCELLED);
    assert_true(a.done && a.ids.n == 0);
    answer_drop(&a);
    assert_int_equal(generate(s, &r, NULL, &end, NULL), ERR_OK);  /* goes on */
    sched_close(s);
    generate_text(e, &b, NULL, 0);
    answer_drop(&b);
    engine_close(e);
    answer_drop(&a);
}

static void small_contexts(void **state)
{
    struct engine_options o = options();
    struct answer a = { 0 };
    int32_t prompt[PROMPT];
    struct generated end;
    struct err_info why;
    struct sched *s;
    (void)state;
    o.ctx = 140;
    struct engine *e = opened(&o);
    assert_int_equal(engine_ctx(e), 140);
    assert_int_equal(engine_model_ctx(e), 512);
    assert_int_equal(engine_sched(&s, e, &(struct sched_options){ 0 }, NULL),
                     ERR_OK);
    struct job_request r = job(3, prompt, &a);
    r.ignore_eos = true;
    assert_int_equal(generate(s, &r, NULL, &end, &why), ERR_OK);
    assert_int_equal(end.reason, JOB_LENGTH);
    assert_int_equal(end.usage.n_output, 10);
    sched_close(s);
    engine_close(e);
    answer_drop(&a);

    o.ctx = 130;
    e = opened(&o);
    assert_int_equal(engine_sched(&s, e, &(struct sched_options){ 0 }, NULL),
                     ERR_OK);
    assert_int_equal(generate(s, &r, NULL, &end, &why), ERR_LIMIT);
    assert_non_null(strstr(why.text, "130"));
    sched_close(s);
    engine_close(e);
}

/* ---- what is never sampled ---- */

static void ids_without_a_token_never_come(void **state)
{
    struct engine_options o = options();
    struct engine *e = opened(&o);
    size_t n;
    const int32_t *never = engine_never(e, &n);
    (void)state;
    assert_int_equal(engine_vocab_size(e), TINY_ROWS);
    assert_true(n >= TINY_ROWS - TINY_TOKENS);
    for (int32_t i = 0; i < TINY_ROWS - TINY_TOKENS; i++)
        assert_int_equal(never[n - 1 - (size_t)i], TINY_ROWS - 1 - i);
    engine_close(e);
}

/* ---- the memory plan ---- */

struct heard {
    char   last[512];
    size_t n;
};

static void hear(void *arg, const char *sentence)
{
    struct heard *h = arg;
    snprintf(h->last, sizeof h->last, "%s", sentence);
    h->n++;
}

/* A model of 100 MiB and 1 KiB of cache for a token; 160 MiB are usable of
 * every 170 2/3 MiB. */
static struct engine planned(struct checkpoint *c, const struct notices *to)
{
    c->path = "big.gguf";
    struct engine e = { .checkpoint = c, .model_ctx = 100000,
        .kv_type = KV_F16, .options = { .n_seqs = 1, .notices = to } };
    e.plan.weights_size = 90 << 20;
    e.plan.work_size = 10 << 20;
    e.plan.n_groups = 1;
    e.plan.groups[0] = (struct kv_group){ .form = KV_PAIR, .n_layers = 4,
        .n_head_kv = 2, .k_width = 32, .v_width = 32 };
    return e;
}

static void plans(void **state)
{
    struct checkpoint c = { 0 };
    struct heard heard = { .n = 0 };
    struct notices to = { hear, &heard };
    struct err_info why;
    uint64_t mib = 1 << 20;
    (void)state;
    struct engine e = planned(&c, &to);
    assert_int_equal(memory_plan(&e, 1024 * mib, &why), ERR_OK);
    assert_int_equal(e.ctx, 100000);
    assert_int_equal(heard.n, 0);
    assert_int_equal(memory_plan(&e, 160 * mib, &why), ERR_OK);   /* 150 used */
    assert_int_equal(e.ctx, 50 * 1024);
    assert_int_equal(heard.n, 1);
    assert_non_null(strstr(heard.last, "100000"));
    assert_non_null(strstr(heard.last, "51200"));
    assert_int_equal(memory_plan(&e, 100 * mib, &why), ERR_LIMIT);
    assert_non_null(strstr(why.text, "big.gguf"));
    assert_non_null(strstr(why.text, "100 MiB"));
    assert_non_null(strstr(why.text, "94 MiB"));
    e.options.ctx = 60000;                      /* asked for: not cut */
    assert_int_equal(memory_plan(&e, 160 * mib, &why), ERR_LIMIT);
    assert_non_null(strstr(why.text, "60000"));
    e.options.ctx = 200000;                     /* beyond the model's */
    assert_int_equal(memory_plan(&e, 1024 * mib, &why), ERR_OK);
    assert_int_equal(e.ctx, 200000);
    assert_int_equal(heard.n, 2);
    e.options.ctx = 1000;
    e.options.n_seqs = 4;
    assert_int_equal(memory_plan(&e, 1024 * mib, &why), ERR_OK);
    assert_int_equal(e.kv_positions, 4 * 1032);
    e.options.n_kept = 10;                      /* twice as much, */
    assert_int_equal(memory_plan(&e, 1024 * mib, &why), ERR_OK);
    assert_int_equal(e.kv_positions, 2 * 4 * 1032);
    assert_int_equal(memory_plan(&e, 108 * mib, &why), ERR_OK);
    assert_true(e.kv_positions >= 1000 && e.kv_positions < 1000 + 700);
    e.options.kv_size = 2 * mib;                /* or what was asked for */
    assert_int_equal(memory_plan(&e, 1024 * mib, &why), ERR_OK);
    assert_int_equal(e.kv_positions, 2048);
    assert_int_equal(memory_plan(&e, UINT64_MAX, &why), ERR_OK);
}

/* ---- looking without loading ---- */

static void looking(void **state)
{
    struct engine_look *l;
    struct err_info why;
    struct engine_options o = options();
    (void)state;
    if (engine_look_open(&l, &o, &why) != ERR_OK)
        fail_msg("%s", why.text);
    const struct engine_facts *f = engine_look_facts(l);
    assert_string_equal(f->architecture, "llama");
    assert_string_equal(f->format, "gguf");
    assert_int_equal(f->n_files, 1);
    assert_true(f->configured && f->tokenizer.known && f->chat_template);
    assert_int_equal(f->n_layer, 2);
    assert_int_equal(f->hidden_size, 64);
    assert_int_equal(f->n_head, 4);
    assert_int_equal(f->n_head_kv, 2);
    assert_int_equal(f->vocab_size, TINY_ROWS);
    assert_int_equal(f->context_length, 512);
    assert_int_equal(f->n_weights, 1);
    assert_string_equal(f->weights[0].type, "f32");
    assert_int_equal(f->weights[0].n_tensors, 20);
    assert_int_equal(f->weights[0].size, 4 * f->n_parameters);
    assert_int_equal(f->tokenizer.bos, TINY_BOS);
    assert_int_equal(f->tokenizer.n_eos, 1);
    assert_int_equal(f->memory.kv_size_per_token, 2 * 2 * 2 * 16 * 2);
    assert_int_equal(f->memory.ctx, 512);
    assert_string_equal(f->kv_type, "f16");
    struct engine *e = opened(&o);
    uint64_t loaded = engine_weights_size(e);
    assert_true(f->memory.weights_size >= loaded
                && f->memory.weights_size < loaded + loaded / 50);
    engine_close(e);
    engine_look_close(l);
}

static void looking_at_what_cannot_run(void **state)
{
    struct engine_look *l;
    struct err_info why;
    struct engine *e;
    struct engine_options o = options();
    (void)state;
    tiny_put(&scratch, &(struct tiny_options){ .architecture = "warbler" });
    assert_int_equal(engine_look_open(&l, &o, &why), ERR_UNKNOWN);
    assert_non_null(strstr(why.text, "warbler"));
    const struct engine_facts *f = engine_look_facts(l);
    assert_string_equal(f->architecture, "warbler");
    assert_true(f->tokenizer.known && !f->configured && f->n_weights == 1);
    engine_look_close(l);
    assert_int_equal(engine_open(&e, &o, &why), ERR_UNKNOWN);
    o.depth = ENGINE_TEXT;                     /* its text can be used */
    e = opened(&o);
    assert_int_equal(tok_size(engine_tokenizer(e)), TINY_TOKENS);
    engine_close(e);

    tiny_put(&scratch, &(struct tiny_options){ .no_weights = true });
    e = opened(&o);
    engine_close(e);
    o.path = "/nonexistent/model.gguf";
    assert_int_equal(engine_look_open(&l, &o, &why), ERR_IO);
    assert_null(l);
    assert_int_equal(engine_open(&e, &o, &why), ERR_IO);
    tiny_put(&scratch, &(struct tiny_options){ .seed = 1 });
}

static void unknown_wishes_are_refused(void **state)
{
    struct engine_options o = options();
    struct engine *e;
    struct err_info why;
    (void)state;
    o.device = "abacus";
    assert_int_equal(engine_open(&e, &o, &why), ERR_UNKNOWN);
    assert_non_null(strstr(why.text, "abacus"));
    o = options();
    o.weights = "q9_9";
    assert_true(engine_open(&e, &o, &why) != ERR_OK);
    assert_non_null(strstr(why.text, "q9_9"));
}

/* ---- defaults of sampling ---- */

static struct sampling resolved(float said, bool ask)
{
    struct sampling fallback = sampling_chat_default();
    struct sampling_given asked = { .values = sampling_off() };
    struct engine_options o = options();
    tiny_put(&scratch, &(struct tiny_options){ .temperature = said });
    if (ask)
        sampling_set(&asked, SAMPLING_TEMPERATURE, 0.25, NULL);
    o.depth = ENGINE_TEXT;
    struct engine *e = opened(&o);
    struct sampling s = engine_sampling_for(e, &asked, &fallback);
    engine_close(e);
    return s;
}

static void defaults_in_order(void **state)
{
    (void)state;
    assert_true(resolved(0, false).temperature == 0.7f);
    assert_true(resolved(0.5f, false).temperature == 0.5f);
    assert_true(resolved(0.5f, true).temperature == 0.25f);
    assert_true(resolved(0.5f, true).top_p == 0.95f);
    assert_true(resolved(7, false).temperature == 0.7f);    /* out of range */
}

static void do_sample_false_is_greedy(void **state)
{
    struct checkpoint c = { .path = "x", .generation = {
        .do_sample = { true, 0 }, .temperature = { true, 0.6 },
        .top_k = { true, 20 }, .repetition_penalty = { true, 1.05 } } };
    struct engine e = { .checkpoint = &c };
    struct sampling fallback = sampling_chat_default();
    struct sampling_given asked = { .given = 0 };
    (void)state;
    read_wishes(&e);
    struct sampling s = engine_sampling_for(&e, &asked, &fallback);
    assert_true(s.temperature == 0 && s.top_k == 0);
    assert_true(s.repetition_penalty == 1.05f);
    c.generation.do_sample.value = 1;
    e.wishes = (struct sampling_given){ .given = 0 };
    read_wishes(&e);
    s = engine_sampling_for(&e, &asked, &fallback);
    assert_true(s.temperature == 0.6f && s.top_k == 20 && s.min_p == 0.05f);
}

/* ---- prompts ---- */

static void bos_is_put_once(void **state)
{
    struct engine_options o = options();
    struct tok_ids a = { 0 }, b = { 0 }, c = { 0 };
    (void)state;
    tiny_put(&scratch, &(struct tiny_options){ .seed = 1 });
    o.depth = ENGINE_TEXT;
    struct engine *e = opened(&o);
    struct slice bare = SLICE("the end"), begun = SLICE("<s>the end");
    assert_int_equal(engine_encode_chat(e, bare, &a, NULL), ERR_OK);
    assert_int_equal(engine_encode_chat(e, begun, &b, NULL), ERR_OK);
    assert_int_equal(engine_encode_raw(e, begun, &c, NULL), ERR_OK);
    assert_int_equal(a.at[0], TINY_BOS);
    assert_true(a.at[1] != TINY_BOS);
    assert_int_equal(b.at[0], TINY_BOS);
    assert_true(b.at[1] != TINY_BOS);
    assert_int_equal(c.at[0], TINY_BOS);        /* text is text */
    assert_true(c.n > b.n);
    tok_ids_drop(&a);
    tok_ids_drop(&b);
    tok_ids_drop(&c);
    engine_close(e);
}

/* ---- no memory ---- */

static void count_only(void *arg, const struct job_event *ev)
{
    size_t *n = arg;
    *n += !ev->done;
}

static enum err open_and_answer(void *arg)
{
    struct engine_options o = options();
    struct engine *e = NULL;
    struct sched *s = NULL;
    struct generated end;
    int32_t prompt[] = { TINY_BOS, 270, 280, 290 };
    size_t n = 0;
    struct slice stop = SLICE("never comes");
    struct job_request r = { .prompt = prompt, .n_prompt = 4, .max_tokens = 4,
        .sampling = sampling_off(), .stops = &stop, .n_stops = 1,
        .ignore_eos = true, .event = count_only, .arg = &n };
    (void)arg;
    enum err err = engine_open(&e, &o, NULL);
    if (err == ERR_OK)
        err = engine_sched(&s, e, &(struct sched_options){ .max_kept = 1 },
                           NULL);
    if (err == ERR_OK)
        err = generate(s, &r, NULL, &end, NULL);
    sched_close(s);
    engine_close(e);
    return err;
}

static void each_allocation_fails_once(void **state)
{
    (void)state;
    print_message("%zu allocations\n", alloc_fail_each(open_and_answer, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_as_stored),
        cmocka_unit_test(same_bytes_f16),
        cmocka_unit_test(same_bytes_of_blocks),
        cmocka_unit_test(same_bytes_bf16),
        cmocka_unit_test(same_bytes_exact),
        cmocka_unit_test(same_bytes_when_paused),
        cmocka_unit_test(stops_end_answers),
        cmocka_unit_test(cancelled_in_prefill),
        cmocka_unit_test(small_contexts),
        cmocka_unit_test(ids_without_a_token_never_come),
        cmocka_unit_test(plans),
        cmocka_unit_test(looking),
        cmocka_unit_test(looking_at_what_cannot_run),
        cmocka_unit_test(unknown_wishes_are_refused),
        cmocka_unit_test(defaults_in_order),
        cmocka_unit_test(do_sample_false_is_greedy),
        cmocka_unit_test(bos_is_put_once),
        cmocka_unit_test(each_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
