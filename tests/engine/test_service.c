#include "support/check.h"

#include "base/clock.h"
#include "engine/service.h"
#include "fake_runner.h"
#include "support/alloc_fail.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int32_t eos[] = { FAKE_EOS };
static const struct fake_options roomy = { .n_blocks = 2000, .block = 4,
    .n_seqs = 32, .max_tokens = 64, .max_rows = 16, .ctx = 400 };

/* What serve's loop is here: woken, it takes what there is. */
struct bell {
    pthread_mutex_t lock;
    pthread_cond_t  rang;
    size_t          n;
};

static void ring(void *arg)
{
    struct bell *b = arg;
    pthread_mutex_lock(&b->lock);
    b->n++;
    pthread_cond_signal(&b->rang);
    pthread_mutex_unlock(&b->lock);
}

/* Wait until it rings; a second is more than anything here takes. */
static void wait_for(struct bell *b)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5;
    pthread_mutex_lock(&b->lock);
    while (b->n == 0)
        if (pthread_cond_timedwait(&b->rang, &b->lock, &until) != 0)
            fail_msg("nothing happened for 5 s");
    b->n = 0;
    pthread_mutex_unlock(&b->lock);
}

struct house {
    struct fake     fake;
    struct bell     bell;
    struct service *service;
};

static struct house *open_house(const struct service_options *given,
                                const struct fake_options *fo)
{
    struct house *h = calloc(1, sizeof *h);
    struct service_options o = *given;
    fake_open(&h->fake, fo);
    pthread_mutex_init(&h->bell.lock, NULL);
    pthread_cond_init(&h->bell.rang, NULL);
    struct sched_parts parts = { .runner = &h->fake.runner, .eos = eos,
                                 .n_eos = 1 };
    o.wake = ring;
    o.arg = &h->bell;
    assert_int_equal(service_open(&h->service, &parts, &o, NULL), ERR_OK);
    return h;
}

static void close_house(struct house *h)
{
    service_close(h->service);
    assert_int_equal(fake_blocks_used(&h->fake), 0);
    assert_int_equal(fake_seqs_open(&h->fake), 0);
    pthread_mutex_destroy(&h->bell.lock);
    pthread_cond_destroy(&h->bell.rang);
    free(h);
}

/* ---- jobs ---- */

enum { LONGEST = 300 };

struct reader {
    struct ticket  *ticket;
    int32_t         got[LONGEST];
    size_t          n_got;
    bool            started, done;
    enum job_reason reason;
    struct job_usage usage;
};

static struct job_request request(const int32_t *prompt, size_t n, size_t most)
{
    struct sampling s = sampling_off();
    s.temperature = 0;
    return (struct job_request){ .prompt = prompt, .n_prompt = n,
        .max_tokens = most, .sampling = s, .ignore_eos = true };
}

static void submit(struct house *h, struct reader *r,
                   const struct job_request *job)
{
    struct err_info why;
    *r = (struct reader){ .n_got = 0 };
    if (service_submit(h->service, job, &r->ticket, &why) != ERR_OK)
        fail_msg("%s", why.text);
}

/* Take up to `most` pieces. */
static void read_some(struct reader *r, size_t most)
{
    struct piece p;
    for (; most > 0 && !r->done; most--)
        switch (ticket_take(r->ticket, &p)) {
        case PIECE_NONE:
            return;
        case PIECE_STARTED:
            assert_false(r->started);
            assert_int_equal(r->n_got, 0);
            r->started = true;
            break;
        case PIECE_TOKEN:
            assert_true(r->started && r->n_got < LONGEST);
            r->got[r->n_got++] = p.token->id;
            assert_int_equal(p.n_output, r->n_got);
            break;
        case PIECE_END:
            r->done = true;
            r->reason = p.reason;
            r->usage = *p.usage;
        }
}

static void read_all(struct house *h, struct reader *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        while (read_some(&r[i], LONGEST + 9), !r[i].done)
            wait_for(&h->bell);
}

static void release(struct reader *r)
{
    ticket_release(r->ticket);
    r->ticket = NULL;
}

static bool answer_is_right(const struct reader *r, const int32_t *prompt,
                            size_t n, size_t most)
{
    int32_t tokens[FAKE_LEN];
    float logits[FAKE_VOCAB];
    memcpy(tokens, prompt, n * sizeof *prompt);
    for (size_t i = 0; i < most; i++) {
        fake_logits(logits, tokens, n + i);
        int32_t best = 0;
        for (int32_t k = 1; k < FAKE_VOCAB; k++)
            if (logits[k] > logits[best])
                best = k;
        tokens[n + i] = best;
        if (i >= r->n_got || r->got[i] != best)
            return false;
    }
    return r->n_got == most && r->reason == JOB_LENGTH;
}

static void fill(int32_t *prompt, size_t n, int32_t family)
{
    for (size_t i = 0; i < n; i++)
        prompt[i] = (int32_t)((i * 7 + (size_t)family * (i > 20)) % FAKE_VOCAB);
}

/* ---- tests ---- */

static void many_get_what_each_would_alone(void **state)
{
    static struct reader r[16];
    int32_t prompt[60];
    struct house *h = open_house(&(struct service_options){
        .sched = { .max_running = 5, .max_kept = 3, .chunk = 7 },
        .max_queue = 16, .max_unread = 8 }, &roomy);
    (void)state;
    for (int i = 0; i < 16; i++) {
        fill(prompt, 60, i);
        struct job_request q = request(prompt, 60, 50);
        submit(h, &r[i], &q);
    }
    read_all(h, r, 16);
    for (int i = 0; i < 16; i++) {
        fill(prompt, 60, i);
        assert_true(answer_is_right(&r[i], prompt, 60, 50));
        prompt[3]++;                        /* the check can fail */
        assert_false(answer_is_right(&r[i], prompt, 60, 50));
        release(&r[i]);
    }
    close_house(h);
}

static void stats_add_up(void **state)
{
    static struct reader r[3];
    struct service_stats s;
    int32_t prompt[60];
    struct house *h = open_house(&(struct service_options){
        .sched = { .max_running = 2, .max_kept = 3 }, .max_queue = 3 }, &roomy);
    (void)state;
    fill(prompt, 60, 0);
    struct job_request q = request(prompt, 60, 10);
    for (int i = 0; i < 3; i++)
        submit(h, &r[i], &q);
    read_all(h, r, 3);
    service_stats(h->service, &s);
    assert_int_equal(s.n_running + s.n_waiting, 0);
    assert_int_equal(s.n_blocks_jobs, 0);
    assert_true(s.n_blocks_kept > 0 && s.n_blocks == 2000);
    assert_int_equal(s.max_running, 2);
    assert_int_equal(s.first_token_ms.n, 3);
    assert_int_equal(s.between_ms.n, 27);
    assert_int_equal(s.job_ms.n, 3);
    assert_int_equal(s.wait_ms.n, 3);
    assert_int_equal(s.sched.n_prompt, 180);
    assert_int_equal(s.sched.n_output, 30);
    assert_int_equal(s.sched.n_ended[JOB_LENGTH], 3);
    assert_int_equal(s.step_ms.n, s.batch.n);
    for (int i = 0; i < 3; i++)
        release(&r[i]);
    close_house(h);
}

/* A reader that takes nothing stops its own job after max_unread tokens, and
 * gets all of it when it comes back. */
static void a_slow_reader_pauses_its_job_only(void **state)
{
    static struct reader slow, quick;
    struct service_stats s;
    int32_t a[30], b[30];
    struct house *h = open_house(&(struct service_options){
        .sched = { .max_running = 4 }, .max_queue = 4, .max_unread = 5 },
        &roomy);
    (void)state;
    fill(a, 30, 1);
    fill(b, 30, 2);
    struct job_request qa = request(a, 30, 100), qb = request(b, 30, 200);
    submit(h, &slow, &qa);
    submit(h, &quick, &qb);
    read_all(h, &quick, 1);
    assert_true(answer_is_right(&quick, b, 30, 200));
    service_stats(h->service, &s);
    assert_int_equal(s.n_running, 1);
    assert_int_equal(s.sched.n_output, 205);
    assert_int_equal(slow.n_got, 0);
    read_all(h, &slow, 1);
    assert_true(answer_is_right(&slow, a, 30, 100));
    release(&slow);
    release(&quick);
    close_house(h);
}

/* With one place, a job that nobody reads makes room for the next one. */
static void a_slow_reader_keeps_nobody_out(void **state)
{
    static struct reader slow, quick;
    int32_t a[30], b[30];
    struct house *h = open_house(&(struct service_options){
        .sched = { .max_running = 1, .max_kept = 2 }, .max_queue = 4,
        .max_unread = 5 }, &roomy);
    (void)state;
    fill(a, 30, 1);
    fill(b, 30, 2);
    struct job_request qa = request(a, 30, 100), qb = request(b, 30, 50);
    submit(h, &slow, &qa);
    submit(h, &quick, &qb);
    read_all(h, &quick, 1);
    assert_true(answer_is_right(&quick, b, 30, 50));
    read_all(h, &slow, 1);
    assert_true(answer_is_right(&slow, a, 30, 100));
    release(&slow);
    release(&quick);
    close_house(h);
}

static void wait_idle(struct house *h)
{
    struct service_stats s;
    struct timespec ms = { .tv_nsec = 1000000 };
    for (int i = 0; i < 3000; i++) {
        service_stats(h->service, &s);
        if (s.n_running + s.n_waiting == 0)
            return;
        nanosleep(&ms, NULL);
    }
    fail_msg("jobs are left");
}

static void the_queue_has_an_end(void **state)
{
    static struct reader r[4];
    struct err_info why;
    struct ticket *t;
    struct service_stats s;
    int32_t prompt[30];
    struct house *h = open_house(&(struct service_options){
        .sched = { .max_running = 1 }, .max_queue = 2, .max_unread = 2 },
        &roomy);
    (void)state;
    fill(prompt, 30, 1);
    struct job_request q = request(prompt, 30, 100);
    for (int i = 0; i < 3; i++)
        submit(h, &r[i], &q);
    assert_int_equal(service_submit(h->service, &q, &t, &why), ERR_FULL);
    assert_non_null(strstr(why.text, "queue is full"));
    for (int i = 0; i < 3; i++)
        release(&r[i]);
    wait_idle(h);
    submit(h, &r[3], &q);
    read_all(h, &r[3], 1);
    assert_true(answer_is_right(&r[3], prompt, 30, 100));
    release(&r[3]);
    service_stats(h->service, &s);
    assert_int_equal(s.n_refused, 1);
    assert_int_equal(s.sched.n_ended[JOB_CANCELLED], 3);
    close_house(h);
}

static void refused_requests_take_no_place(void **state)
{
    struct ticket *t;
    struct err_info why;
    int32_t prompt[30];
    struct house *h = open_house(&(struct service_options){
        .sched = { .max_running = 1 }, .max_queue = 1 }, &roomy);
    (void)state;
    fill(prompt, 30, 1);
    struct job_request q = request(prompt, 30, 100);
    q.sampling.top_p = 7;
    for (int i = 0; i < 10; i++)
        assert_int_equal(service_submit(h->service, &q, &t, &why), ERR_REQUEST);
    q.sampling.top_p = 1;
    q.n_prompt = 0;
    assert_int_equal(service_submit(h->service, &q, &t, &why), ERR_REQUEST);
    service_drain(h->service);
    q.n_prompt = 30;
    assert_int_equal(service_submit(h->service, &q, &t, &why), ERR_BUSY);
    wait_idle(h);
    close_house(h);
}

static void deadlines_end_jobs(void **state)
{
    static struct reader r[2];
    int32_t prompt[30];
    struct service_stats s;
    struct house *h = open_house(&(struct service_options){
        .sched = { .max_running = 1 }, .max_queue = 4, .max_unread = 3 },
        &roomy);
    (void)state;
    fill(prompt, 30, 1);
    struct job_request q = request(prompt, 30, 100);
    q.deadline_ns = clock_ns() + 20 * 1000000;
    submit(h, &r[0], &q);              /* is never read, so it stands still */
    q.deadline_ns = clock_ns() + 5 * 1000000;
    submit(h, &r[1], &q);              /* in the queue, or pushing r[0] out */
    wait_idle(h);
    read_all(h, r, 2);
    assert_int_equal(r[0].reason, JOB_TIMEOUT);
    assert_int_equal(r[1].reason, JOB_TIMEOUT);
    assert_true(r[0].n_got <= 3);
    service_stats(h->service, &s);
    assert_int_equal(s.sched.n_ended[JOB_TIMEOUT], 2);
    release(&r[0]);
    release(&r[1]);
    close_house(h);
}

static void cancelled_jobs_say_so(void **state)
{
    static struct reader r[3];
    int32_t prompt[30];
    struct house *h = open_house(&(struct service_options){
        .sched = { .max_running = 1 }, .max_queue = 4, .max_unread = 3 },
        &roomy);
    (void)state;
    fill(prompt, 30, 1);
    struct job_request q = request(prompt, 30, 100);
    for (int i = 0; i < 3; i++)
        submit(h, &r[i], &q);
    ticket_cancel(r[2].ticket);
    ticket_cancel(r[0].ticket);
    read_all(h, &r[0], 1);
    assert_int_equal(r[0].reason, JOB_CANCELLED);
    read_all(h, &r[2], 1);
    assert_int_equal(r[2].reason, JOB_CANCELLED);
    service_cancel_all(h->service);
    read_all(h, &r[1], 1);
    assert_int_equal(r[1].reason, JOB_CANCELLED);
    for (int i = 0; i < 3; i++)
        release(&r[i]);
    close_house(h);
}

/* Closing ends what runs and what waits; its tickets can be read after. */
static void tickets_outlive_the_service(void **state)
{
    static struct reader r[3];
    int32_t prompt[30];
    struct house *h = open_house(&(struct service_options){
        .sched = { .max_running = 1 }, .max_queue = 4, .max_unread = 3 },
        &roomy);
    (void)state;
    fill(prompt, 30, 1);
    struct job_request q = request(prompt, 30, 100);
    for (int i = 0; i < 3; i++)
        submit(h, &r[i], &q);
    close_house(h);
    for (int i = 0; i < 3; i++) {
        read_some(&r[i], 20);
        assert_true(r[i].done);
        assert_int_equal(r[i].reason, JOB_CANCELLED);
        release(&r[i]);
    }
    ticket_release(NULL);
}

static void a_failing_model_ends_its_jobs(void **state)
{
    static struct reader r;
    struct service_health health;
    int32_t prompt[30];
    struct house *h = open_house(&(struct service_options){
        .sched = { .max_running = 1 }, .max_queue = 4 }, &roomy);
    (void)state;
    fill(prompt, 30, 1);
    struct job_request q = request(prompt, 30, 10);
    /* Who has heard of the end sees it in the health at once; many rounds, for
     * two threads that run side by side. */
    for (int round = 0; round < 50; round++) {
        wait_idle(h);
        h->fake.forward_says = ERR_IO;     /* nothing runs: no race */
        submit(h, &r, &q);
        read_all(h, &r, 1);
        service_health(h->service, &health);
        assert_int_equal(r.reason, JOB_ERROR);
        assert_int_equal(health.n_failed, 1);
        assert_int_equal(health.last_error.code, ERR_IO);
        release(&r);
        wait_idle(h);
        h->fake.forward_says = ERR_OK;
        submit(h, &r, &q);
        read_all(h, &r, 1);
        service_health(h->service, &health);
        assert_true(answer_is_right(&r, prompt, 30, 10));
        assert_int_equal(health.n_failed, 0);
        release(&r);
    }
    close_house(h);
}

static void an_idle_service_lives(void **state)
{
    struct service_health health;
    struct timespec nap = { .tv_nsec = 800000000 };
    struct house *h = open_house(&(struct service_options){ .max_queue = 1 },
                                 &roomy);
    (void)state;
    /* One that does not beat is older each time; a busy machine may need more
     * than one look. */
    for (int i = 0; i < 20; i++) {
        nanosleep(&nap, NULL);
        service_health(h->service, &health);
        if (health.beat_age_ms < 700)
            break;
    }
    assert_true(health.beat_age_ms < 700);
    close_house(h);
}

/* ---- out of memory ---- */

struct attempt {
    struct house       *house;
    struct job_request  request;
};

static enum err submit_once(void *arg)
{
    struct attempt *a = arg;
    struct ticket *t;
    struct err_info why;
    enum err e = service_submit(a->house->service, &a->request, &t, &why);
    if (e != ERR_OK)
        return e;
    ticket_release(t);
    wait_idle(a->house);
    struct timespec ms = { .tv_nsec = 3000000 };
    nanosleep(&ms, NULL);                /* the ticket goes just after */
    return ERR_OK;
}

static void no_memory_is_an_answer(void **state)
{
    int32_t prompt[30];
    struct attempt a = { .house = open_house(&(struct service_options){
        .sched = { .max_running = 1 }, .max_queue = 1 }, &roomy) };
    (void)state;
    fill(prompt, 30, 1);
    a.request = request(prompt, 30, 10);
    assert_true(alloc_fail_each(submit_once, &a) >= 5);
    close_house(a.house);
}

static enum err open_once(void *arg)
{
    struct fake *f = arg;
    struct service *s;
    struct err_info why;
    struct sched_parts parts = { .runner = &f->runner, .eos = eos, .n_eos = 1 };
    enum err e = service_open(&s, &parts, &(struct service_options){
        .sched = { .max_running = 2 } }, &why);
    if (e == ERR_OK)
        service_close(s);
    return e;
}

static void opening_without_memory(void **state)
{
    static struct fake f;
    (void)state;
    fake_open(&f, &roomy);
    assert_true(alloc_fail_each(open_once, &f) >= 5);
}

/* ---- random clients on several threads ---- */

enum { PEOPLE = 4, VISITS = 60 };

struct person {
    struct house *house;
    unsigned      seed;
    size_t        n_right, n_gone;
};

/* Each looks at its own ticket from time to time instead of waiting for the
 * bell, which rings for whoever comes first. */
static void visit(struct person *p)
{
    struct reader r;
    int32_t prompt[80];
    size_t n = 1 + (size_t)rand_r(&p->seed) % 80;
    size_t most = 1 + (size_t)rand_r(&p->seed) % 60;
    struct timespec nap = { .tv_nsec = 20000 };
    int mood = rand_r(&p->seed) % 5;
    fill(prompt, n, rand_r(&p->seed) % 3);
    struct job_request q = request(prompt, n, most);
    q.principal = (uint32_t)rand_r(&p->seed) % 2;
    submit(p->house, &r, &q);
    for (int patience = rand_r(&p->seed) % 30; !r.done; patience--) {
        read_some(&r, 1 + (size_t)rand_r(&p->seed) % 9);
        if (mood == 0 && patience <= 0)
            break;
        if (mood == 1 && patience == 0)
            ticket_cancel(r.ticket);
        nanosleep(&nap, NULL);
    }
    p->n_gone += !r.done || r.reason == JOB_CANCELLED;
    if (r.done && r.reason != JOB_CANCELLED) {
        assert_true(answer_is_right(&r, prompt, n, most));
        p->n_right++;
    }
    release(&r);
}

static void *be(void *arg)
{
    for (int i = 0; i < VISITS; i++)
        visit(arg);
    return NULL;
}

static void threads_come_and_go(void **state)
{
    pthread_t thread[PEOPLE];
    struct person person[PEOPLE];
    struct fake_options tight = roomy;
    size_t n = 0;
    tight.n_blocks = 60;
    struct house *h = open_house(&(struct service_options){
        .sched = { .max_running = 3, .max_kept = 4, .chunk = 9 },
        .max_queue = 9, .max_unread = 7 }, &tight);
    (void)state;
    for (unsigned i = 0; i < PEOPLE; i++) {
        person[i] = (struct person){ .house = h, .seed = i + 1 };
        assert_int_equal(pthread_create(&thread[i], NULL, be, &person[i]), 0);
    }
    for (unsigned i = 0; i < PEOPLE; i++) {
        pthread_join(thread[i], NULL);
        n += person[i].n_right;
    }
    assert_true(n > PEOPLE * VISITS / 3);
    wait_idle(h);
    close_house(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_get_what_each_would_alone),
        cmocka_unit_test(stats_add_up),
        cmocka_unit_test(a_slow_reader_pauses_its_job_only),
        cmocka_unit_test(a_slow_reader_keeps_nobody_out),
        cmocka_unit_test(the_queue_has_an_end),
        cmocka_unit_test(refused_requests_take_no_place),
        cmocka_unit_test(deadlines_end_jobs),
        cmocka_unit_test(cancelled_jobs_say_so),
        cmocka_unit_test(tickets_outlive_the_service),
        cmocka_unit_test(a_failing_model_ends_its_jobs),
        cmocka_unit_test(an_idle_service_lives),
        cmocka_unit_test(no_memory_is_an_answer),
        cmocka_unit_test(opening_without_memory),
        cmocka_unit_test(threads_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
