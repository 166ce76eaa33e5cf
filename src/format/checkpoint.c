/* From MODEL to a checkpoint, in the order in which things can go wrong:
 *
 *   what is MODEL    a file, a directory, owner/repo     model_file.c,
 *                                                        model_dir.c,
 *                                                        hf_cache.c
 *   keys             config.json or metadata             hf_dir.c, gguf.c
 *   tokenizer        its files or its keys               hf_dir.c, gguf_tok.c
 *   weights          one file, shards, splits            shards.c, gguf_split.c
 *   index            every name once                     here
 *   defaults         sampling, ids that end a reply      generation.c
 *   scales           FP8, foreign quantisation           scales.c
 *
 * Each step is a function on `struct opening`, which owns all that was mapped
 * or allocated so far; so the one way to give up is checkpoint_close. */
#include "format/checkpoint.h"

#include "format/opening.h"
#include "format/show.h"

#include <stdlib.h>

/* ---- names of tensors ---- */

/* Models that wrap a language model put something in front of its names; the
 * tables of wanted tensors know the plain names only. */
struct prefix {
    const char *old, *new;
};

static const struct prefix prefixes[] = {
    { "language_model.model.", "model." },
    { "language_model.lm_head.", "lm_head." },
    { "model.language_model.", "model." },
    { "model.text_model.", "model." },
};

/* Copied, because "model.language_model.x" has no "model.x" inside it. */
static enum err plain_name(struct opening *o, struct slice *name)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        struct slice old = slice_of(prefixes[i].old);
        struct slice new = slice_of(prefixes[i].new);
        struct strbuf b = { 0 };

        if (!slice_starts(*name, old))
            continue;
        strbuf_put(&b, new);
        strbuf_put(&b, slice_from(*name, old.len));
        *name = b.failed ? (struct slice){ NULL, 0 }
                         : arena_copy(&o->arena, strbuf_slice(&b));
        strbuf_drop(&b);
        return name->at == NULL ? fail_nomem(o->why) : ERR_OK;
    }
    return ERR_OK;
}

/* A name may come twice from two files, or from two spellings of one. */
static enum err index_tensors(struct opening *o)
{
    const struct name_entry *twice;
    enum err e = ERR_OK;

    o->index = arena_take(&o->arena, o->n_tensors, sizeof *o->index);
    if (o->index == NULL && o->n_tensors > 0)
        return fail_nomem(o->why);
    for (size_t i = 0; e == ERR_OK && i < o->n_tensors; i++) {
        struct tensor_info *t = &o->tensors[i];
        if (o->c.naming == NAMING_HF)
            e = plain_name(o, &t->name);
        o->index[i] = (struct name_entry){ t->name, (uint32_t)i };
    }
    if (e != ERR_OK)
        return e;
    names_sort(o->index, o->n_tensors);
    twice = names_duplicate(o->index, o->n_tensors);
    if (twice != NULL)
        return fail(o->why, ERR_FORMAT, "%s: the tensor %s is there twice, "
                    "under one name or in two files of the model",
                    o->tensors[twice->at].file->path, show(twice->name).text);
    o->c.tensors = o->tensors;
    o->c.n_tensors = o->n_tensors;
    o->c.files = o->files;
    o->c.n_files = o->n_files;
    return ERR_OK;
}

const struct tensor_info *checkpoint_tensor(const struct checkpoint *c,
                                            struct slice name)
{
    const struct opening *o = (const struct opening *)c;
    const struct name_entry *e = names_find(o->index, o->n_tensors, name);

    return e == NULL ? NULL : &o->tensors[e->at];
}

/* ---- opening ---- */

/* Adapters, projectors and importance matrices are GGUF files, too. */
static enum err check_purpose(struct opening *o)
{
    static const struct key_name name = { NULL, "general.type" };
    struct slice type = SLICE("model");
    enum err e = keys_string(&type, &o->c.keys, name, o->why);

    if (e != ERR_OK || slice_is(type, "model") || slice_is(type, "vocab"))
        return e;
    return keys_fail(&o->c.keys, name, ERR_UNKNOWN, o->why, "is \"%s\": the "
                     "file is no model", show(type).text);
}

static enum err read_arch(struct opening *o)
{
    static const struct key_name name = { NULL, "general.architecture" };
    enum err e = check_purpose(o);

    if (e == ERR_OK)
        e = keys_require(&o->c.keys, name, o->why);
    if (e == ERR_OK)
        e = keys_string(&o->c.arch.gguf, &o->c.keys, name, o->why);
    o->c.keys.arch = o->c.arch.gguf;
    return e;
}

/* MODEL by what stands at the path; nothing there: perhaps owner/repo. */
static enum err open_model(struct opening *o, const char *model)
{
    enum file_kind kind = file_kind(model);
    enum err e;

    o->c.path = opening_copy(o, slice_of(model));
    if (o->c.path == NULL)
        return fail_nomem(o->why);
    if (kind == FILE_NONE) {
        const char *dir;

        if ((e = opening_hf_cache(o, model, &dir)) != ERR_OK)
            return e;
        if (dir != NULL) {
            o->c.path = dir;
            kind = FILE_DIRECTORY;
        }
    }
    return kind == FILE_DIRECTORY ? opening_directory(o, o->c.path)
                                  : opening_file(o, o->c.path);
}

/* The steps after MODEL was found; no_weights leaves out what they need. */
static enum err open_all(struct opening *o, const char *model)
{
    enum err e = open_model(o, model);

    if (e != ERR_OK)
        return e;
    o->c.naming = o->c.keys.naming;
    o->c.format = o->c.naming == NAMING_GGUF ? "gguf" : "safetensors";
    if (o->c.naming == NAMING_GGUF
        && ((e = read_arch(o)) != ERR_OK
            || (e = opening_gguf_tok(o)) != ERR_OK))
        return e;
    if ((e = index_tensors(o)) != ERR_OK
        || (e = opening_generation(o)) != ERR_OK)
        return e;
    return o->no_weights ? ERR_OK : opening_scales(o);
}

enum err checkpoint_open(struct checkpoint **out, const char *model,
                         const struct checkpoint_options *options,
                         struct err_info *why)
{
    struct opening *o = calloc(1, sizeof *o);
    enum err e;

    *out = NULL;
    if (o == NULL)
        return fail_nomem(why);
    o->why = why;
    if (options != NULL) {
        o->no_weights = options->no_weights;
        o->notices = options->notices;
        o->hf_home = options->hf_home;
    }
    for (size_t i = 0; i < TOK_N_ROLES; i++)
        o->c.tok.role[i] = -1;
    o->c.tok.add_bos = o->c.tok.add_eos = o->c.tok.add_sep = TOK_UNSET;
    o->c.tok.add_space_prefix = TOK_UNSET;
    o->c.tok.remove_extra_whitespaces = TOK_UNSET;
    e = open_all(o, model);
    if (e != ERR_OK) {
        checkpoint_close(&o->c);
        return e;
    }
    o->why = NULL;
    *out = &o->c;
    return ERR_OK;
}

void checkpoint_close(struct checkpoint *c)
{
    struct opening *o = (struct opening *)c;

    if (o == NULL)
        return;
    for (struct map *m = o->maps; m != NULL; m = m->next)
        file_close(&m->file);
    arena_drop(&o->arena);
    free(o->files);
    free(o->tensors);
    free(o);
}
