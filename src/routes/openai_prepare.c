/* From the body to token ids: all that takes time, away from the loop.
 *
 * Rendering a template is running a program, and a prompt may have two million
 * bytes: both would hold up every other client for as long as they take.  What
 * is used here never changes (tokenizer, template, options), so no lock is
 * needed; nothing is answered from here (call_work forbids it), refusals are
 * noted. */
#include "routes/openai_answer.h"
#include "routes/openai_messages.h"

static enum err refuse(struct answer *a, enum refusal code, const char *param)
{
    a->refusal.refused = true;
    a->refusal.code = code;
    a->refusal.param = param;
    return a->refusal.why.code;
}

static enum err read_form(struct answer *a, struct call *c)
{
    struct err_info *why = &a->refusal.why;
    enum err e = openai_form_read(&a->form, &a->reading, a->form.kind, c->json,
                                  why);
    if (e == ERR_NOMEM)
        return refuse(a, REFUSE_INSUFFICIENT_RESOURCES, NULL);
    if (e != ERR_OK)
        return refuse(a, REFUSE_INVALID_REQUEST, a->reading.fault[0].field);
    return ERR_OK;
}

static enum err check_model(struct answer *a, struct call *c)
{
    const struct serve_options *o = server_options(c->server);
    struct slice name = a->form.model;
    if (o->any_model || name.len == 0 || slice_is(name, o->model_name))
        return ERR_OK;
    fail(&a->refusal.why, ERR_REQUEST, "the model \"%.*s\" is not served here, "
         "\"%s\" is", (int)(name.len < 100 ? name.len : 100), name.at,
         o->model_name);
    return refuse(a, REFUSE_MODEL_NOT_FOUND, "model");
}

/* ---- prompts ---- */

enum err openai_render(struct strbuf *out, const struct engine *e,
                       const struct openai_form *form, struct err_info *why)
{
    struct chat_request r = {
        .messages = form->messages, .documents = form->documents,
        .kwargs = form->kwargs,
        .add_generation_prompt = form->add_generation_prompt,
        .continue_final_message = form->continue_final_message };
    size_t before = out->len;
    enum err code = chat_render(engine_chat(e), &r, out, why);
    /* A message that only calls tools has null as its content.  There are
     * templates that need to see it, and templates that cannot take it. */
    if (code == ERR_REQUEST && openai_fill_contents(form->messages)) {
        out->len = before;
        code = chat_render(engine_chat(e), &r, out, why);
    }
    return code == ERR_OK && out->failed ? fail_nomem(why) : code;
}

static enum err render_chat(struct answer *a, struct err_info *why)
{
    struct strbuf text = { 0 };
    enum err e = openai_render(&text, a->engine, &a->form, why);
    if (e == ERR_OK)
        e = engine_encode_chat(a->engine, strbuf_slice(&text), &a->prompt[0],
                               why);
    a->begins = !chat_thinks(engine_chat(a->engine)) ? THINK_OUTSIDE
                : think_is_open(strbuf_slice(&text)) ? THINK_INSIDE
                                                     : THINK_START;
    strbuf_drop(&text);
    return e;
}

static enum err take_ids(struct tok_ids *to, const struct json *ids,
                         struct err_info *why)
{
    for (const struct json *v = ids->first; v != NULL; v = v->next)
        if (!tok_ids_push(to, (int32_t)v->integer.magnitude))
            return fail_nomem(why);
    return ERR_OK;
}

static enum err encode_prompts(struct answer *a, struct err_info *why)
{
    const struct json *p = a->form.prompt->first;
    enum err e = ERR_OK;
    a->begins = THINK_OUTSIDE;
    for (size_t i = 0; p != NULL && e == ERR_OK; p = p->next, i++)
        e = p->kind == JSON_STRING
            ? engine_encode_raw(a->engine, p->string, &a->prompt[i], why)
            : take_ids(&a->prompt[i], p, why);
    return e;
}

static enum err make_prompts(struct answer *a)
{
    struct err_info *why = &a->refusal.why;
    bool is_chat = a->form.kind == OPENAI_CHAT;
    size_t n = is_chat ? 1 : a->form.prompt->n;
    a->prompt = arena_zero(&a->call->arena, n, sizeof *a->prompt);
    enum err e = a->prompt == NULL ? fail_nomem(why) : ERR_OK;
    if (e == ERR_OK) {
        a->n_prompts = n;
        e = is_chat ? render_chat(a, why) : encode_prompts(a, why);
    }
    if (e == ERR_NOMEM)
        return refuse(a, REFUSE_INSUFFICIENT_RESOURCES, NULL);
    return e == ERR_OK ? ERR_OK
           : refuse(a, REFUSE_INVALID_REQUEST, is_chat ? "messages" : "prompt");
}

/* What was asked for must fit: nothing is cut without being told. */
static enum err check_context(struct answer *a)
{
    const struct runner *r = engine_runner(a->engine);
    size_t ctx = r->ctx < r->capacity ? r->ctx : r->capacity;
    size_t most = a->form.max_tokens > 0 ? a->form.max_tokens : 1;
    for (size_t i = 0; i < a->n_prompts; i++) {
        size_t n = a->prompt[i].n;
        if (n < ctx && most <= ctx - n)
            continue;
        a->refusal.n_prompt = n;
        a->refusal.n_ctx = ctx;
        if (n >= ctx)
            fail(&a->refusal.why, ERR_LIMIT, "the prompt has %zu tokens; the "
                 "context holds %zu, the answer included", n, ctx);
        else
            fail(&a->refusal.why, ERR_LIMIT, "the prompt has %zu tokens and "
                 "max_tokens is %zu, but the context holds %zu", n, most, ctx);
        return refuse(a, REFUSE_CONTEXT_LENGTH_EXCEEDED, n >= ctx
                      ? a->form.kind == OPENAI_CHAT ? "messages" : "prompt"
                      : "max_tokens");
    }
    return ERR_OK;
}

static enum err make_choices(struct answer *a)
{
    size_t n = a->n_prompts * a->form.n;
    a->choice = arena_zero(&a->call->arena, n, sizeof *a->choice);
    if (a->choice == NULL) {
        fail_nomem(&a->refusal.why);
        return refuse(a, REFUSE_INSUFFICIENT_RESOURCES, NULL);
    }
    a->n_choices = n;
    for (size_t i = 0; i < n; i++) {
        a->choice[i].answer = a;
        a->choice[i].index = i;
        think_init(&a->choice[i].think, a->begins);
    }
    return ERR_OK;
}

void openai_prepare(struct call *c, void *answer)
{
    struct answer *a = answer;
    if (read_form(a, c) == ERR_OK && check_model(a, c) == ERR_OK
        && make_prompts(a) == ERR_OK && check_context(a) == ERR_OK)
        make_choices(a);
}
