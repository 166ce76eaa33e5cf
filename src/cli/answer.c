#include "cli/answer.h"
#include "base/json.h"

#include <stdio.h>
#include <sys/resource.h>

static void put_logprobs(struct strbuf *out, const struct sample *s)
{
    strbuf_puts(out, out->len > 0 ? ", {\"logprob\": " : "{\"logprob\": ");
    json_put_float(out, s->logprob);
    strbuf_puts(out, ", \"top\": [");
    for (uint32_t i = 0; i < s->n_top; i++) {
        strbuf_printf(out, "%s[%d, ", i > 0 ? ", " : "", s->top[i].id);
        json_put_float(out, s->top[i].logprob);
        strbuf_putc(out, ']');
    }
    strbuf_puts(out, "]}");
}

static void take_text(struct answer *a, struct slice text)
{
    if (text.len == 0)
        return;
    if (!a->stream) {
        strbuf_put(&a->text, text);
        return;
    }
    fwrite(text.at, 1, text.len, stdout);
    fflush(stdout);
    a->last_byte = text.at[text.len - 1];
}

void answer_event(void *arg, const struct job_event *ev)
{
    struct answer *a = arg;

    take_text(a, ev->text);
    if (!ev->done) {
        strbuf_printf(&a->ids, "%s%d", a->ids.len > 0 ? ", " : "",
                      ev->token->id);
        if (a->wants_logprobs)
            put_logprobs(&a->logprobs, ev->token);
        return;
    }
    a->done = true;
    a->reason = ev->reason;
    a->usage = *ev->usage;
    if (ev->reason == JOB_ERROR)
        a->error = *ev->error;
}

void answer_drop(struct answer *a)
{
    strbuf_drop(&a->text);
    strbuf_drop(&a->ids);
    strbuf_drop(&a->logprobs);
}

static void put_ms(struct strbuf *out, const char *name, double ms)
{
    strbuf_printf(out, "\"%s\": %.3f", name, ms);
}

void answer_put_json(struct strbuf *out, const struct answer *a)
{
    const struct job_usage *u = &a->usage;

    strbuf_puts(out, "{\"text\": ");
    json_put_string(out, strbuf_slice(&a->text));
    strbuf_printf(out, ", \"finish_reason\": \"%s\"",
                  job_reason_name(a->reason));
    strbuf_printf(out, ", \"prompt_tokens\": %zu, \"completion_tokens\": %zu",
                  u->n_prompt, u->n_output);
    strbuf_puts(out, ", \"tokens\": [");
    strbuf_put(out, strbuf_slice(&a->ids));
    strbuf_putc(out, ']');
    if (a->wants_logprobs) {
        strbuf_puts(out, ", \"logprobs\": [");
        strbuf_put(out, strbuf_slice(&a->logprobs));
        strbuf_putc(out, ']');
    }
    strbuf_puts(out, ", \"timings\": {");
    put_ms(out, "load_ms", a->load_ms);
    strbuf_puts(out, ", ");
    put_ms(out, "prefill_ms", u->prefill_ms);
    strbuf_puts(out, ", ");
    put_ms(out, "first_token_ms", u->first_token_ms);
    strbuf_puts(out, ", ");
    put_ms(out, "decode_ms", u->decode_ms);
    strbuf_puts(out, "}}");
    out->failed |= a->text.failed || a->ids.failed || a->logprobs.failed;
}

static double per_second(size_t n, double ms)
{
    return ms > 0 ? (double)n * 1e3 / ms : 0;
}

void answer_print_stats(const struct answer *a, const struct sampling *used)
{
    const struct job_usage *u = &a->usage;
    struct rusage r;
    size_t n_run = u->n_prompt - u->n_cached;
    size_t n_decoded = u->n_output > 0 ? u->n_output - 1 : 0;

    getrusage(RUSAGE_SELF, &r);
    fprintf(stderr, "osmia: prompt %zu tokens, %.1f tok/s; generated %zu "
            "tokens, %.1f tok/s; first token %.0f ms; peak memory %.0f MB; ",
            u->n_prompt, per_second(n_run, u->prefill_ms), u->n_output,
            per_second(n_decoded, u->decode_ms), u->first_token_ms,
            (double)r.ru_maxrss / 1024);
    if (used->temperature <= 0) {
        fputs("greedy\n", stderr);
        return;
    }
    fprintf(stderr, "temperature %g, top-k %u, top-p %g, min-p %g, "
            "repetition penalty %g, seed %llu\n", (double)used->temperature,
            used->top_k, (double)used->top_p, (double)used->min_p,
            (double)used->repetition_penalty, (unsigned long long)used->seed);
}
