#include "support/check.h"

#include "osmia.h"
#include "support/alloc_fail.h"
#include "support/tiny_model.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct scratch scratch;
static char path[512];

static int begin(void **state)
{
    (void)state;
    scratch_open(&scratch);
    tiny_put(&scratch, &(struct tiny_options){ .seed = 1 });
    strcpy(path, scratch_path(&scratch, "tiny.gguf"));
    return 0;
}

static int end(void **state)
{
    (void)state;
    scratch_close(&scratch);
    return 0;
}

static struct osmia_options options(void)
{
    struct osmia_options o = OSMIA_OPTIONS_INIT;
    o.n_threads = 1;
    return o;
}

static struct osmia_model *loaded(const struct osmia_options *o)
{
    struct osmia_model *m;
    struct osmia_error why;
    if (osmia_load(&m, path, o, &why) != OSMIA_OK)
        fail_msg("%s", why.text);
    return m;
}

static void some_tokens(int32_t *t, size_t n, size_t salt)
{
    for (size_t i = 0; i < n; i++)
        t[i] = (int32_t)(3 + (i * 13 + salt * 31 + i * i) % 300);
}

/* ---- loading ---- */

static void facts(void **state)
{
    struct osmia_options o = options();
    struct osmia_stats stats = OSMIA_STATS_INIT;
    size_t n;
    (void)state;
    assert_string_equal(osmia_version(), OSMIA_VERSION);
    struct osmia_model *m = loaded(&o);
    assert_string_equal(osmia_architecture(m), "llama");
    assert_int_equal(osmia_vocab_size(m), TINY_ROWS);
    assert_int_equal(osmia_context(m), 512);
    const int32_t *eos = osmia_eos(m, &n);
    assert_int_equal(n, 1);
    assert_int_equal(eos[0], TINY_EOS);
    assert_int_equal(osmia_capabilities(m), 7);
    assert_int_equal(osmia_stats(m, &stats, NULL), OSMIA_OK);
    assert_int_equal(stats.n_blocks_used, 0);
    assert_int_equal(stats.n_threads, 1);
    assert_true(stats.weights_bytes > 100000);
    osmia_unload(m);
    osmia_unload(NULL);
    m = loaded(NULL);
    osmia_unload(m);
}

static void refused(enum osmia_status status, const char *where,
                    const struct osmia_options *o, const char *word)
{
    struct osmia_model *m;
    struct osmia_error why = { OSMIA_OK, "" };
    assert_int_equal(osmia_load(&m, where, o, &why), status);
    assert_int_equal(why.status, status);
    if (strstr(why.text, word) == NULL)
        fail_msg("no \"%s\" in: %s", word, why.text);
    assert_int_equal(osmia_load(&m, where, o, NULL), status);
}

static void refusals(void **state)
{
    struct osmia_options o = options();
    struct osmia_pool *pool;
    (void)state;
    refused(OSMIA_IO, "/nonexistent.gguf", NULL, "/nonexistent.gguf");
    o.size = 0;
    refused(OSMIA_BAD_REQUEST, path, &o, "OSMIA_OPTIONS_INIT");
    o = options();
    o.kv = "f64";
    refused(OSMIA_BAD_REQUEST, path, &o, "f64");
    o = options();
    o.device = "abacus";
    refused(OSMIA_UNKNOWN, path, &o, "abacus");
    assert_int_equal(osmia_pool_open(&pool, 2, NULL), OSMIA_OK);
    assert_int_equal(osmia_pool_threads(pool), 2);
    o = options();
    o.pool = pool;
    refused(OSMIA_BAD_REQUEST, path, &o, "pool");
    osmia_pool_close(pool);
    assert_int_equal(osmia_pool_open(&pool, 100000, NULL), OSMIA_LIMIT);
}

/* An older program's struct ends earlier; what it does not have is default. */
static void shorter_options(void **state)
{
    struct osmia_options o = options();
    (void)state;
    o.size = offsetof(struct osmia_options, exact);
    o.n_sessions = UINT32_MAX;                 /* beyond its end: not read */
    struct osmia_model *m = loaded(&o);
    osmia_unload(m);
}

static bool stop_loading(void *arg, const char *doing, uint64_t done,
                         uint64_t total)
{
    (void)doing, (void)done, (void)total;
    return ++*(int *)arg >= 1;
}

static void loading_can_be_cancelled(void **state)
{
    struct osmia_options o = options();
    int calls = 0;
    (void)state;
    o.progress = stop_loading;
    o.progress_arg = &calls;
    refused(OSMIA_CANCELLED, path, &o, "");
    assert_true(calls > 0);
}

/* ---- logits ---- */

static void forward_at_positions(void **state)
{
    struct osmia_options o = options();
    struct osmia_model *m = loaded(&o);
    float a[TINY_ROWS], b[TINY_ROWS];
    int32_t t[600];
    struct osmia_error why;
    (void)state;
    some_tokens(t, 600, 1);
    assert_int_equal(osmia_forward(m, t, 100, 0, a, &why), OSMIA_OK);
    assert_int_equal(osmia_position(m), 100);
    assert_int_equal(osmia_forward(m, t, 60, 0, NULL, &why), OSMIA_OK);
    assert_int_equal(osmia_forward(m, t + 60, 40, 60, b, &why), OSMIA_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(osmia_forward(m, t + 99, 1, 99, b, &why), OSMIA_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(osmia_forward(m, t + 90, 1, 99, b, &why), OSMIA_OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(osmia_forward(m, t, 1, 101, b, &why), OSMIA_BAD_REQUEST);
    assert_non_null(strstr(why.text, "101"));
    assert_int_equal(osmia_position(m), 100);
    assert_int_equal(osmia_forward(m, t, 513, 0, b, &why), OSMIA_LIMIT);
    assert_int_equal(osmia_forward(m, t, 413, 100, b, &why), OSMIA_LIMIT);
    assert_int_equal(osmia_forward(m, t, 0, 0, b, &why), OSMIA_BAD_REQUEST);
    t[3] = TINY_ROWS;
    assert_int_equal(osmia_forward(m, t, 10, 0, b, &why), OSMIA_BAD_REQUEST);
    assert_int_equal(osmia_reset_cache(m, &why), OSMIA_OK);
    assert_int_equal(osmia_position(m), 0);
    some_tokens(t, 600, 1);
    assert_int_equal(osmia_forward(m, t, 100, 0, b, &why), OSMIA_OK);
    assert_memory_equal(a, b, sizeof a);
    osmia_unload(m);
}

static void sessions(void **state)
{
    struct osmia_options o = options();
    struct osmia_session *s, *fork, *more;
    struct osmia_error why;
    float want[TINY_ROWS];
    int32_t t[100], id, again;
    size_t n, reused;
    (void)state;
    o.n_sessions = 2;
    struct osmia_model *m = loaded(&o);
    struct osmia_sampling p = osmia_sampling_defaults(m);
    some_tokens(t, 100, 2);
    assert_int_equal(osmia_forward(m, t, 100, 0, want, NULL), OSMIA_OK);
    assert_int_equal(osmia_session_open(&s, m, NULL), OSMIA_OK);
    assert_null(osmia_session_logits(s));
    assert_int_equal(osmia_session_sample(s, &p, 0, &id, &why),
                     OSMIA_BAD_REQUEST);
    assert_int_equal(osmia_session_append(s, t, 50, NULL), OSMIA_OK);
    assert_int_equal(osmia_session_append(s, t + 50, 50, NULL), OSMIA_OK);
    assert_memory_equal(osmia_session_logits(s), want, sizeof want);
    assert_int_equal(osmia_session_set(s, t, 100, &reused, NULL), OSMIA_OK);
    assert_int_equal(reused, 99);
    assert_memory_equal(osmia_session_logits(s), want, sizeof want);
    assert_int_equal(osmia_session_sample(s, &p, 100, &id, NULL), OSMIA_OK);

    assert_int_equal(osmia_session_fork(&fork, s, 99, NULL), OSMIA_OK);
    assert_int_equal(osmia_session_append(fork, t + 99, 1, NULL), OSMIA_OK);
    assert_int_equal(osmia_session_sample(fork, &p, 100, &again, NULL),
                     OSMIA_OK);
    assert_int_equal(id, again);
    assert_int_equal(osmia_session_open(&more, m, &why), OSMIA_FULL);
    assert_int_equal(osmia_session_fork(&more, s, 101, &why),
                     OSMIA_BAD_REQUEST);
    osmia_session_close(fork);

    assert_int_equal(osmia_session_truncate(s, 101, &why), OSMIA_BAD_REQUEST);
    assert_int_equal(osmia_session_truncate(s, 10, NULL), OSMIA_OK);
    assert_memory_equal(osmia_session_tokens(s, &n), t, 10 * sizeof *t);
    assert_int_equal(n, 10);
    p.temperature = 9;
    assert_int_equal(osmia_session_append(s, t, 1, NULL), OSMIA_OK);
    assert_int_equal(osmia_session_sample(s, &p, 0, &id, &why),
                     OSMIA_BAD_REQUEST);
    assert_non_null(strstr(why.text, "temperature"));
    osmia_session_close(s);
    osmia_session_close(NULL);
    osmia_unload(m);
}

/* ---- text ---- */

static void text_there_and_back(void **state)
{
    struct osmia_options o = options();
    struct osmia_model *m = loaded(&o);
    int32_t ids[64];
    char text[256];
    struct osmia_ids out = { ids, 64, 0 }, small = { ids, 1, 0 };
    struct osmia_buffer buf = { text, sizeof text, 0 }, tight = { text, 3, 0 };
    const char *said = "the rest, and then \xc3\xa9!";
    (void)state;
    assert_int_equal(osmia_tokenize(m, said, strlen(said), OSMIA_ADD_SPECIAL,
                                    &out, NULL), OSMIA_OK);
    assert_int_equal(ids[0], TINY_BOS);
    size_t n = out.n;
    assert_int_equal(osmia_tokenize(m, said, strlen(said), OSMIA_ADD_SPECIAL,
                                    &small, NULL), OSMIA_LIMIT);
    assert_int_equal(small.n, n);
    assert_int_equal(osmia_detokenize(m, ids, n, true, &buf, NULL), OSMIA_OK);
    assert_int_equal(buf.len, strlen(said));
    assert_memory_equal(text, said, buf.len);
    assert_int_equal(osmia_detokenize(m, ids, n, true, &tight, NULL),
                     OSMIA_LIMIT);
    assert_int_equal(tight.len, strlen(said));
    ids[0] = -1;
    assert_int_equal(osmia_detokenize(m, ids, n, true, &buf, NULL),
                     OSMIA_BAD_REQUEST);
    osmia_unload(m);
}

static const char hi[] =
    "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]}";

static enum osmia_status render(struct osmia_model *m, const char *request,
                                struct osmia_buffer *out,
                                struct osmia_error *why)
{
    return osmia_render(m, request, strlen(request), out, why);
}

static void rendering(void **state)
{
    struct osmia_options o = options();
    struct osmia_model *m = loaded(&o);
    char text[256];
    int32_t ids[128];
    struct osmia_buffer out = { text, sizeof text, 0 };
    struct osmia_ids tokens = { ids, 128, 0 };
    struct osmia_error why;
    static const char want[] = "<|user|>hi\n<|assistant|>";
    (void)state;
    assert_int_equal(render(m, hi, &out, &why), OSMIA_OK);
    assert_int_equal(out.len, strlen(want));
    assert_memory_equal(text, want, out.len);
    assert_int_equal(osmia_tokenize_prompt(m, text, out.len, &tokens, NULL),
                     OSMIA_OK);
    assert_int_equal(ids[0], TINY_BOS);
    assert_int_equal(render(m, "{\"messages\": 1}", &out, &why),
                     OSMIA_BAD_REQUEST);
    assert_int_equal(render(m, "{\"messages\"", &out, &why), OSMIA_BAD_REQUEST);
    assert_int_equal(render(m, "", &out, &why), OSMIA_BAD_REQUEST);
    osmia_unload(m);

    tiny_put(&scratch, &(struct tiny_options){ .template = "" });
    m = loaded(&o);
    assert_int_equal(osmia_capabilities(m), 3);
    assert_int_equal(render(m, hi, &out, &why), OSMIA_UNKNOWN);
    osmia_unload(m);
    tiny_put(&scratch, &(struct tiny_options){ .seed = 1 });
}

/* ---- answers ---- */

struct heard {
    struct strbuf       text;
    size_t              n_calls, enough_after;
    struct osmia_model *model;
    enum osmia_status   busy;        /* what a call from within answered */
    bool                cancel;
};

static bool hear(void *arg, const char *text, size_t len)
{
    struct heard *h = arg;
    int32_t token = 5;
    strbuf_put(&h->text, (struct slice){ text, len });
    if (h->model != NULL)
        h->busy = osmia_forward(h->model, &token, 1, 0, NULL, NULL);
    if (h->cancel)
        osmia_cancel(h->model);
    return ++h->n_calls == h->enough_after;
}

static struct osmia_generate asking(const int32_t *prompt, size_t n,
                                    struct heard *h)
{
    struct osmia_generate g = OSMIA_GENERATE_INIT;
    g.prompt = prompt;
    g.n_prompt = n;
    g.max_tokens = 30;
    g.ignore_eos = true;
    g.on_text = hear;
    g.arg = h;
    return g;
}

static void answers(void **state)
{
    struct osmia_options o = options();
    struct osmia_model *m = loaded(&o);
    struct osmia_usage usage = OSMIA_USAGE_INIT;
    struct heard a = { .n_calls = 0 }, b = { .n_calls = 0 };
    int32_t prompt[80];
    (void)state;
    some_tokens(prompt, 80, 3);
    struct osmia_generate g = asking(prompt, 80, &a);
    assert_int_equal(osmia_generate(m, &g, &usage, NULL), OSMIA_OK);
    assert_int_equal(usage.finish, OSMIA_FINISH_LENGTH);
    assert_int_equal(usage.n_prompt, 80);
    assert_int_equal(usage.n_cached, 0);
    assert_int_equal(usage.n_output, 30);
    g.arg = &b;
    assert_int_equal(osmia_generate(m, &g, &usage, NULL), OSMIA_OK);
    assert_int_equal(usage.n_cached, 79);
    assert_true(slice_eq(strbuf_slice(&a.text), strbuf_slice(&b.text)));
    strbuf_clear(&b.text);
    b.n_calls = 0;
    b.enough_after = 5;
    assert_int_equal(osmia_generate(m, &g, &usage, NULL), OSMIA_OK);
    assert_int_equal(usage.finish, OSMIA_FINISH_STOP);
    assert_int_equal(usage.n_output, 5);
    assert_true(slice_starts(strbuf_slice(&a.text), strbuf_slice(&b.text)));
    g.n_prompt = 0;
    assert_int_equal(osmia_generate(m, &g, &usage, NULL), OSMIA_BAD_REQUEST);
    strbuf_drop(&a.text);
    strbuf_drop(&b.text);
    osmia_unload(m);
}

static void one_call_at_a_time(void **state)
{
    struct osmia_options o = options();
    struct osmia_model *m = loaded(&o);
    struct heard h = { .model = m };
    struct osmia_usage usage = OSMIA_USAGE_INIT;
    int32_t prompt[10];
    (void)state;
    some_tokens(prompt, 10, 4);
    struct osmia_generate g = asking(prompt, 10, &h);
    assert_int_equal(osmia_generate(m, &g, NULL, NULL), OSMIA_OK);
    assert_int_equal(h.busy, OSMIA_BUSY);
    h.cancel = true;
    assert_int_equal(osmia_generate(m, &g, &usage, NULL), OSMIA_CANCELLED);
    assert_true(usage.n_output < 30);
    h.cancel = false;
    osmia_cancel(m);                     /* nobody computes: no effect */
    assert_int_equal(osmia_generate(m, &g, &usage, NULL), OSMIA_OK);
    assert_int_equal(usage.n_output, 30);
    strbuf_drop(&h.text);
    osmia_unload(m);
}

/* ---- threads ---- */

struct worker {
    struct osmia_model *model;
    struct strbuf       text;
    enum osmia_status   status;
};

static bool gather(void *arg, const char *text, size_t len)
{
    struct worker *w = arg;
    strbuf_put(&w->text, (struct slice){ text, len });
    return false;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    int32_t prompt[60];
    some_tokens(prompt, 60, 5);
    struct osmia_generate g = asking(prompt, 60, NULL);
    g.on_text = gather;
    g.arg = w;
    g.max_tokens = 60;
    w->status = osmia_generate(w->model, &g, NULL, NULL);
    return NULL;
}

/* Two models on one pool, each on a thread of its own at the same time. */
static void models_share_a_pool(void **state)
{
    struct osmia_options o = OSMIA_OPTIONS_INIT;
    struct worker w[3] = { { .status = OSMIA_OK } };
    pthread_t thread[2];
    (void)state;
    assert_int_equal(osmia_pool_open(&o.pool, 2, NULL), OSMIA_OK);
    for (size_t i = 0; i < 3; i++)
        w[i].model = loaded(&o);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    work(&w[2]);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(w[i].status, OSMIA_OK);
        assert_true(slice_eq(strbuf_slice(&w[i].text),
                             strbuf_slice(&w[2].text)));
        assert_true(w[i].text.len > 0);
    }
    for (size_t i = 0; i < 3; i++) {
        strbuf_drop(&w[i].text);
        osmia_unload(w[i].model);
    }
    osmia_pool_close(o.pool);
}

static void *hammer(void *arg)
{
    struct worker *w = arg;
    int32_t token = 7;
    size_t n_ok = 0;
    for (int i = 0; i < 200; i++) {
        enum osmia_status s = osmia_forward(w->model, &token, 1, 0, NULL, NULL);
        if (s != OSMIA_OK && s != OSMIA_BUSY)
            w->status = s;
        n_ok += s == OSMIA_OK;
    }
    return n_ok > 0 ? arg : NULL;
}

static void threads_meet_at_the_door(void **state)
{
    struct osmia_options o = options();
    struct worker w = { .model = loaded(&o), .status = OSMIA_OK };
    pthread_t thread[3];
    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, hammer, &w), 0);
    for (size_t i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(w.status, OSMIA_OK);
    osmia_unload(w.model);
}

/* ---- no memory ---- */

static enum err load_and_use(void *arg)
{
    struct osmia_options o = options();
    struct osmia_model *m = NULL;
    struct osmia_session *s = NULL;
    struct osmia_error why;
    float logits[TINY_ROWS];
    int32_t tokens[] = { TINY_BOS, 270, 280 };
    char text[256];
    struct osmia_buffer out = { text, sizeof text, 0 };
    struct osmia_generate g = OSMIA_GENERATE_INIT;
    const char *stops[] = { "never" };
    (void)arg;
    g.prompt = tokens;
    g.n_prompt = g.max_tokens = 3;
    g.stops = stops;
    g.n_stops = 1;
    enum osmia_status status = osmia_load(&m, path, &o, &why);
    if (status == OSMIA_OK)
        status = osmia_forward(m, tokens, 3, 0, logits, &why);
    if (status == OSMIA_OK)
        status = osmia_generate(m, &g, NULL, &why);
    if (status == OSMIA_OK)
        status = osmia_session_open(&s, m, &why);
    if (status == OSMIA_OK)
        status = render(m, hi, &out, &why);
    osmia_session_close(s);
    osmia_unload(m);
    assert_true(status == OSMIA_OK || why.text[0] != '\0');
    return status == OSMIA_OK ? ERR_OK
           : status == OSMIA_NO_MEMORY ? ERR_NOMEM : ERR_IO;
}

static void each_allocation_fails_once(void **state)
{
    (void)state;
    print_message("%zu allocations\n", alloc_fail_each(load_and_use, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts),
        cmocka_unit_test(refusals),
        cmocka_unit_test(shorter_options),
        cmocka_unit_test(loading_can_be_cancelled),
        cmocka_unit_test(forward_at_positions),
        cmocka_unit_test(sessions),
        cmocka_unit_test(text_there_and_back),
        cmocka_unit_test(rendering),
        cmocka_unit_test(answers),
        cmocka_unit_test(one_call_at_a_time),
        cmocka_unit_test(models_share_a_pool),
        cmocka_unit_test(threads_meet_at_the_door),
        cmocka_unit_test(each_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
