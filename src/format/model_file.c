/* MODEL is a file: GGUF or safetensors, by what is in it.
 *
 * The name only decides who complains about content that is neither: a file
 * called *.gguf is told what its magic number should be, a file called
 * *.safetensors what is wrong with its header. */
#include "format/opening.h"

#include "format/sniff.h"

#include <ctype.h>

#define INDEX "model.safetensors.index.json"

/* "/x" lies in "/", "x" in "."; anything else in what stands before it. */
static const char *directory_of(struct opening *o, const char *path)
{
    size_t len = (size_t)(path_base(path) - path);

    if (len == 0)
        return opening_copy(o, SLICE("."));
    return opening_copy(o, (struct slice){ path, len > 1 ? len - 1 : len });
}

/* "...-00001-of-00004.safetensors" */
static bool is_shard_name(struct slice name)
{
    static const char form[] = "-00000-of-00000.safetensors";
    size_t n = sizeof form - 1;

    if (name.len < n)
        return false;
    name = slice_from(name, name.len - n);
    for (size_t i = 0; i < n; i++)
        if (form[i] == '0' ? !isdigit((unsigned char)name.at[i])
                           : name.at[i] != form[i])
            return false;
    return true;
}

/* The configuration lies beside the file.  One shard of several stands for all
 * of them when their index is there. */
static enum err open_safetensors(struct opening *o, const char *path)
{
    const char *dir = directory_of(o, path), *index;
    enum err e;

    if (dir == NULL || (index = opening_path(o, dir, INDEX)) == NULL)
        return fail_nomem(o->why);
    if ((e = opening_hf_config(o, dir)) != ERR_OK
        || (e = opening_hf_tok(o, dir)) != ERR_OK)
        return e;
    if (o->no_weights)
        return ERR_OK;
    if (is_shard_name(slice_of(path)) && file_kind(index) == FILE_REGULAR)
        return opening_shards(o, dir, INDEX);
    return opening_safetensors(o, path);
}

static enum err refuse_unknown(struct opening *o, const struct file *f)
{
    struct strbuf bytes = { 0 };
    enum err e;

    for (size_t i = 0; i < 8 && i < f->size; i++)
        strbuf_printf(&bytes, " %02x", f->at[i]);
    e = bytes.failed
      ? fail_nomem(o->why)
      : fail(o->why, ERR_UNKNOWN, "%s: byte 0: is neither GGUF nor "
             "safetensors (it begins with%s)", f->path, strbuf_cstr(&bytes));
    strbuf_drop(&bytes);
    return e;
}

enum err opening_file(struct opening *o, const char *path)
{
    struct slice name = slice_of(path);
    const struct file *f;
    enum err e;

    if ((e = opening_map(o, &f, path, UINT64_MAX)) != ERR_OK)
        return e;
    if (!sniff_is_gguf(f)
        && (e = sniff_refuse(f, SNIFF_MODEL, o->why)) != ERR_OK)
        return e;
    if (sniff_is_gguf(f)
        || (!sniff_is_safetensors(f) && slice_ends(name, SLICE(".gguf"))))
        return opening_gguf(o, f);
    if (sniff_is_safetensors(f) || slice_ends(name, SLICE(".safetensors")))
        return open_safetensors(o, path);
    return refuse_unknown(o, f);
}
