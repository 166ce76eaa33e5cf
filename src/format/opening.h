/* A checkpoint while it is being opened; private to this folder.
 *
 *   1. Every file that was mapped is in `maps` and is closed by
 *      checkpoint_close, whatever happened in between.
 *   2. Whatever the finished checkpoint points to lies in a mapping, in
 *      `arena` or in the three malloc'd arrays here.
 *   3. Tensors are pointed to (scales) only after the last one was added.
 *
 * Owner: the thread inside checkpoint_open; afterwards nobody writes. */
#ifndef OSMIA_FORMAT_OPENING_H
#define OSMIA_FORMAT_OPENING_H

#include "base/arena.h"
#include "format/checkpoint.h"
#include "format/gguf.h"
#include "format/names.h"

struct map {
    struct map *next;
    struct file file;
};

struct opening {
    struct checkpoint     c;        /* first: a checkpoint is an opening */
    struct arena          arena;
    struct map           *maps;
    struct gguf           gguf;     /* the (first) GGUF file */
    const struct file   **files;
    struct tensor_info   *tensors;
    size_t                n_files, cap_files, n_tensors, cap_tensors;
    struct name_entry    *index;    /* of the tensors' names */
    struct keys           generation;   /* generation_config.json */
    bool                  no_weights;
    const char           *hf_home;
    const struct notices *notices;
    struct err_info      *why;
};

/* Map a file, at most max_size bytes, and keep it. */
enum err opening_map(struct opening *o, const struct file **out,
                     const char *path, uint64_t max_size);

/* The text of an optional file in a directory; empty when there is none.
 * *path (may be NULL) becomes its path. */
struct side_file {
    const char *dir, *name;
    uint64_t    max_size;
};
enum err opening_text(struct opening *o, const struct side_file *side,
                      struct slice *text, const char **path);

/* "dir/name" in the arena; NULL: no memory. */
const char *opening_path(struct opening *o, const char *dir, const char *name);
const char *opening_copy(struct opening *o, struct slice text);

/* Add a file that holds tensors, and its tensors (copied). */
enum err opening_add_file(struct opening *o, const struct file *f);
enum err opening_add_tensor(struct opening *o, const struct tensor_info *t);

/* Parse a small JSON document; the memory for its tree is bounded by its size.
 * opening_json: its top level has to be an object. */
enum err opening_tree(struct opening *o, struct slice text, const char *path,
                      struct json **out);
enum err opening_json(struct opening *o, struct slice text, const char *path,
                      const struct json **out);

/* ---- the steps, one file each ---- */

/* gguf_split.c: this file and, when it is split, all others. */
enum err opening_gguf(struct opening *o, const struct file *f);
/* gguf_tok.c: the tokenizer in the metadata. */
enum err opening_gguf_tok(struct opening *o);
/* shards.c: one safetensors file; or all that an index names. */
enum err opening_safetensors(struct opening *o, const char *path);
enum err opening_shards(struct opening *o, const char *dir, const char *index);
/* hf_dir.c: what stands beside the weights: configuration and tokenizer. */
enum err opening_hf_config(struct opening *o, const char *dir);
enum err opening_hf_tok(struct opening *o, const char *dir);
/* hf_templates.c */
enum err opening_hf_templates(struct opening *o, const char *dir);
/* model_dir.c: a directory of either kind. */
enum err opening_directory(struct opening *o, const char *dir);
/* model_file.c: a file of either kind. */
enum err opening_file(struct opening *o, const char *path);
/* hf_cache.c: the snapshot of owner/repo; *dir NULL: the name has not that
 * form.  ERR_IO: not in the cache, with the command that fetches it. */
enum err opening_hf_cache(struct opening *o, const char *model,
                          const char **dir);
/* scales.c: refuse foreign quantisation, give FP8 weights their scales. */
enum err opening_scales(struct opening *o);
/* generation.c: sampling defaults, ids that end and ids never sampled. */
enum err opening_generation(struct opening *o);

#endif
