/* MODEL is a directory: a Hugging Face one, or one that holds a GGUF model.
 *
 * In this order: model.safetensors, its index, consolidated.safetensors (what
 * Mistral calls it), one GGUF model, the only other safetensors file.  More
 * than one candidate of a kind is an error with their names: picking one would
 * be a guess.  Pickles are never read. */
#include "format/opening.h"

#include <ctype.h>

/* What the names in a directory tell. */
struct survey {
    bool        single, index, consolidated;
    bool        config;             /* something that belongs to a tokenizer
                                       or a configuration */
    bool        adapter;            /* a LoRA adapter's weights */
    size_t      n_other;            /* other .safetensors files */
    const char *other;
    size_t      n_gguf;             /* models, not files */
    const char *gguf, *second_gguf;
    const char *pickle;
};

/* "-00002-of-00005.gguf": not the first file of a split model. */
static bool is_later_split(struct slice name)
{
    static const char form[] = "-00000-of-00000.gguf";
    size_t n = sizeof form - 1;

    if (name.len < n)
        return false;
    name = slice_from(name, name.len - n);
    for (size_t i = 0; i < n; i++)
        if (form[i] == '0' ? !isdigit((unsigned char)name.at[i])
                           : name.at[i] != form[i])
            return false;
    return !slice_starts(name, SLICE("-00001-"));
}

static bool is_pickle(struct slice name)
{
    return slice_ends(name, SLICE(".bin")) || slice_ends(name, SLICE(".pth"))
        || slice_ends(name, SLICE(".pt")) || slice_ends(name, SLICE(".ckpt"));
}

/* mmproj files belong to a model beside them and are none themselves. */
static void look_at(struct survey *s, const char *text)
{
    struct slice name = slice_of(text);

    if (slice_is(name, "model.safetensors")) {
        s->single = true;
    } else if (slice_is(name, "model.safetensors.index.json")) {
        s->index = true;
    } else if (slice_is(name, "consolidated.safetensors")) {
        s->consolidated = true;
    } else if (slice_is(name, "adapter_model.safetensors")) {
        s->adapter = true;
    } else if (slice_is(name, "config.json") || slice_is(name, "vocab.json")
               || slice_is(name, "tokenizer.json")
               || slice_is(name, "tokenizer_config.json")) {
        s->config = true;
    } else if (slice_ends(name, SLICE(".safetensors"))) {
        s->n_other++;
        s->other = text;
    } else if (slice_ends(name, SLICE(".gguf")) && !is_later_split(name)
               && !slice_starts(name, SLICE("mmproj"))) {
        if (s->n_gguf++ == 0)
            s->gguf = text;
        else
            s->second_gguf = text;
    } else if (is_pickle(name)) {
        s->pickle = text;
    }
}

/* Nothing to open: the best reason there is, most helpful first. */
static enum err refuse(struct opening *o, const struct survey *s,
                       const char *dir)
{
    if (s->n_gguf > 1)
        return fail(o->why, ERR_REQUEST, "%s: holds %zu GGUF models (%s, %s%s);"
                    " name one of the files", dir, s->n_gguf, s->gguf,
                    s->second_gguf, s->n_gguf > 2 ? ", ..." : "");
    if (s->n_other > 1)
        return fail(o->why, ERR_REQUEST, "%s: holds %zu safetensors files (%s "
                    "is one), but neither model.safetensors nor "
                    "model.safetensors.index.json", dir, s->n_other, s->other);
    if (s->adapter)
        return fail(o->why, ERR_UNKNOWN, "%s: holds an adapter "
                    "(adapter_model.safetensors), not a model; merge it into "
                    "its base model", dir);
    if (s->pickle != NULL)
        return fail(o->why, ERR_UNKNOWN, "%s: holds its weights as Python "
                    "pickles only (%s), which may run code; fetch or convert "
                    "the model as safetensors or GGUF", dir, s->pickle);
    return fail(o->why, ERR_IO, "%s: holds no model (no model.safetensors, no "
                "model.safetensors.index.json, no .gguf file); download the "
                "weights into it, or name another path", dir);
}

static enum err open_weights(struct opening *o, const struct survey *s,
                             const char *dir)
{
    const char *name = s->single ? "model.safetensors"
                     : s->consolidated ? "consolidated.safetensors" : s->other;
    const char *path;

    if (s->index && !s->single)
        return opening_shards(o, dir, "model.safetensors.index.json");
    path = opening_path(o, dir, name);
    return path == NULL ? fail_nomem(o->why) : opening_safetensors(o, path);
}

/* A tokenizer may be used without weights, but a directory with neither is a
 * mistake in every case. */
static enum err open_surveyed(struct opening *o, const struct survey *s,
                              const char *dir)
{
    bool hf = s->single || s->index || s->consolidated;
    const char *path;
    enum err e;

    if (!hf && s->n_gguf == 1) {
        path = opening_path(o, dir, s->gguf);
        return path == NULL ? fail_nomem(o->why) : opening_file(o, path);
    }
    if (!hf && s->n_other != 1 && !(o->no_weights && s->config))
        return refuse(o, s, dir);
    if ((e = opening_hf_config(o, dir)) != ERR_OK
        || (e = opening_hf_tok(o, dir)) != ERR_OK)
        return e;
    return o->no_weights ? ERR_OK : open_weights(o, s, dir);
}

enum err opening_directory(struct opening *o, const char *dir)
{
    struct survey s = { 0 };
    struct dir_list names;
    enum err e = dir_list(&names, dir, o->why);

    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < names.n; i++)
        look_at(&s, names.names[i]);
    e = open_surveyed(o, &s, dir);
    dir_list_drop(&names);
    return e;
}
