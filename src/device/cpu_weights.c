/* From rows in a file to matrices that can be multiplied: packed where the
 * format has a packed form, converted where that was asked for, else as they
 * lie in the file. */
#include "device/cpu.h"
#include "device/cpu_store.h"

#include "base/checked.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS_A_TURN = 256 };        /* packed between two looks at progress */

/* ---- scales beside the weights ---- */

static float e8m0(uint8_t b)
{
    return ldexpf(1.0f, b - 127);
}

/* The grid of scales as f32 into m->scale. */
static enum err take_scales(struct matrix *m, const struct cpu *c,
                            const struct tensor_source *src,
                            struct err_info *why)
{
    size_t n = (size_t)(src->scale_n_rows * src->scale_n_cols), size;
    const struct weight_format *f;

    if (src->scale_dtype == NULL)
        return ERR_OK;
    if (!checked_size(&size, n, sizeof(float))
        || (m->scale = malloc(size + 1)) == NULL)
        return fail_nomem(why);
    f = weight_find(c->isa->weights, src->scale_dtype->id);
    if (src->scale_dtype->id == DTYPE_F8_E8M0)
        for (size_t i = 0; i < n; i++)
            m->scale[i] = e8m0(src->scale_data[i]);
    else if (f != NULL && f->block_len == 1)
        f->expand(m->scale, src->scale_data, n);
    else
        return fail(why, ERR_UNKNOWN, "%s: its scales are %s, which is not "
                    "supported", src->name, src->scale_dtype->name);
    return ERR_OK;
}

/* ---- views ---- */

static enum err check_source(const struct weight_format **f,
                             const struct cpu *c,
                             const struct tensor_source *src,
                             struct err_info *why)
{
    *f = weight_find(c->isa->weights, src->dtype->id);
    if (*f == NULL)
        return fail(why, ERR_UNKNOWN, "%s: its type %s is no weight format "
                    "that is supported", src->name, src->dtype->name);
    if (src->n_cols % src->dtype->block_len != 0)
        return fail(why, ERR_FORMAT, "%s: its rows of %llu elements are no "
                    "whole number of %s blocks of %u", src->name,
                    (unsigned long long)src->n_cols, src->dtype->name,
                    src->dtype->block_len);
    return ERR_OK;
}

static struct weight_view rows_view(const struct weight_format *f,
                                    const void *data, size_t n_rows,
                                    size_t n_cols)
{
    const struct dtype *t = dtype_get(f->dtype);
    return (struct weight_view){
        .format = f, .layout = WEIGHT_ROWS, .data = data,
        .n_rows = n_rows, .n_cols = n_cols,
        .row_stride = n_cols / t->block_len * t->block_size,
    };
}

static struct weight_view source_view(const struct weight_format *f,
                                      const struct tensor_source *src,
                                      const float *scale)
{
    struct weight_view v = rows_view(f, src->data, (size_t)src->n_rows,
                                     (size_t)src->n_cols);
    if (scale != NULL)
        v.scale = (struct weight_scale){
            .at = scale,
            .block_rows = (size_t)src->scale_block_rows,
            .block_cols = (size_t)src->scale_block_cols,
            .stride = (size_t)src->scale_n_cols,
        };
    return v;
}

/* What a matrix will be: the format, its layout and the memory it needs. */
struct shape {
    struct tensor_source  flat;      /* the source as it lies once turned */
    struct matrix_options made;      /* of that */
    const struct weight_format *from, *to;
    bool   packs, converts;
    size_t unit_size;        /* of a packed group, or of a converted row */
    size_t n_units, size;    /* size 0: nothing beyond the file */
};

/* Check the source as the file has it, then as it will lie. */
static enum err plan_flat(struct shape *s, const struct cpu *c,
                          const struct tensor_source *src,
                          const struct matrix_options *o, struct err_info *why)
{
    struct tensor_source file = *src;
    enum err             e;

    if (src->transposed)
        file.n_cols = src->n_rows;
    if ((e = check_source(&s->from, c, &file, why)) != ERR_OK)
        return e;
    s->flat = *src;
    s->made = *o;
    if (!src->transposed)
        return ERR_OK;
    cpu_turned(&s->flat, &s->made);
    return check_source(&s->from, c, &s->flat, why);
}

static enum err plan(struct shape *s, const struct cpu *c,
                     const struct tensor_source *src,
                     const struct matrix_options *o, struct err_info *why)
{
    const struct dtype *to;
    size_t              n_cols = (size_t)src->n_cols;
    enum err            e = plan_flat(s, c, src, o, why);

    if (e != ERR_OK)
        return e;
    to = s->made.convert_to;
    s->to = to == NULL ? s->from : weight_find(c->isa->weights, to->id);
    s->converts = s->to != s->from;
    if (s->converts && (s->to == NULL || s->to->quantize == NULL))
        return fail(why, ERR_UNKNOWN, "weights cannot be converted to %s",
                    to->name);
    s->packs = !o->exact && weight_packs(s->to, n_cols)
            && (s->converts || s->flat.scale_dtype == NULL);
    s->size = s->unit_size = s->n_units = 0;
    if (!(o->use & MATRIX_MUL) || (!s->packs && !s->converts))
        return ERR_OK;
    s->n_units = (size_t)src->n_rows;
    s->unit_size = rows_view(s->to, NULL, 1, n_cols).row_stride;
    if (s->packs) {
        s->n_units = weight_n_groups((size_t)src->n_rows);
        s->unit_size = s->to->group_size(n_cols);
    }
    if (!checked_size(&s->size, s->n_units, s->unit_size))
        return fail(why, ERR_LIMIT, "%s is too large for this machine",
                    src->name);
    return ERR_OK;
}

/* ---- making them ---- */

struct pack_job {
    const struct weight_view *from;
    const struct shape       *shape;
    uint8_t                  *to;
    size_t                    first;         /* unit of chunk 0 */
    float                    *row;           /* [threads][2][n_cols] */
    uint8_t                  *quants;        /* [threads][16 rows] */
    size_t                    quants_size;
    bool                     *bad;           /* [threads] */
    const struct tensor_source *src;
};

/* Convert one row; a value that is finite and no longer is, is a fault. */
static void convert_row(struct pack_job *j, uint8_t *to, size_t r,
                        unsigned worker)
{
    size_t n = j->from->n_cols;
    float *x = j->row + 2 * worker * n, *back = x + n;

    weight_expand_row(x, j->from, r);
    j->shape->to->quantize(to, x, n);
    j->shape->to->expand(back, to, n);
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i]) && !isfinite(back[i]))
            j->bad[worker] = true;
}

static void pack_unit(void *arg, size_t chunk, unsigned worker)
{
    struct pack_job *j = arg;
    const struct weight_view *from = j->from;
    size_t unit = j->first + chunk, row = unit * WEIGHT_GROUP;

    if (!j->shape->packs) {
        convert_row(j, j->to + unit * j->shape->unit_size, unit, worker);
        return;
    }
    size_t             left = from->n_rows - row;
    struct weight_rows rows = {
        .data = (const uint8_t *)from->data + row * from->row_stride,
        .n_rows = left < WEIGHT_GROUP ? left : WEIGHT_GROUP,
        .row_stride = from->row_stride, .n_cols = from->n_cols,
    };
    if (j->shape->converts) {
        uint8_t *quants = j->quants + worker * j->quants_size;
        rows.row_stride = rows_view(j->shape->to, NULL, 1,
                                    from->n_cols).row_stride;
        for (size_t r = 0; r < rows.n_rows; r++)
            convert_row(j, quants + r * rows.row_stride, row + r, worker);
        rows.data = quants;
    }
    j->shape->to->pack(j->to + unit * j->shape->unit_size, &rows);
}

/* Units [first, first + n) are done: so are the rows they were made of. */
static void tell_packed(const struct pack_job *j, size_t n)
{
    const struct weight_view *from = j->from;
    size_t rows = j->shape->packs ? WEIGHT_GROUP : 1;
    size_t at = j->first * rows, end = (j->first + n) * rows;

    end = end < from->n_rows ? end : from->n_rows;
    if (j->src->packed != NULL && !j->src->transposed)
        j->src->packed(j->src->packed_arg,
                       (const uint8_t *)from->data + at * from->row_stride,
                       (end - at) * from->row_stride);
}

static enum err run_pack(struct cpu *c, struct pack_job *j,
                         const struct progress *progress, struct err_info *why)
{
    size_t n = j->shape->n_units, turn;

    for (j->first = 0; j->first < n; j->first += turn) {
        turn = n - j->first < GROUPS_A_TURN ? n - j->first : GROUPS_A_TURN;
        pool_run(c->pool, pack_unit, j, turn);
        tell_packed(j, turn);
        if (progress_tick(progress, "loading weights", j->first, n))
            return fail(why, ERR_CANCELLED, "loading was cancelled");
    }
    for (unsigned t = 0; t < pool_threads(c->pool); t++)
        if (j->bad[t])
            return fail(why, ERR_FORMAT, "%s has values too large for %s",
                        j->src->name, j->shape->to->name);
    return ERR_OK;
}

/* The same id in two starts: the same packed bytes. */
static uint64_t id_of(const struct shape *s, const struct tensor_source *src)
{
    unsigned long long name = slice_hash(slice_of(src->name));
    const uint64_t facts[] = {
        name, src->place, src->n_rows, src->n_cols, s->from->dtype,
        s->to->dtype, s->packs, src->transposed,
    };
    return slice_hash((struct slice){ (const char *)facts, sizeof facts });
}

/* Scratch of the workers, then the work. */
static enum err make_units(struct cpu *c, struct matrix *m,
                           const struct shape *shape,
                           const struct tensor_source *src,
                           const struct progress *progress,
                           struct err_info *why)
{
    const struct weight_view *from = &m->lookup;
    size_t threads = pool_threads(c->pool), row, quants;
    enum err e = ERR_NOMEM;
    struct pack_job j = { .from = from, .shape = shape, .src = src };

    quants = WEIGHT_GROUP
           * rows_view(shape->to, NULL, 1, from->n_cols).row_stride;
    if (!shape->converts)
        quants = row = 1;
    else if (!checked_size(&row, from->n_cols, 2 * sizeof(float) * threads))
        return fail_nomem(why);
    if (!(m->owned = cpu_take(c, shape->size)))
        return fail_nomem(why);
    j.to = m->owned;
    j.quants_size = quants;
    if (!(j.row = malloc(row)))
        goto no_row;
    if (!(j.quants = malloc(quants * threads)))
        goto no_quants;
    if (!(j.bad = calloc(threads, sizeof *j.bad)))
        goto no_bad;
    e = run_pack(c, &j, progress, why);
    free(j.bad);

no_bad:    free(j.quants);
no_quants: free(j.row);
no_row:    return e == ERR_NOMEM ? fail_nomem(why) : e;
}

/* The rows of a transposed source, in memory that is the matrix itself when
 * nothing more is made of them. */
static enum err turn(float **at, struct cpu *c, struct matrix *m,
                     const struct shape *s, const struct tensor_source *src,
                     struct err_info *why)
{
    size_t   size;
    enum err e;

    if (!checked_size(&size, (size_t)src->n_rows, (size_t)src->n_cols)
        || !checked_size(&size, size, sizeof **at)
        || (*at = s->size == 0 ? cpu_take(c, size) : cpu_alloc(size)) == NULL)
        return fail_nomem(why);
    e = cpu_turn(c, *at, src, why);
    m->lookup.data = m->mul.data = *at;
    if (s->size == 0) {
        m->owned = *at;
        m->owned_size = size;
        m->mapped_size = 0;
        *at = NULL;
    }
    return e;
}

static enum err make_matrix(struct cpu *c, struct matrix *m,
                            const struct shape *s,
                            const struct tensor_source *src,
                            const struct progress *progress,
                            struct err_info *why)
{
    float   *turned = NULL;
    enum err e = ERR_OK;

    if (src->transposed)
        e = turn(&turned, c, m, s, src, why);
    if (e == ERR_OK && s->size > 0)
        e = make_units(c, m, s, src, progress, why);
    free(turned);
    return e;
}

static enum err fill_matrix(struct cpu *c, struct matrix *m,
                            const struct tensor_source *src,
                            const struct matrix_options *o,
                            const struct progress *progress,
                            struct err_info *why)
{
    struct shape s;
    enum err     e;

    if ((e = plan(&s, c, src, o, why)) != ERR_OK
        || (e = take_scales(m, c, &s.flat, why)) != ERR_OK)
        return e;
    m->lookup = m->mul = source_view(s.from, &s.flat, m->scale);
    if (s.size == 0 || (o->use & MATRIX_LOOKUP))
        m->mapped_size = m->lookup.row_stride * m->lookup.n_rows;
    if (s.size == 0)
        return make_matrix(c, m, &s, src, progress, why);
    uint64_t    id = id_of(&s, src);
    const void *data = cpu_store_find(c, id, s.size);
    m->owned_size = s.size;
    if (data == NULL) {
        if ((e = make_matrix(c, m, &s, src, progress, why)) != ERR_OK)
            return e;
        cpu_store_put(c, id, data = m->owned, s.size);
    }
    m->mul = rows_view(s.to, data, m->lookup.n_rows, m->lookup.n_cols);
    m->mul.layout = s.packs ? WEIGHT_TILES : WEIGHT_ROWS;
    m->fine = (o->use & MATRIX_FINE) && weight_act(&m->mul) == ACT_INT8;
    return ERR_OK;
}

enum err cpu_matrix_open(struct device *d, struct matrix **out,
                         const struct tensor_source *src,
                         const struct matrix_options *o,
                         const struct progress *progress, struct err_info *why)
{
    struct matrix *m;
    enum err       e;

    *out = NULL;
    if ((m = calloc(1, sizeof *m)) == NULL)
        return fail_nomem(why);
    e = fill_matrix((struct cpu *)d, m, src, o, progress, why);
    if (e != ERR_OK) {
        cpu_matrix_close(d, m);
        return e;
    }
    *out = m;
    return ERR_OK;
}

void cpu_matrix_close(struct device *d, struct matrix *m)
{
    if (m == NULL)
        return;
    cpu_give((struct cpu *)d, m->owned);
    free(m->scale);
    free(m);
}

size_t cpu_matrix_bytes(const struct matrix *m)
{
    return m->owned_size + m->mapped_size;
}

enum err cpu_matrix_plan(const struct device *d, size_t *bytes,
                         const struct tensor_source *src,
                         const struct matrix_options *o, struct err_info *why)
{
    struct shape s;
    enum err     e;

    *bytes = 0;
    if ((e = plan(&s, (const struct cpu *)d, src, o, why)) != ERR_OK)
        return e;
    *bytes = s.size;
    if (s.size == 0 || (o->use & MATRIX_LOOKUP))
        *bytes += rows_view(s.from, NULL, 1, (size_t)src->n_cols).row_stride
                * (size_t)src->n_rows;
    return ERR_OK;
}

/* ---- vectors ---- */

enum err cpu_vector_open(struct device *d, struct vector **out,
                         const struct tensor_source *src, float add,
                         struct err_info *why)
{
    const struct weight_format *f;
    size_t   n = (size_t)(src->n_rows * src->n_cols), size;
    enum err e = check_source(&f, (struct cpu *)d, src, why);

    *out = NULL;
    if (e != ERR_OK)
        return e;
    if (!checked_size(&size, n, sizeof(float))
        || (*out = malloc(sizeof **out + size)) == NULL)
        return fail_nomem(why);
    (*out)->n = n;
    f->expand((*out)->value, src->data, n);
    for (size_t i = 0; add != 0.0f && i < n; i++)
        (*out)->value[i] += add;
    return ERR_OK;
}

void cpu_vector_close(struct device *d, struct vector *v)
{
    (void)d;
    free(v);
}

const float *cpu_vector_values(const struct vector *v)
{
    return v->value;
}
