/* The pieces of JSON that are the same in replies and streams.  Written by hand
 * and not from a tree: a stream writes one for each token, and the order of
 * members is part of what people see. */
#include "routes/openai_write.h"

#include "base/json.h"
#include "base/utf8.h"

const struct openai_shape openai_shapes[] = {
    [OPENAI_CHAT] = { "chatcmpl-", "chat.completion", "chat.completion.chunk" },
    [OPENAI_TEXT] = { "cmpl-", "text_completion", "text_completion" },
};

const char *openai_finish(enum job_reason reason)
{
    return reason == JOB_LENGTH ? "length" : "stop";
}

void openai_put_stop_reason(struct strbuf *out, enum job_reason reason)
{
    if (reason == JOB_CANCELLED || reason == JOB_TIMEOUT)
        strbuf_printf(out, ",\"stop_reason\":\"%s\"", job_reason_name(reason));
}

void openai_put_usage(struct strbuf *out, const struct openai_usage *u)
{
    strbuf_printf(out, "{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,"
                  "\"total_tokens\":%zu,"
                  "\"prompt_tokens_details\":{\"cached_tokens\":%zu},"
                  "\"completion_tokens_details\":{\"reasoning_tokens\":%zu}}",
                  u->n_prompt, u->n_output, u->n_prompt + u->n_output,
                  u->n_cached, u->n_reasoning);
}

/* ---- log-probabilities ---- */

/* A token's text as a JSON string.  With `named` half a character is told by
 * its bytes, so that no two tokens look alike. */
static void put_token(struct strbuf *out, struct slice text, bool named)
{
    if (!named || utf8_valid_prefix(text) == text.len) {
        json_put_string(out, text);
        return;
    }
    strbuf_puts(out, "\"bytes:");
    for (size_t i = 0; i < text.len; i++)
        strbuf_printf(out, "\\\\x%02x", (unsigned char)text.at[i]);
    strbuf_putc(out, '"');
}

static void put_bytes(struct strbuf *out, struct slice text)
{
    strbuf_puts(out, ",\"bytes\":[");
    for (size_t i = 0; i < text.len; i++)
        strbuf_printf(out, "%s%u", i > 0 ? "," : "",
                      (unsigned char)text.at[i]);
    strbuf_putc(out, ']');
}

/* {"token":"a","logprob":-0.1,"bytes":[97]  and the caller closes it */
static void put_chat_token(struct strbuf *out, const struct tokenizer *tok,
                           int32_t id, float logprob)
{
    struct strbuf text = { 0 };
    tok_piece(tok, id, &text);
    strbuf_puts(out, "{\"token\":");
    put_token(out, strbuf_slice(&text), false);
    strbuf_puts(out, ",\"logprob\":");
    json_put_float(out, logprob);
    put_bytes(out, strbuf_slice(&text));
    out->failed |= text.failed;
    strbuf_drop(&text);
}

static void add_chat(struct openai_logprobs *l, const struct tokenizer *tok,
                     const struct sample *s)
{
    struct strbuf *out = &l->tokens;
    if (l->n > 0)
        strbuf_putc(out, ',');
    put_chat_token(out, tok, s->id, s->logprob);
    strbuf_puts(out, ",\"top_logprobs\":[");
    for (uint32_t i = 0; i < s->n_top; i++) {
        if (i > 0)
            strbuf_putc(out, ',');
        put_chat_token(out, tok, s->top[i].id, s->top[i].logprob);
        strbuf_putc(out, '}');
    }
    strbuf_puts(out, "]}");
}

static void put_named(struct strbuf *out, const struct tokenizer *tok,
                      int32_t id)
{
    struct strbuf text = { 0 };
    tok_piece(tok, id, &text);
    put_token(out, strbuf_slice(&text), true);
    out->failed |= text.failed;
    strbuf_drop(&text);
}

static void put_top(struct strbuf *out, const struct tokenizer *tok,
                    const struct top_logprob *top, bool first)
{
    strbuf_puts(out, first ? "" : ",");
    put_named(out, tok, top->id);
    strbuf_putc(out, ':');
    json_put_float(out, top->logprob);
}

/* The best, and the one that was drawn where it is none of them: so there are up
 * to one more than were asked for, as the API says. */
static void put_tops(struct strbuf *out, const char *comma,
                     const struct tokenizer *tok, const struct sample *s)
{
    struct top_logprob drawn = { .id = s->id, .logprob = s->logprob };
    bool found = false;
    strbuf_printf(out, "%s{", comma);
    for (uint32_t i = 0; i < s->n_top; i++) {
        put_top(out, tok, &s->top[i], i == 0);
        found |= s->top[i].id == s->id;
    }
    if (!found)
        put_top(out, tok, &drawn, s->n_top == 0);
    strbuf_putc(out, '}');
}

static size_t count_characters(const struct tokenizer *tok, int32_t id)
{
    struct strbuf text = { 0 };
    size_t n = 0;
    tok_piece(tok, id, &text);
    for (size_t i = 0; i < text.len; i++)
        n += ((unsigned char)text.at[i] & 0xC0) != 0x80;
    strbuf_drop(&text);
    return n;
}

static void add_text(struct openai_logprobs *l, const struct tokenizer *tok,
                     const struct sample *s)
{
    const char *comma = l->n > 0 ? "," : "";
    strbuf_puts(&l->tokens, comma);
    put_named(&l->tokens, tok, s->id);
    strbuf_puts(&l->values, comma);
    json_put_float(&l->values, s->logprob);
    put_tops(&l->tops, comma, tok, s);
    strbuf_printf(&l->offsets, "%s%zu", comma, l->offset);
    l->offset += count_characters(tok, s->id);
}

void openai_add_logprobs(struct openai_logprobs *l, enum openai_kind kind,
                         const struct tokenizer *tok, const struct sample *s)
{
    if (kind == OPENAI_CHAT)
        add_chat(l, tok, s);
    else
        add_text(l, tok, s);
    l->n++;
}

static void put_list(struct strbuf *out, const char *before,
                     struct strbuf *list)
{
    strbuf_puts(out, before);
    strbuf_put(out, strbuf_slice(list));
    strbuf_putc(out, ']');
    out->failed |= list->failed;
    strbuf_clear(list);
}

void openai_put_logprobs(struct strbuf *out, struct openai_logprobs *l,
                         enum openai_kind kind)
{
    if (l->n == 0) {
        strbuf_puts(out, "null");
        return;
    }
    if (kind == OPENAI_CHAT) {
        put_list(out, "{\"content\":[", &l->tokens);
        strbuf_puts(out, ",\"refusal\":null}");
    } else {
        put_list(out, "{\"tokens\":[", &l->tokens);
        put_list(out, ",\"token_logprobs\":[", &l->values);
        put_list(out, ",\"top_logprobs\":[", &l->tops);
        put_list(out, ",\"text_offset\":[", &l->offsets);
        strbuf_putc(out, '}');
    }
    l->n = 0;
}

void openai_drop_logprobs(struct openai_logprobs *l)
{
    strbuf_drop(&l->tokens);
    strbuf_drop(&l->values);
    strbuf_drop(&l->tops);
    strbuf_drop(&l->offsets);
}
