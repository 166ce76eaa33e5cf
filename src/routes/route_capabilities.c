/* GET /v1/capabilities: what the loaded model and this worker can do. */
#include "nn/config.h"
#include "routes/model_facts.h"
#include "routes/route_table.h"
#include "serve/call.h"
#include "serve/server.h"

static void put_model(struct strbuf *out, const struct engine *e)
{
    const struct config *cfg = model_config(engine_model(e));
    struct model_facts f = model_facts(e);
    const char *type = f.type->name;

    strbuf_puts(out, "\"architecture_family\":");
    json_put_string(out, engine_architecture(e));
    strbuf_printf(out, ",\"max_context_length\":%u,\"vocab_size\":%zu,"
                  "\"parameters\":%llu,\"is_quantized\":%s,"
                  "\"quantization_type\":\"%s\",\"dtype\":\"%s\","
                  "\"supported_dtypes\":[\"%s\"],\"tokenizer_kind\":\"%s\"",
                  engine_ctx(e), engine_vocab_size(e),
                  (unsigned long long)f.n_parameters,
                  f.is_quantized ? "true" : "false", type, type, type,
                  f.tokenizer);
    strbuf_printf(out, ",\"is_moe\":%s,\"num_experts\":%u,"
                  "\"experts_per_token\":%u",
                  cfg->router.n_expert > 0 ? "true" : "false",
                  cfg->router.n_expert, cfg->router.n_used);
}

static void put_worker(struct strbuf *out, const struct serve_options *o)
{
    strbuf_printf(out, ",\"uses_position\":true,\"supports_cache_reset\":true,"
                  "\"supports_streaming\":true,\"supports_batching\":true,"
                  "\"supports_flash_attention\":true,"
                  "\"supports_rope_scaling\":true,"
                  "\"queue\":{\"max_jobs\":%zu,\"max_queue\":%zu},"
                  "\"limits\":{\"max_tokens_out\":%zu,\"max_body_bytes\":%zu,"
                  "\"inference_timeout_sec\":%u},\"request_fields\":["
                  "\"prompt\",\"max_tokens\",\"temperature\",\"seed\","
                  "\"top_p\",\"top_k\",\"repetition_penalty\","
                  "\"repeat_last_n\",\"min_p\",\"stop\",\"truncate\"]",
                  o->max_jobs, o->max_queue, o->max_tokens_out, o->max_body,
                  o->timeout_s);
}

static void handle(struct call *c)
{
    struct strbuf body = { 0 };

    strbuf_putc(&body, '{');
    put_model(&body, server_engine(c->server));
    put_worker(&body, server_options(c->server));
    strbuf_putc(&body, '}');
    call_reply_json(c, 200, &body);
    strbuf_drop(&body);
}

const struct route route_capabilities = {
    .method = "GET", .paths = { "/v1/capabilities" }, .auth = ROUTE_TOKEN,
    .when = ROUTE_LOADED, .handle = handle,
};
