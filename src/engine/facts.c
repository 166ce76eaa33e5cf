#include "engine/facts.h"

#include "base/arena.h"
#include "engine/engine_own.h"
#include "engine/memory.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Goes through the steps of opening as far as they lead, and further past one
 * that fails when the next does not need it: whoever inspects a model that
 * cannot be loaded wants to see all of what can be seen.  The first error is
 * the one that loading would give. */
struct engine_look {
    struct engine      *engine;
    struct engine_facts facts;
    struct arena        arena;       /* of the lists in facts */
};

const struct engine_facts *engine_look_facts(const struct engine_look *l)
{
    return &l->facts;
}

const struct checkpoint *engine_look_checkpoint(const struct engine_look *l)
{
    return l->engine->checkpoint;
}

void engine_look_close(struct engine_look *l)
{
    if (l == NULL)
        return;
    engine_close(l->engine);
    arena_drop(&l->arena);
    free(l);
}

/* ---- the files ---- */

static int more_bytes(const void *a, const void *b)
{
    const struct weight_fact *x = a, *y = b;
    return x->size != y->size ? (x->size < y->size ? 1 : -1)
                              : strcmp(x->type, y->type);
}

/* One row for each type, found by its id, then squeezed together. */
static bool count_weights(struct engine_look *l, const struct checkpoint *c)
{
    struct weight_fact *w = arena_zero(&l->arena, DTYPE_COUNT, sizeof *w);
    size_t n = 0;
    if (w == NULL)
        return false;
    for (size_t i = 0; i < c->n_tensors; i++) {
        const struct tensor_info *t = &c->tensors[i];
        w[t->dtype->id].type = t->dtype->name;
        w[t->dtype->id].n_tensors++;
        w[t->dtype->id].size += t->size;
        l->facts.n_parameters += t->n_elements;
    }
    for (size_t i = 0; i < DTYPE_COUNT; i++)
        if (w[i].n_tensors > 0)
            w[n++] = w[i];
    qsort(w, n, sizeof *w, more_bytes);
    l->facts.weights = w;
    l->facts.n_weights = n;
    return true;
}

static bool list_files(struct engine_look *l, const struct checkpoint *c)
{
    const char **files = arena_zero(&l->arena, c->n_files + 1, sizeof *files);
    struct slice name = arena_copy(&l->arena, engine_architecture(l->engine));
    if (files == NULL || name.at == NULL)
        return false;
    for (size_t i = 0; i < c->n_files; i++)
        files[i] = c->files[i]->path;
    l->facts.files = files;
    l->facts.n_files = c->n_files;
    l->facts.architecture = name.len > 0 ? name.at : NULL;
    l->facts.format = c->format;
    return count_weights(l, c);
}

/* A model without weights, or with weights that cannot be read, still has a
 * tokenizer and a template to show: the second try asks for no more. */
static enum err look_at_files(struct engine_look *l, struct err_info *why)
{
    struct err_info again;
    enum err e = engine_open_files(l->engine, why);
    if (e != ERR_OK) {
        l->engine->options.depth = ENGINE_TEXT;
        if (engine_open_files(l->engine, &again) != ERR_OK)
            return e;
    }
    return list_files(l, l->engine->checkpoint) ? e : fail_nomem(why);
}

/* ---- the text ---- */

static enum err look_at_text(struct engine_look *l, struct err_info *why)
{
    struct engine_facts *f = &l->facts;
    enum err e = engine_open_text(l->engine, why);
    if (e != ERR_OK)
        return e;
    const struct tokenizer *tok = l->engine->tok;
    f->tokenizer.known = true;
    f->tokenizer.kind = tok_kind(tok);
    f->tokenizer.size = tok_size(tok);
    f->tokenizer.bos = tok_role_id(tok, TOK_ROLE_BOS);
    f->tokenizer.eos = tok_eos(tok, &f->tokenizer.n_eos);
    f->tokenizer.adds_bos = tok_adds_bos(tok);
    f->chat_template = chat_has_template(l->engine->chat);
    f->chat_error = chat_error(l->engine->chat);
    return ERR_OK;
}

/* ---- the model ---- */

static enum err look_at_config(struct engine_look *l, struct err_info *why)
{
    struct engine_facts *f = &l->facts;
    struct config *c;
    enum err e = engine_configure(l->engine, &c, why);
    if (e != ERR_OK)
        return e;
    f->configured = true;
    f->n_layer = c->n_layer;
    f->hidden_size = c->hidden_size;
    f->n_head = c->n_head;
    f->n_head_kv = c->n_head_kv;
    f->head_dim = c->head_dim;
    f->vocab_size = c->vocab_size;
    f->context_length = c->context_length;
    f->n_expert = c->router.n_expert;
    f->n_expert_used = c->router.n_used;
    f->n_expert_shared = c->n_shared;
    config_close(c);
    return ERR_OK;
}

static const char *kv_name(enum kv_type type)
{
    static const char *const names[] = {
#define X(id, text) [KV_##id] = text,
        KV_TYPE_LIST(X)
#undef X
    };
    return names[type];
}

/* The plan is filled even when it is refused: both numbers are worth seeing. */
static enum err look_at_memory(struct engine_look *l, struct err_info *why)
{
    struct engine *e = l->engine;
    struct engine_facts *f = &l->facts;
    enum err err = engine_open_device(e, why);
    if (err != ERR_OK)
        return err;
    e->device->ops->describe(e->device, f->device, sizeof f->device);
    err = engine_plan(e, why);
    f->memory.available = memory_available("");
    f->memory.weights_size = e->plan.weights_size;
    f->memory.scratch_size = e->plan.work_size;
    f->memory.ctx = e->ctx;
    f->kv_type = kv_name(e->kv_type);
    if (e->plan.n_groups > 0)
        f->memory.kv_size_per_token = engine_kv_size_per_token(e);
    return err;
}

/* ---- all of it ---- */

static void keep_first(struct err_info *first, const struct err_info *why)
{
    if (first->code == ERR_OK)
        *first = *why;
}

static void look_further(struct engine_look *l, struct err_info *first)
{
    struct err_info why;
    if (look_at_text(l, &why) != ERR_OK)
        keep_first(first, &why);
    if (look_at_config(l, &why) != ERR_OK)
        keep_first(first, &why);
    else if (l->facts.n_files > 0 && look_at_memory(l, &why) != ERR_OK)
        keep_first(first, &why);
}

enum err engine_look_open(struct engine_look **out,
                          const struct engine_options *o,
                          struct err_info *why)
{
    struct err_info first = { .code = ERR_OK };
    struct engine_look *l = calloc(1, sizeof *l);
    *out = NULL;
    if (l == NULL)
        return fail_nomem(why);
    l->facts.tokenizer.bos = -1;
    enum err e = engine_new(&l->engine, o, &first);
    if (e == ERR_OK)
        e = look_at_files(l, &first);
    if (l->engine == NULL || l->engine->checkpoint == NULL || e == ERR_NOMEM) {
        engine_look_close(l);
        if (why != NULL)
            *why = first;
        return e;
    }
    look_further(l, &first);
    /* What was noticed while looking has been said; the pointers may go. */
    l->engine->options.notices = NULL;
    l->engine->options.progress = NULL;
    *out = l;
    if (first.code != ERR_OK && why != NULL)
        *why = first;
    return first.code;
}
