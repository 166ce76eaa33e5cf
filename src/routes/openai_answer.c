/* The OpenAI routes behind the form: jobs, pieces, replies, streams.
 *
 * A whole reply and a stream are made of the same parts.  Each choice gathers
 * text and log-probabilities; a stream sends and empties what was gathered
 * after every piece, a whole reply once at the end.  So what the two say
 * cannot differ, and a test compares them.
 *
 * A choice that fails ends the answer: half of what was asked for, with an
 * error beside it, is a shape that no client knows. */
#include "routes/openai_answer.h"

#include "serve/run.h"
#include "serve/stamp.h"
#include <stdio.h>
#include <sys/random.h>
#include <time.h>

/* ---- its life ---- */

static void wipe_ids(struct tok_ids *ids)
{
    if (ids->at != NULL)
        explicit_bzero(ids->at, ids->cap * sizeof *ids->at);
    tok_ids_drop(ids);
}

static void wipe_text(struct strbuf *b)
{
    if (b->at != NULL)
        explicit_bzero(b->at, b->cap);
    strbuf_drop(b);
}

static void drop_answer(void *arg)
{
    struct answer *a = arg;
    for (size_t i = 0; i < a->n_prompts; i++)
        wipe_ids(&a->prompt[i]);
    for (size_t i = 0; i < a->n_choices; i++) {
        struct choice *ch = &a->choice[i];
        think_drop(&ch->think);
        wipe_text(&ch->text.content);
        wipe_text(&ch->text.reasoning);
        openai_drop_logprobs(&ch->logprobs);
    }
}

static void name_answer(struct answer *a)
{
    char uuid[UUID_SIZE];
    stamp_uuid(uuid);
    snprintf(a->id, sizeof a->id, "%s%s", openai_shapes[a->form.kind].id, uuid);
    a->created = (long long)time(NULL);
}

/* ---- refusals ---- */

/* As the others, with the two numbers that routers look for. */
static void refuse_context(struct call *c, const struct answer_refusal *r)
{
    struct strbuf body = { 0 };
    strbuf_puts(&body, "{\"error\":{\"message\":");
    json_put_string(&body, slice_of(r->why.text));
    strbuf_printf(&body, ",\"type\":\"invalid_request_error\",\"param\":\"%s\","
                  "\"code\":\"context_length_exceeded\","
                  "\"n_prompt_tokens\":%zu,\"n_ctx\":%zu}}", r->param,
                  r->n_prompt, r->n_ctx);
    call_reply_json(c, 400, &body);
    strbuf_drop(&body);
}

static void refuse(struct call *c, const struct answer_refusal *r)
{
    if (r->code == REFUSE_CONTEXT_LENGTH_EXCEEDED)
        refuse_context(c, r);
    else
        call_refuse(c, r->code, r->param, "%s", r->why.text);
}

/* ---- what is written ---- */

static void put_head(struct strbuf *out, const struct answer *a,
                     const char *object)
{
    strbuf_printf(out, "{\"id\":\"%s\",\"object\":\"%s\",\"created\":%lld,"
                  "\"model\":", a->id, object, a->created);
    json_put_string(out, slice_of(server_options(a->call->server)->model_name));
}

static void put_member(struct strbuf *out, const char *name,
                       const struct strbuf *text)
{
    strbuf_puts(out, name);
    json_put_string(out, strbuf_slice(text));
    out->failed |= text->failed;
}

/* A message as a whole, or what a stream adds to one. */
static void put_message(struct strbuf *out, struct choice *ch)
{
    strbuf_puts(out, ",\"message\":{\"role\":\"assistant\"");
    put_member(out, ",\"content\":", &ch->text.content);
    strbuf_puts(out, ",\"refusal\":null");
    if (ch->answer->begins != THINK_OUTSIDE)
        put_member(out, ",\"reasoning_content\":", &ch->text.reasoning);
    strbuf_putc(out, '}');
}

static void put_delta(struct strbuf *out, struct choice *ch)
{
    const struct answer_text *t = &ch->text;
    const char *comma = "";
    strbuf_puts(out, ",\"delta\":{");
    if (t->reasoning.len > 0) {
        put_member(out, "\"reasoning_content\":", &t->reasoning);
        comma = ",";
    }
    if (t->content.len > 0 || (ch->logprobs.n > 0 && t->reasoning.len == 0)) {
        strbuf_puts(out, comma);
        put_member(out, "\"content\":", &t->content);
    }
    out->failed |= t->content.failed || t->reasoning.failed;
    strbuf_putc(out, '}');
}

/* One choice; `fields` writes its text. */
typedef void put_fields(struct strbuf *out, struct choice *ch);

static void put_text(struct strbuf *out, struct choice *ch)
{
    put_member(out, ",\"text\":", &ch->text.content);
}

static void put_choice(struct strbuf *out, struct choice *ch,
                       put_fields *fields)
{
    strbuf_printf(out, "{\"index\":%zu", ch->index);
    fields(out, ch);
    strbuf_puts(out, ",\"logprobs\":");
    openai_put_logprobs(out, &ch->logprobs, ch->answer->form.kind);
    if (!ch->done) {
        strbuf_puts(out, ",\"finish_reason\":null}");
        return;
    }
    strbuf_printf(out, ",\"finish_reason\":\"%s\"", openai_finish(ch->reason));
    openai_put_stop_reason(out, ch->reason);
    strbuf_putc(out, '}');
}

/* A prompt is counted once, however many choices it has. */
static void put_usage(struct strbuf *out, const struct answer *a)
{
    struct openai_usage u = { 0 };
    for (size_t i = 0; i < a->n_choices; i++) {
        const struct choice *ch = &a->choice[i];
        u.n_output += ch->usage.n_output;
        u.n_reasoning += ch->n_reasoning;
        if (i % a->form.n != 0)
            continue;
        u.n_prompt += ch->usage.n_prompt;
        u.n_cached += ch->usage.n_cached;
    }
    openai_put_usage(out, &u);
}

/* ---- a whole reply ---- */

static void reply(struct answer *a)
{
    struct strbuf body = { 0 };
    bool is_chat = a->form.kind == OPENAI_CHAT;
    put_head(&body, a, openai_shapes[a->form.kind].whole);
    strbuf_puts(&body, ",\"choices\":[");
    for (size_t i = 0; i < a->n_choices; i++) {
        strbuf_puts(&body, i > 0 ? "," : "");
        put_choice(&body, &a->choice[i], is_chat ? put_message : put_text);
    }
    strbuf_puts(&body, "],\"usage\":");
    put_usage(&body, a);
    strbuf_putc(&body, '}');
    call_reply_json(a->call, 200, &body);
    strbuf_drop(&body);
}

/* ---- a stream ---- */

static void put_tail(struct strbuf *out, const struct answer *a)
{
    strbuf_puts(out, a->form.include_usage ? "],\"usage\":null}" : "]}");
}

/* What has been gathered since the last event. */
static void send_choice(struct choice *ch)
{
    struct answer *a = ch->answer;
    struct strbuf data = { 0 };
    put_head(&data, a, openai_shapes[a->form.kind].chunk);
    strbuf_puts(&data, ",\"choices\":[");
    put_choice(&data, ch, a->form.kind == OPENAI_CHAT ? put_delta : put_text);
    put_tail(&data, a);
    strbuf_clear(&ch->text.content);
    strbuf_clear(&ch->text.reasoning);
    call_stream_data(a->call, &data);
    strbuf_drop(&data);
}

static void send_role(struct choice *ch)
{
    struct answer *a = ch->answer;
    struct strbuf data = { 0 };
    put_head(&data, a, openai_shapes[OPENAI_CHAT].chunk);
    strbuf_printf(&data, ",\"choices\":[{\"index\":%zu,\"delta\":{\"role\":"
                  "\"assistant\",\"content\":\"\"},\"logprobs\":null,"
                  "\"finish_reason\":null}", ch->index);
    put_tail(&data, a);
    call_stream_data(a->call, &data);
    strbuf_drop(&data);
}

static void end_stream(struct answer *a)
{
    struct strbuf data = { 0 };
    if (a->form.include_usage) {
        put_head(&data, a, openai_shapes[a->form.kind].chunk);
        strbuf_puts(&data, ",\"choices\":[],\"usage\":");
        put_usage(&data, a);
        strbuf_putc(&data, '}');
        call_stream_data(a->call, &data);
    }
    strbuf_drop(&data);
    call_stream_end(a->call);
}

/* ---- pieces ---- */

static void take_text(struct choice *ch, struct slice text, bool is_last)
{
    struct answer_text *t = &ch->text;
    think_push(&ch->think, text, &t->reasoning, &t->content);
    if (is_last)
        think_end(&ch->think, &t->reasoning, &t->content);
}

static void take_token(struct choice *ch, const struct piece *piece)
{
    struct answer *a = ch->answer;
    ch->n_reasoning += ch->think.state == THINK_INSIDE;
    take_text(ch, piece->text, false);
    if (a->form.logprobs)
        openai_add_logprobs(&ch->logprobs, a->form.kind,
                            engine_tokenizer(a->engine), piece->token);
    if (a->form.stream && (ch->text.content.len + ch->text.reasoning.len > 0
                           || ch->logprobs.n > 0))
        send_choice(ch);
}

/* One choice that cannot be computed ends the answer as a whole. */
static void fail_answer(struct answer *a, const struct piece *piece)
{
    call_refuse_why(a->call, NULL, piece->error);
    if (a->form.stream)
        call_stream_end(a->call);
}

/* The time was over before there was anything to show. */
static bool is_empty_handed(const struct answer *a)
{
    bool late = false;
    for (size_t i = 0; i < a->n_choices; i++) {
        if (a->choice[i].usage.n_output > 0)
            return false;
        late |= a->choice[i].reason == JOB_TIMEOUT;
    }
    return late;
}

static void end_choice(struct choice *ch, const struct piece *piece)
{
    struct answer *a = ch->answer;
    if (piece->reason == JOB_ERROR) {
        fail_answer(a, piece);
        return;
    }
    take_text(ch, piece->text, true);
    ch->done = true;
    ch->reason = piece->reason;
    ch->usage = *piece->usage;
    if (a->form.stream)
        send_choice(ch);
    if (++a->n_done < a->n_choices)
        return;
    if (a->form.stream)
        end_stream(a);
    else if (is_empty_handed(a))
        call_refuse(a->call, REFUSE_INFERENCE_TIMEOUT, NULL, "not a token "
                    "could be computed within the time that one inference has");
    else
        reply(a);
}

static void on_piece(struct call *c, void *arg, const struct piece *piece)
{
    struct choice *ch = arg;
    (void)c;
    switch (piece->kind) {
    case PIECE_STARTED:
        if (ch->answer->form.stream && ch->answer->form.kind == OPENAI_CHAT)
            send_role(ch);
        break;
    case PIECE_TOKEN:
        take_token(ch, piece);
        break;
    case PIECE_END:
        end_choice(ch, piece);
        break;
    case PIECE_NONE:
        break;
    }
}

/* ---- jobs ---- */

/* Choices of one seed are to differ, and each to be the same every time. */
static uint64_t seed_of(const struct answer *a, size_t index)
{
    uint64_t seed = 0;
    if (a->form.seed.given)
        return a->form.seed.value + index % a->form.n;
    /* Without random numbers from the system: the same answer, no harm. */
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint64_t)a->created + index;
    return seed;
}

/* In some vocabularies the marks of thoughts are special tokens, which answers do
 * not show; but by them thoughts are told apart. */
static void show_marks(struct job_request *r, const struct tokenizer *tok)
{
    const struct slice marks[] = { SLICE("<think>"), SLICE("</think>") };
    for (size_t i = 0; i < JOB_SHOWN_MAX; i++) {
        int32_t id = tok_find(tok, marks[i]);
        if (id >= 0)
            r->shown[r->n_shown++] = id;
    }
}

static struct job_request request_of(const struct choice *ch)
{
    const struct answer *a = ch->answer;
    const struct openai_form *f = &a->form;
    const struct tok_ids *prompt = &a->prompt[ch->index / f->n];
    struct sampling fallback = sampling_off();
    struct sampling s = engine_sampling_for(a->engine, &f->asked, &fallback);
    s.seed = seed_of(a, ch->index);
    s.bias = f->bias;
    s.n_bias = f->n_bias;
    s.logprobs = f->logprobs;
    s.n_top = f->n_top;
    struct job_request r = {
        .prompt = prompt->at, .n_prompt = prompt->n,
        .max_tokens = f->max_tokens, .sampling = s, .stops = f->stop.at,
        .n_stops = f->stop.n, .ignore_eos = f->ignore_eos,
        .continues = f->kind == OPENAI_TEXT || f->continue_final_message };
    if (a->begins != THINK_OUTSIDE)
        show_marks(&r, engine_tokenizer(a->engine));
    return r;
}

/* A failure half way leaves no job behind: they end with the call. */
static enum err run_choices(struct answer *a, struct err_info *why)
{
    enum err e = ERR_OK;
    for (size_t i = 0; i < a->n_choices && e == ERR_OK; i++) {
        struct job_request r = request_of(&a->choice[i]);
        e = call_run(a->call, &r, on_piece, &a->choice[i], why);
    }
    return e;
}

static void begin(struct call *c, void *arg)
{
    struct answer *a = arg;
    struct err_info why;
    if (a->reading.ignored[0] != '\0')
        call_header(c, "x-ignored-fields", a->reading.ignored);
    if (a->refusal.refused) {
        refuse(c, &a->refusal);
        return;
    }
    name_answer(a);
    if (run_choices(a, &why) != ERR_OK)
        call_refuse_why(c, a->form.kind == OPENAI_CHAT ? "messages" : "prompt",
                        &why);
    else if (a->form.stream)
        call_stream_open(c);
}

void openai_answer(struct call *c, enum openai_kind kind)
{
    struct answer *a = arena_zero(&c->arena, 1, sizeof *a);
    if (a == NULL) {
        call_refuse(c, REFUSE_INSUFFICIENT_RESOURCES, NULL, "out of memory");
        return;
    }
    a->call = c;
    a->engine = server_engine(c->server);
    a->form.kind = kind;
    a->reading.arena = &c->arena;
    a->reading.n_ids = engine_vocab_size(a->engine);
    c->cleanup = drop_answer;
    c->cleanup_arg = a;
    call_work(c, openai_prepare, begin, a);
}
