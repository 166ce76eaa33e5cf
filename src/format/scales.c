/* Weights that are quantised by a scheme of their own in safetensors.
 *
 * FP8 is taken: each weight X has a companion X_scale_inv (or X_scale), whose
 * values multiply blocks of it, rows of it or all of it; despite the name it
 * is a factor.  Every other scheme is refused by its name: its tensors would
 * be read as something they are not.  GGUF's NVFP4 has a companion, too. */
#include "format/opening.h"

#include "format/show.h"

#include <inttypes.h>
#include <stdio.h>

struct block {
    uint32_t rows, cols;        /* 0: one scale for the whole tensor */
};

static struct key_name hf_key(const char *name)
{
    return (struct key_name){ name, NULL };
}

static bool is_fp8(const struct dtype *t)
{
    return t->id == DTYPE_F8_E4M3 || t->id == DTYPE_F8_E5M2;
}

/* ---- what config.json says ---- */

/* Rows before columns, as the weight's own dimensions. */
static enum err read_block(struct opening *o, struct block *b)
{
    struct key_name key = hf_key("quantization_config.weight_block_size");
    struct uint_range range = { 1, 1 << 20 };
    enum err e;

    *b = (struct block){ 0, 0 };
    if (!keys_has(&o->c.keys, key))
        return ERR_OK;
    if (keys_len(&o->c.keys, key) != 2)
        return keys_fail(&o->c.keys, key, ERR_FORMAT, o->why,
                         "is no array of two integers");
    e = keys_uint_at(&b->rows, &o->c.keys, key, 0, range, o->why);
    return e != ERR_OK ? e : keys_uint_at(&b->cols, &o->c.keys, key, 1, range,
                                          o->why);
}

/* compressed-tensors is a family of schemes; only its plain FP8 form stores
 * weights that are numbers of their own type. */
static enum err check_method(struct opening *o)
{
    struct key_name method_key = hf_key("quantization_config.quant_method");
    struct key_name format_key = hf_key("quantization_config.format");
    struct slice method = { NULL, 0 }, format = { NULL, 0 };
    enum err e;

    if ((e = keys_require(&o->c.keys, method_key, o->why)) != ERR_OK
        || (e = keys_string(&method, &o->c.keys, method_key, o->why)) != ERR_OK)
        return e;
    if (slice_is(method, "fp8"))
        return ERR_OK;
    if (!slice_is(method, "compressed-tensors"))
        return keys_fail(&o->c.keys, method_key, ERR_UNKNOWN, o->why, "is %s, "
                         "which is not supported (only fp8 is); use the "
                         "model's original weights or a GGUF file of it",
                         show(method).text);
    e = keys_string(&format, &o->c.keys, format_key, o->why);
    if (e != ERR_OK || slice_is(format, "float-quantized"))
        return e;
    return keys_fail(&o->c.keys, format_key, ERR_UNKNOWN, o->why, "is %s, which"
                     " is not supported (only float-quantized is)",
                     format.len == 0 ? "missing" : show(format).text);
}

/* ---- tensors and their companions ---- */

/* The tensor called NAME without its last `cut` bytes, with `tail` behind. */
static const struct tensor_info *companion(const struct opening *o,
                                           struct slice name, size_t cut,
                                           const char *tail)
{
    char full[512];
    int len;

    if (name.len < cut || name.len > sizeof full)
        return NULL;
    len = snprintf(full, sizeof full, "%.*s%s", (int)(name.len - cut), name.at,
                   tail);
    if (len < 0 || (size_t)len >= sizeof full)
        return NULL;
    return checkpoint_tensor(&o->c, (struct slice){ full, (size_t)len });
}

/* The last block of a row or column may be partial. */
static uint64_t blocks_of(uint64_t n, uint64_t block)
{
    return n / block + (n % block != 0);
}

/* Does a grid of scales fit to blocks of this size? */
static bool try_grid(struct tensor_scale *s, const struct tensor_info *t,
                     const struct tensor_info *values, struct block b)
{
    struct tensor_scale grid = { values, b.rows, b.cols, 0, 0 };

    if (b.rows == 0 || values->n_dims != 2)
        return false;
    grid.n_rows = blocks_of(t->dims[0], b.rows);
    grid.n_cols = blocks_of(t->dims[1], b.cols);
    if (values->dims[0] != grid.n_rows || values->dims[1] != grid.n_cols)
        return false;
    *s = grid;
    return true;
}

/* A block size in config.json leaves no choice: the grid has to be the one it
 * says.  Without one the number of values decides between all and each row. */
static enum err fit_scale(struct opening *o, struct tensor_info *t,
                          const struct tensor_info *values, struct block b)
{
    uint64_t rows = t->dims[0], cols = t->dims[1];

    if (values->dtype->id != DTYPE_F32 && values->dtype->id != DTYPE_F16
        && values->dtype->id != DTYPE_BF16
        && values->dtype->id != DTYPE_F8_E8M0)
        return fail(o->why, ERR_UNKNOWN, "%s: tensor %s: scales of type %s are "
                    "not supported (f32, f16, bf16 and f8_e8m0 are)",
                    values->file->path, show(values->name).text,
                    values->dtype->name);
    if (try_grid(&t->scale, t, values, b))
        return ERR_OK;
    if (b.rows == 0 && values->n_elements == 1)
        t->scale = (struct tensor_scale){ values, rows, cols, 1, 1 };
    else if (b.rows == 0 && values->n_elements == rows && values->n_dims > 0
             && values->dims[0] == rows)
        t->scale = (struct tensor_scale){ values, 1, cols, rows, 1 };
    else
        return fail(o->why, ERR_FORMAT, "%s: tensor %s: its %" PRIu64 " values "
                    "do not fit the weight (%" PRIu64 " x %" PRIu64 ") in "
                    "blocks of %" PRIu32 " x %" PRIu32 " (0: one for each row, "
                    "or one for all)", values->file->path,
                    show(values->name).text, values->n_elements, rows, cols,
                    b.rows, b.cols);
    return ERR_OK;
}

static enum err attach_fp8(struct opening *o, struct tensor_info *t,
                           struct block b)
{
    const struct tensor_info *values = companion(o, t->name, 0, "_scale_inv");

    if (values == NULL)
        values = companion(o, t->name, 0, "_scale");
    if (values == NULL)
        return fail(o->why, ERR_FORMAT, "%s: tensor %s is %s, but its scales "
                    "(%s_scale_inv or %s_scale) are missing", t->file->path,
                    show(t->name).text, t->dtype->name, show(t->name).text,
                    show(t->name).text);
    if (t->n_dims != 2)
        return fail(o->why, ERR_UNKNOWN, "%s: tensor %s is %s with %" PRIu32
                    " dimensions; only matrices are supported",
                    t->file->path, show(t->name).text, t->dtype->name,
                    t->n_dims);
    return fit_scale(o, t, values, b);
}

/* FP8 without its configuration or its scales would load, and be wrong by
 * orders of magnitude; so both are demanded even of tensors nobody may want. */
static enum err attach_all_fp8(struct opening *o)
{
    struct key_name config = hf_key("quantization_config");
    struct block b = { 0, 0 };
    enum err e = ERR_OK;

    if (keys_has(&o->c.keys, config)
        && ((e = check_method(o)) != ERR_OK
            || (e = read_block(o, &b)) != ERR_OK))
        return e;
    for (size_t i = 0; e == ERR_OK && i < o->n_tensors; i++) {
        struct tensor_info *t = &o->tensors[i];

        if (!is_fp8(t->dtype) || t->n_elements == 0)
            continue;
        if (!keys_has(&o->c.keys, config))
            return keys_fail(&o->c.keys, config, ERR_FORMAT, o->why, "is "
                             "missing, although tensor %s is %s",
                             show(t->name).text, t->dtype->name);
        e = attach_fp8(o, t, b);
    }
    return e;
}

/* "X.weight" of type NVFP4 may have "X.scale": one factor for each matrix. */
static enum err attach_nvfp4(struct opening *o, struct tensor_info *t)
{
    const struct tensor_info *values;
    uint64_t cols, rows, n;

    if (!slice_ends(t->name, SLICE(".weight")) || t->n_elements == 0)
        return ERR_OK;
    values = companion(o, t->name, sizeof "weight" - 1, "scale");
    if (values == NULL)
        return ERR_OK;
    cols = t->dims[t->n_dims - 1];
    rows = t->n_elements / cols;
    n = values->n_elements;
    if (values->dtype->id != DTYPE_F32 || n == 0 || rows % n != 0)
        return fail(o->why, ERR_FORMAT, "%s: tensor %s: its %" PRIu64 " values "
                    "of type %s do not fit the weight (%" PRIu64 " rows)",
                    values->file->path, show(values->name).text, n,
                    values->dtype->name, rows);
    t->scale = (struct tensor_scale){ values, rows / n, cols, n, 1 };
    return ERR_OK;
}

/* The index of names exists by now; companions are found through it. */
enum err opening_scales(struct opening *o)
{
    enum err e = ERR_OK;

    if (o->c.naming == NAMING_HF)
        return attach_all_fp8(o);
    for (size_t i = 0; e == ERR_OK && i < o->n_tensors; i++)
        if (o->tensors[i].dtype->id == DTYPE_NVFP4)
            e = attach_nvfp4(o, &o->tensors[i]);
    return e;
}
