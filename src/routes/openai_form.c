/* What the two completions understand.
 *
 * A field is in one of four states, and each is a reader: honoured; known and
 * without effect here (field_ignored: who sends "user" or "store" loses
 * nothing); known but not offered (field_neutral: an answer without it would
 * be another than was asked for, so it is refused, but for values that ask for
 * nothing); or in no table, and then named in the reply's header.  So to offer
 * something new is to give its row another reader. */
#include "routes/openai_form.h"

#include "routes/openai_messages.h"
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#define AT(member) offsetof(struct openai_form, member)

/* ---- readers of this form's own ---- */

/* An id as a member's name: decimal, no sign, no zeros in front. */
static bool read_id(struct slice name, size_t n_ids, int32_t *id)
{
    uint64_t value = 0;
    if (name.len == 0 || name.len > 10 || (name.len > 1 && name.at[0] == '0'))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] < '0' || name.at[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(name.at[i] - '0');
    }
    *id = (int32_t)value;
    return value < n_ids;
}

static void read_bias(struct reading *r, const struct field *f,
                      const struct json *v)
{
    struct openai_form *form = r->form;
    if (v->kind != JSON_OBJECT) {
        fault_add(r, f->name, "object", "%s must be an object of ids and "
                  "numbers, not %s", f->name, json_kind_name(v->kind));
        return;
    }
    form->bias = arena_zero(r->arena, v->n + 1, sizeof *form->bias);
    if (form->bias == NULL) {
        r->no_memory = true;
        return;
    }
    for (const struct json *m = v->first; m != NULL; m = m->next) {
        struct logit_bias *b = &form->bias[form->n_bias];
        if (!read_id(m->key, r->n_ids, &b->id))
            fault_add(r, f->name, "token_id", "%s: a name is no token id below "
                      "%zu", f->name, r->n_ids);
        else if ((m->kind != JSON_INT && m->kind != JSON_FLOAT)
                 || !(m->number >= -100 && m->number <= 100))
            fault_add(r, f->name, "range(-100.0..=100.0)", "%s of token %d "
                      "must be a number from -100 to 100", f->name,
                      (int)b->id);
        else
            form->n_bias++, b->bias = (float)m->number;
    }
}

/* Of a completion: the number of alternatives says that they are wanted. */
static void read_logprobs_count(struct reading *r, const struct field *f,
                                const struct json *v)
{
    struct openai_form *form = r->form;
    size_t before = r->n_faults;
    if (v->kind == JSON_BOOL && !v->boolean)
        return;
    field_u32(r, f, v);
    form->logprobs = r->n_faults == before;
}

static void read_stream_options(struct reading *r, const struct field *f,
                                const struct json *v)
{
    struct openai_form *form = r->form;
    const struct json *usage = json_get(v, "include_usage");
    if (v->kind != JSON_OBJECT)
        fault_add(r, f->name, "object", "%s must be an object, not %s", f->name,
                  json_kind_name(v->kind));
    else if (usage != NULL && usage->kind != JSON_BOOL
             && usage->kind != JSON_NULL)
        fault_add(r, "stream_options.include_usage", "boolean",
                  "stream_options.include_usage must be true or false, not %s",
                  json_kind_name(usage->kind));
    else
        form->include_usage = usage != NULL && usage->boolean;
}

static void read_object(struct reading *r, const struct field *f,
                        const struct json *v)
{
    if (v->kind == JSON_OBJECT)
        field_json(r, f, v);
    else
        fault_add(r, f->name, "object", "%s must be an object, not %s", f->name,
                  json_kind_name(v->kind));
}

static void read_array(struct reading *r, const struct field *f,
                       const struct json *v)
{
    if (v->kind == JSON_ARRAY)
        field_json(r, f, v);
    else
        fault_add(r, f->name, "array", "%s must be an array, not %s", f->name,
                  json_kind_name(v->kind));
}

/* {"type": "text"} asks for what is done anyway. */
static void read_response_format(struct reading *r, const struct field *f,
                                 const struct json *v)
{
    const struct json *type = json_get(v, "type");
    if (!json_is(type, JSON_STRING) || !slice_is(type->string, "text"))
        fault_add(r, "response_format", "not_offered", "%s other than "
                  "{\"type\": \"text\"} is not offered by this server",
                  f->name);
}

/* Without tools there is nothing to choose. */
static void read_tool_choice(struct reading *r, const struct field *f,
                             const struct json *v)
{
    if (v->kind != JSON_STRING || (!slice_is(v->string, "none")
                                   && !slice_is(v->string, "auto")))
        fault_add(r, f->name, "not_offered", "%s other than \"none\" and "
                  "\"auto\" is not offered by this server", f->name);
}

static void read_only_text(struct reading *r, const struct field *f,
                           const struct json *v)
{
    const struct json *one = json_at(v, 0);
    if (v->kind != JSON_ARRAY || v->n != 1 || !json_is(one, JSON_STRING)
        || !slice_is(one->string, "text"))
        fault_add(r, f->name, "not_offered", "%s other than [\"text\"] is not "
                  "offered by this server", f->name);
}

/* ---- the tables ---- */

/* What both routes take.  repeat_last_n and the others have the sampler's own
 * ranges. */
static const struct field shared_table[] = {
#define X(id, type, name, off, low, high)                                     \
    { #name, field_sample_##type, SAMPLING_##id, low, high, false },
    SAMPLING_LIST(X)
#undef X
    { "model",          field_text, AT(model), 0, 512, false },
    { "n",              field_u32, AT(n), 1, OPENAI_N_MAX, false },
    { "max_tokens",     field_u32, AT(max_tokens), 1, UINT32_MAX, false },
    { "seed",           field_u64, AT(seed), 0, 0, false },
    { "stop",           field_texts, AT(stop), 0, 16, false },
    { "logit_bias",     read_bias, 0, 0, 0, false },
    { "ignore_eos",     field_bool, AT(ignore_eos), 0, 0, false },
    { "stream",         field_bool, AT(stream), 0, 0, false },
    { "stream_options", read_stream_options, 0, 0, 0, false },
    { "response_format", read_response_format, 0, 0, 0, false },

    { "user",              field_ignored, 0, 0, 0, false },
    { "store",             field_ignored, 0, 0, 0, false },
    { "metadata",          field_ignored, 0, 0, 0, false },
    { "service_tier",      field_ignored, 0, 0, 0, false },
    { "prompt_cache_key",  field_ignored, 0, 0, 0, false },
    { "safety_identifier", field_ignored, 0, 0, 0, false },

    { "grammar",        field_neutral, 0, 0, 0, false },
    { "json_schema",    field_neutral, 0, 0, 0, false },
    { "guided_json",    field_neutral, 0, 0, 0, false },
    { "guided_regex",   field_neutral, 0, 0, 0, false },
    { "guided_choice",  field_neutral, 0, 0, 0, false },
    { "guided_grammar", field_neutral, 0, 0, 0, false },
    { "structured_outputs", field_neutral, 0, 0, 0, false },
    { "use_beam_search", field_neutral, 0, 0, 0, false },
};

/* What a chat template is given. */
static const struct field message_table[] = {
    { "messages", openai_check_messages, AT(messages), 0, 0, true },
    { "chat_template_kwargs", read_object, AT(kwargs), 0, 0, false },
    { "documents", read_array, AT(documents), 0, 0, false },
    { "add_generation_prompt", field_bool, AT(add_generation_prompt), 0, 0,
      false },
    { "continue_final_message", field_bool, AT(continue_final_message), 0, 0,
      false },
    { "tools", field_neutral, 0, 0, 0, false },
    { "chat_template", field_neutral, 0, 0, 0, false },
};
const struct fields openai_message_fields = FIELDS(message_table);

static const struct field chat_table[] = {
    { "max_completion_tokens", field_u32, AT(max_completion_tokens), 1,
      UINT32_MAX, false },
    { "logprobs",     field_bool, AT(logprobs), 0, 0, false },
    { "top_logprobs", field_u32, AT(n_top), 0, SAMPLING_TOP_MAX, false },
    { "parallel_tool_calls", field_ignored, 0, 0, 0, false },
    { "reasoning_effort",    field_ignored, 0, 0, 0, false },
    { "verbosity",           field_ignored, 0, 0, 0, false },

    { "tool_choice",   read_tool_choice, 0, 0, 0, false },
    { "functions",     field_neutral, 0, 0, 0, false },
    { "function_call", read_tool_choice, 0, 0, 0, false },
    { "modalities",    read_only_text, 0, 0, 0, false },
    { "audio",         field_neutral, 0, 0, 0, false },
    { "prediction",    field_neutral, 0, 0, 0, false },
    { "web_search_options", field_neutral, 0, 0, 0, false },
};

static const struct field text_table[] = {
    { "prompt",   openai_check_prompt, AT(prompt), 0, 0, true },
    { "logprobs", read_logprobs_count, AT(n_top), 0, SAMPLING_TOP_MAX, false },
    { "best_of",  field_u32, AT(best_of), 1, OPENAI_N_MAX, false },
    { "echo",     field_neutral, 0, 0, 0, false },
    { "suffix",   field_neutral, 0, 0, 0, false },
};

enum { N_TABLES = 3 };
static const struct fields tables[][N_TABLES] = {
    [OPENAI_CHAT] = { FIELDS(shared_table), FIELDS(message_table),
                      FIELDS(chat_table) },
    [OPENAI_TEXT] = { FIELDS(shared_table), FIELDS(text_table) },
};

/* ---- fields that depend on each other ---- */

static void check_together(struct reading *r, struct openai_form *form,
                           const struct json *body)
{
    const struct json *options = json_get(body, "stream_options");
    if (options != NULL && options->kind != JSON_NULL && !form->stream)
        fault_add(r, "stream_options", "needs_stream", "stream_options needs "
                  "\"stream\": true");
    if (form->kind == OPENAI_CHAT && form->n_top > 0 && !form->logprobs)
        fault_add(r, "top_logprobs", "needs_logprobs", "top_logprobs needs "
                  "\"logprobs\": true");
    if (form->best_of > 0 && form->best_of != form->n)
        fault_add(r, "best_of", "not_offered", "best_of other than n is not "
                  "offered by this server");
    if (form->max_completion_tokens > 0 && form->max_tokens > 0
        && form->max_completion_tokens != form->max_tokens)
        fault_add(r, "max_tokens", "contradiction", "max_tokens and "
                  "max_completion_tokens say different things");
    if (form->max_completion_tokens > 0)
        form->max_tokens = form->max_completion_tokens;
    if (form->add_generation_prompt && form->continue_final_message
        && json_is(json_get(body, "add_generation_prompt"), JSON_BOOL))
        fault_add(r, "continue_final_message", "contradiction",
                  "continue_final_message and add_generation_prompt exclude "
                  "each other");
    if (form->continue_final_message)
        form->add_generation_prompt = false;
}

enum err openai_form_read(struct openai_form *form, struct reading *r,
                          enum openai_kind kind, const struct json *body,
                          struct err_info *why)
{
    *form = (struct openai_form){ .kind = kind, .n = 1,
                                  .add_generation_prompt = true };
    r->form = form;
    r->sampling = &form->asked;
    enum err e = fields_read(r, tables[kind], N_TABLES, body, why);
    if (e == ERR_NOMEM)
        return e;
    check_together(r, form, body);
    return r->n_faults == 0 ? ERR_OK
           : fail(why, ERR_REQUEST, "%s", r->fault[0].message);
}
