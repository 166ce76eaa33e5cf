/* The chat templates of a model, and the request that is put through one.
 *
 *   1. Immutable after chat_open and chat_override: several threads may render.
 *   2. A template that does not compile keeps its place and its error; asking
 *      for it gives that error, the others work.
 *
 * Owner: the model. */
#include "text/chat.h"

#include "text/chat_messages.h"
#include "text/template.h"

#include <stdlib.h>

struct entry {
    struct slice     name;
    struct template *template;    /* NULL: did not compile */
    bool             thinks;      /* its source has both marks */
    char             error[ERR_TEXT_SIZE];
};

/* A special token's variable: "bos_token" and its text. */
struct token_var {
    const char *name;
    struct json text;
};

enum { N_TOKENS = 7 };

struct chat {
    struct arena     arena;
    struct entry    *entries;
    size_t           n;
    struct token_var tokens[N_TOKENS];
    size_t           n_tokens;
};

/* ---- special tokens ---- */

static const struct {
    const char   *name;
    enum tok_role role;
} roles[N_TOKENS] = {
    { "bos_token", TOK_ROLE_BOS }, { "eos_token", TOK_ROLE_EOS },
    { "unk_token", TOK_ROLE_UNK }, { "sep_token", TOK_ROLE_SEP },
    { "pad_token", TOK_ROLE_PAD }, { "cls_token", TOK_ROLE_CLS },
    { "mask_token", TOK_ROLE_MASK },
};

static void add_token(struct chat *c, const char *name, struct slice text)
{
    for (size_t i = 0; i < c->n_tokens; i++)
        if (c->tokens[i].name == name)
            return;
    c->tokens[c->n_tokens++] = (struct token_var){
        name, { .kind = JSON_STRING, .string = text }
    };
}

/* Tokens of a configuration file: a string, or an object with "content".
 * Only these members are looked at: the file may be large. */
static enum err add_config_tokens(struct chat *c, struct slice text,
                                  struct err_info *why)
{
    struct json_reader reader;
    struct json_token t;
    struct slice raw;
    enum err e = ERR_OK;
    json_reader_init(&reader, text, JSON_DEPTH);
    if (text.len == 0 || (e = json_next(&reader, &t, why)) != ERR_OK
        || t.kind != JSON_OBJECT)
        return e;
    while ((e = json_next(&reader, &t, why)) == ERR_OK && t.kind != JSON_END) {
        const char *name = NULL;
        for (size_t i = 0; i < N_TOKENS; i++)
            if (slice_is(t.key, roles[i].name))
                name = roles[i].name;
        if ((e = json_skip(&reader, &t, &raw, why)) != ERR_OK)
            return e;
        struct json *value;
        if (name == NULL || (t.kind != JSON_STRING && t.kind != JSON_OBJECT))
            continue;
        if ((e = json_parse(&value, &c->arena, raw, JSON_DEPTH, why)) != ERR_OK)
            return e;
        const struct json *content = value->kind == JSON_STRING
            ? value : json_get(value, "content");
        if (json_is(content, JSON_STRING))
            add_token(c, name, content->string);
    }
    return e;
}

static void add_vocab_tokens(struct chat *c, const struct tokenizer *tok)
{
    for (size_t i = 0; i < N_TOKENS; i++) {
        int32_t id = tok_role_id(tok, roles[i].role);
        if (id >= 0 && tok_text(tok, id).len > 0)
            add_token(c, roles[i].name, tok_text(tok, id));
    }
}

/* A Hugging Face directory says its tokens by name (one that it does not say
 * is undefined); a GGUF file by id. */
static enum err read_tokens(struct chat *c, const struct tok_source *src,
                            const struct tokenizer *tok, struct err_info *why)
{
    enum err e = add_config_tokens(c, src->tokenizer_config_json, why);
    if (e != ERR_OK)
        return fail_within(why, "tokenizer_config.json");
    e = add_config_tokens(c, src->special_tokens_map_json, why);
    if (e != ERR_OK)
        return fail_within(why, "special_tokens_map.json");
    if (src->tokenizer_config_json.len == 0
        && src->special_tokens_map_json.len == 0 && tok != NULL)
        add_vocab_tokens(c, tok);
    return ERR_OK;
}

/* ---- opening ---- */

static struct entry *find_entry(const struct chat *c, struct slice name)
{
    for (size_t i = 0; i < c->n; i++)
        if (slice_eq(c->entries[i].name, name))
            return &c->entries[i];
    return NULL;
}

static bool has_marks(struct slice source)
{
    return slice_find(source, SLICE("<think>"), 0) < source.len
        && slice_find(source, SLICE("</think>"), 0) < source.len;
}

static enum err compile_entry(struct entry *e, struct slice source,
                              const struct notices *notices,
                              struct err_info *why)
{
    struct err_info local;
    enum err code = template_compile(&e->template, source, &local);
    e->thinks = has_marks(source);
    if (code == ERR_NOMEM)
        return fail_nomem(why);
    if (code != ERR_OK) {
        memcpy(e->error, local.text, sizeof e->error);
        notice(notices, "the chat template '%.*s' does not compile: %s",
               (int)e->name.len, e->name.at, local.text);
    }
    return ERR_OK;
}

static enum err compile_all(struct chat *c, const struct tok_source *src,
                            const struct notices *notices,
                            struct err_info *why)
{
    c->entries = calloc(src->n_templates + 1, sizeof *c->entries);
    if (c->entries == NULL)
        return fail_nomem(why);
    for (size_t i = 0; i < src->n_templates; i++) {
        struct slice name = src->templates[i].name;
        if (find_entry(c, name) != NULL)
            continue;                        /* the best source came first */
        struct entry *e = &c->entries[c->n];
        e->name = arena_copy(&c->arena, name);
        if (e->name.at == NULL)
            return fail_nomem(why);
        c->n++;
        enum err code = compile_entry(e, src->templates[i].text, notices, why);
        if (code != ERR_OK)
            return code;
    }
    return ERR_OK;
}

enum err chat_open(struct chat **out, const struct tok_source *src,
                   const struct tokenizer *tok,
                   const struct notices *notices, struct err_info *why)
{
    struct chat *c = calloc(1, sizeof *c);
    *out = NULL;
    if (c == NULL)
        return fail_nomem(why);
    enum err e = read_tokens(c, src, tok, why);
    if (e == ERR_OK)
        e = compile_all(c, src, notices, why);
    if (e == ERR_OK)
        *out = c;
    else
        chat_close(c);
    return e;
}

static void drop_entries(struct chat *c)
{
    for (size_t i = 0; i < c->n; i++)
        template_close(c->entries[i].template);
    free(c->entries);
}

void chat_close(struct chat *c)
{
    if (c == NULL)
        return;
    drop_entries(c);
    arena_drop(&c->arena);
    free(c);
}

bool chat_has_template(const struct chat *c)
{
    return c->n > 0;
}

const char *chat_error(const struct chat *c)
{
    const struct entry *e = find_entry(c, SLICE("default"));
    if (e == NULL && c->n > 0)
        e = &c->entries[0];
    return e != NULL && e->template == NULL ? e->error : NULL;
}

bool chat_thinks(const struct chat *c)
{
    const struct entry *e = find_entry(c, SLICE("default"));
    return e != NULL && e->thinks;
}

enum err chat_override(struct chat *c, struct slice source,
                       struct err_info *why)
{
    struct template *t;
    enum err e = template_compile(&t, source, why);
    if (e != ERR_OK)
        return e;
    struct entry *entries = calloc(1, sizeof *entries);
    if (entries == NULL) {
        template_close(t);
        return fail_nomem(why);
    }
    drop_entries(c);
    entries->name = SLICE("default");
    entries->template = t;
    entries->thinks = has_marks(source);
    c->entries = entries;
    c->n = 1;
    return ERR_OK;
}

/* ---- rendering ---- */

/* "tool_use" when there are tools (an empty list counts), else "default". */
static const struct entry *select_entry(const struct chat *c,
                                        const struct chat_request *r)
{
    const struct entry *e = NULL;
    if (r->tools != NULL && r->tools->kind != JSON_NULL)
        e = find_entry(c, SLICE("tool_use"));
    return e != NULL ? e : find_entry(c, SLICE("default"));
}

/* Everything the template sees, later names win. */
struct vars {
    struct template_var *at;
    size_t               n;
};

static void add_var(struct vars *v, const char *name, const struct json *value)
{
    v->at[v->n++] = (struct template_var){ name, value };
}

static enum err make_vars(const struct chat *c, const struct chat_request *r,
                          const struct json *messages, struct arena *arena,
                          struct vars *v, struct err_info *why)
{
    static const struct json yes = { .kind = JSON_BOOL, .boolean = true };
    static const struct json no = { .kind = JSON_BOOL, .boolean = false };
    size_t n_kwargs = r->kwargs != NULL ? r->kwargs->n : 0;
    v->at = arena_take(arena, c->n_tokens + n_kwargs + 4, sizeof *v->at);
    if (v->at == NULL)
        return fail_nomem(why);
    for (size_t i = 0; i < c->n_tokens; i++)
        add_var(v, c->tokens[i].name, &c->tokens[i].text);
    add_var(v, "tools", r->tools);
    add_var(v, "documents", r->documents);
    add_var(v, "add_generation_prompt", r->add_generation_prompt ? &yes : &no);
    for (const struct json *k = n_kwargs > 0 ? r->kwargs->first : NULL;
         k != NULL; k = k->next) {
        struct slice name = arena_copy(arena, k->key);
        if (name.at == NULL)
            return fail_nomem(why);
        if (memchr(name.at, '\0', name.len) == NULL)
            add_var(v, name.at, k);
    }
    add_var(v, "messages", messages);
    return ERR_OK;
}

static enum err render_with(const struct chat *c, const struct template *t,
                            const struct chat_request *r, struct arena *arena,
                            struct strbuf *out, struct err_info *why)
{
    struct json *messages;
    struct vars v = { 0 };
    struct slice final = { NULL, 0 };
    size_t from = out->len;
    enum err e = messages_prepare(&messages, arena, r->messages, why);
    if (e == ERR_OK && r->continue_final_message)
        e = messages_mark(messages, arena, &final, why);
    if (e == ERR_OK)
        e = make_vars(c, r, messages, arena, &v, why);
    if (e == ERR_OK)
        e = template_render(t, v.at, v.n, out, why);
    if (e == ERR_OK && r->continue_final_message)
        e = prompt_cut(out, from, final, why);
    if (e != ERR_OK)
        out->len = from;
    return e;
}

static enum err check(const struct chat_request *r, struct err_info *why)
{
    const struct { const char *name; const struct json *at; } lists[] = {
        { "messages", r->messages }, { "tools", r->tools },
        { "documents", r->documents },
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if ((i == 0 && lists[i].at == NULL)
            || (lists[i].at != NULL && lists[i].at->kind != JSON_ARRAY
                && (i == 0 || lists[i].at->kind != JSON_NULL)))
            return fail(why, ERR_REQUEST, "%s must be an array", lists[i].name);
    if (r->kwargs != NULL && r->kwargs->kind != JSON_OBJECT
        && r->kwargs->kind != JSON_NULL)
        return fail(why, ERR_REQUEST, "chat_template_kwargs must be an object");
    if (json_get(r->kwargs, "messages") != NULL)
        return fail(why, ERR_REQUEST, "chat_template_kwargs must not hold"
                    " \"messages\"");
    if (r->continue_final_message && r->add_generation_prompt)
        return fail(why, ERR_REQUEST, "continue_final_message and"
                    " add_generation_prompt exclude each other");
    return ERR_OK;
}

/* chat_template of a request: the name of one of the model's, or a source,
 * compiled into *own. */
static enum err pick(const struct chat *c, const struct chat_request *r,
                     struct template **own, const struct template **out,
                     struct err_info *why)
{
    const struct entry *entry = NULL;
    enum err e = ERR_OK;
    if (r->own_template.at != NULL)
        entry = find_entry(c, r->own_template);
    if (r->own_template.at != NULL && entry == NULL) {
        e = template_compile(own, r->own_template, why);
        *out = *own;
        return e;
    }
    if (entry == NULL)
        entry = select_entry(c, r);
    if (entry == NULL)
        return fail(why, ERR_UNKNOWN, c->n == 0
                    ? "the model has no chat template"
                    : "the model has chat templates, but none is named"
                      " \"default\"");
    *out = entry->template;
    return *out != NULL ? ERR_OK
                        : fail(why, ERR_REQUEST, "the chat template does not"
                               " compile: %s", entry->error);
}

enum err chat_render(const struct chat *c, const struct chat_request *r,
                     struct strbuf *out, struct err_info *why)
{
    struct arena arena = { 0 };
    struct template *own = NULL;
    const struct template *t = NULL;
    enum err e = check(r, why);
    if (e == ERR_OK)
        e = pick(c, r, &own, &t, why);
    if (e == ERR_OK)
        e = render_with(c, t, r, &arena, out, why);
    template_close(own);
    arena_drop(&arena);
    return e;
}

/* ---- reading a request ---- */

static enum err read_flag(bool *out, const struct json *v, struct err_info *why)
{
    if (v->kind == JSON_NULL)
        return ERR_OK;
    if (v->kind != JSON_BOOL)
        return fail(why, ERR_REQUEST, "%.*s must be true or false",
                    (int)v->key.len, v->key.at);
    *out = v->boolean;
    return ERR_OK;
}

static enum err read_member(struct chat_request *r, const struct json *v,
                            bool *said, struct err_info *why)
{
    struct slice key = v->key;
    if (slice_is(key, "messages"))
        r->messages = v;
    else if (slice_is(key, "tools"))
        r->tools = v->kind == JSON_NULL ? NULL : v;
    else if (slice_is(key, "documents"))
        r->documents = v->kind == JSON_NULL ? NULL : v;
    else if (slice_is(key, "chat_template_kwargs"))
        r->kwargs = v->kind == JSON_NULL ? NULL : v;
    else if (slice_is(key, "add_generation_prompt")) {
        *said = v->kind != JSON_NULL;
        return read_flag(&r->add_generation_prompt, v, why);
    } else if (slice_is(key, "continue_final_message"))
        return read_flag(&r->continue_final_message, v, why);
    else if (!slice_is(key, "chat_template"))
        return fail(why, ERR_REQUEST, "unknown member \"%.*s\"",
                    (int)(key.len < 100 ? key.len : 100), key.at);
    else if (v->kind == JSON_STRING)
        r->own_template = v->string;
    else if (v->kind != JSON_NULL)
        return fail(why, ERR_REQUEST, "chat_template must be a string");
    return ERR_OK;
}

enum err chat_request_read(struct chat_request *r, const struct json *object,
                           struct err_info *why)
{
    bool said = false;
    *r = (struct chat_request){ 0 };
    if (!json_is(object, JSON_OBJECT))
        return fail(why, ERR_REQUEST, "the request must be an object");
    for (const struct json *v = object->first; v != NULL; v = v->next) {
        enum err e = read_member(r, v, &said, why);
        if (e != ERR_OK)
            return e;
    }
    if (!said)
        r->add_generation_prompt = !r->continue_final_message;
    return check(r, why);
}
