/* The events of a job.
 *
 *   1. started is the first, whatever happens: at the latest right before the
 *      last one.
 *   2. Exactly one end or error, then [DONE].
 *   3. `i` counts pieces of text and `n` tokens: several tokens may make one
 *      piece (a character in parts), and some none (held back, because a stop
 *      string may begin with them).
 *   4. All texts joined are the answer, to the byte; what was cut in the middle
 *      of a character ends in U+FFFD. */
#include "routes/worker_stream.h"

#include "serve/server.h"
#include "serve/stamp.h"
#include <stdio.h>

static void send(struct call *c, struct strbuf *event)
{
    call_stream_data(c, event);
    strbuf_drop(event);
}

struct worker_stream *worker_stream_open(struct call *c, const char *job_id,
                                         const struct slice *stops,
                                         size_t n_stops)
{
    struct worker_stream *w = arena_zero(&c->arena, 1, sizeof *w);

    if (w == NULL) {
        call_refuse(c, REFUSE_INSUFFICIENT_RESOURCES, NULL, "out of memory");
        return NULL;
    }
    *w = (struct worker_stream){ .job_id = job_id, .stops = stops,
                                 .n_stops = n_stops };
    call_stream_open(c);
    return w;
}

static void send_started(struct call *c, struct worker_stream *w)
{
    struct strbuf event = { 0 };
    char now[STAMP_SIZE];

    if (w->started)
        return;
    w->started = true;
    stamp_now(now);
    strbuf_puts(&event, "{\"type\":\"started\",\"job_id\":");
    json_put_string(&event, slice_of(w->job_id));
    strbuf_puts(&event, ",\"model\":");
    json_put_string(&event, slice_of(server_options(c->server)->model_ref));
    strbuf_printf(&event, ",\"started_at\":\"%s\"}", now);
    send(c, &event);
}

/* What a person may be told who watches the stream: the contract's own words for
 * who does what.  `human` is plain ASCII of at most 100 characters. */
static void send_narration(struct call *c, const struct worker_stream *w,
                           const char *action, const char *human)
{
    struct strbuf event = { 0 };

    strbuf_printf(&event, "{\"type\":\"narration\",\"actor\":\"\U0001F41D "
                  "llm-worker-rbee\",\"action\":\"%s\",\"target\":\"%s\","
                  "\"human\":\"%s\",\"correlation_id\":\"%s\",\"job_id\":"
                  "\"%s\"}", action, w->job_id, human, c->id, w->job_id);
    send(c, &event);
}

static void send_text(struct call *c, struct worker_stream *w,
                      struct slice text)
{
    struct strbuf event = { 0 };

    if (text.len == 0)
        return;
    strbuf_puts(&event, "{\"type\":\"token\",\"t\":");
    json_put_string(&event, text);
    strbuf_printf(&event, ",\"i\":%zu,\"n\":%zu}", w->n_pieces++, w->n_tokens);
    send(c, &event);
}

const char *worker_stop_reason(const struct piece *end)
{
    if (end->reason == JOB_LENGTH)
        return "MAX_TOKENS";
    return end->stop >= 0 ? "STOP_SEQUENCE" : "EOS";
}

const char *worker_error_code(const struct piece *end)
{
    if (end->reason != JOB_ERROR)
        return end->reason == JOB_TIMEOUT ? "TIMEOUT" : "CANCELLED";
    switch (end->error->code) {
    case ERR_NUMBER: return "NON_FINITE_LOGITS";
    case ERR_IO:     return "MODEL_FILE_CHANGED";
    case ERR_NOMEM:  return "VRAM_OOM";
    case ERR_LIMIT:  return "CONTEXT_EXCEEDED";
    default:         return "INFERENCE_FAILED";
    }
}

static const char *error_message(const struct piece *end)
{
    switch (end->reason) {
    case JOB_CANCELLED: return "request cancelled by client";
    case JOB_TIMEOUT:   return "the inference took longer than is allowed";
    default:            return end->error->text;
    }
}

static void send_error(struct call *c, const char *code, const char *message)
{
    struct strbuf event = { 0 };

    strbuf_printf(&event, "{\"type\":\"error\",\"code\":\"%s\",\"message\":",
                  code);
    json_put_string(&event, slice_of(message));
    strbuf_putc(&event, '}');
    send(c, &event);
}

static void send_metrics(struct call *c, const struct job_usage *u)
{
    struct strbuf event = { 0 };
    double per_s = u->decode_ms > 0
        ? 1e3 * (double)u->n_output / u->decode_ms : 0;

    strbuf_puts(&event, "{\"type\":\"metrics\",\"tokens_per_sec\":");
    json_put_float(&event, (float)per_s);
    strbuf_puts(&event, ",\"vram_bytes\":0}");
    send(c, &event);
}

static void send_end(struct call *c, const struct worker_stream *w,
                     const struct piece *end)
{
    struct strbuf event = { 0 };
    char human[100];

    snprintf(human, sizeof human, "Generated %zu tokens in %.0f ms",
             end->usage->n_output, end->usage->decode_ms);
    send_narration(c, w, "inference_complete", human);
    send_metrics(c, end->usage);
    strbuf_printf(&event, "{\"type\":\"end\",\"tokens_out\":%zu,"
                  "\"decode_time_ms\":%.0f,\"stop_reason\":\"%s\"",
                  end->usage->n_output, end->usage->decode_ms,
                  worker_stop_reason(end));
    if (end->reason == JOB_STOP && end->stop >= 0
        && (size_t)end->stop < w->n_stops) {
        strbuf_puts(&event, ",\"stop_sequence_matched\":");
        json_put_string(&event, w->stops[end->stop]);
    }
    strbuf_putc(&event, '}');
    send(c, &event);
}

void worker_stream_piece(struct call *c, void *arg, const struct piece *piece)
{
    struct worker_stream *w = arg;

    send_started(c, w);
    if (piece->kind == PIECE_STARTED)
        send_narration(c, w, "inference_start", "Reading the prompt");
    if (piece->kind == PIECE_TOKEN)
        w->n_tokens = piece->n_output;
    if (piece->kind == PIECE_TOKEN || piece->kind == PIECE_END)
        send_text(c, w, piece->text);
    if (piece->kind != PIECE_END)
        return;
    if (piece->reason == JOB_STOP || piece->reason == JOB_LENGTH)
        send_end(c, w, piece);
    else
        send_error(c, worker_error_code(piece), error_message(piece));
    call_stream_end(c);
}

void worker_stream_cancelled(struct call *c, struct worker_stream *w)
{
    send_started(c, w);
    send_error(c, "CANCELLED", "request cancelled by client");
    call_stream_end(c);
}
