/* What bind.c (the loop over wanted tensors), bind_find.c (their names),
 * bind_check.c (their shapes), bind_stack.c (one matrix for each expert),
 * bind_heads.c (or head) and bind_pieces.c (vectors in pieces) know of each
 * other. */
#ifndef OSMIA_NN_BIND_PRIVATE_H
#define OSMIA_NN_BIND_PRIVATE_H

#include "nn/bind.h"

enum { BIND_NAME_SIZE = 160 };

/* A wanted tensor as it was found: rows [from, from + rows) of `t`. */
struct found {
    const struct tensor_info *t;     /* NULL: not there */
    uint64_t from, rows;
    uint64_t all_rows;               /* that t should have, */
    uint64_t n_stacked;              /*   this many times; 0: t is a matrix */
    bool     transposed;             /* rows and columns are exchanged in t */
    char     name[BIND_NAME_SIZE];   /* of t, or as it should be called */
};

void bind_spell(char name[BIND_NAME_SIZE], enum naming naming, const char *gguf,
                const char *hf, int64_t layer, const char *suffix);
/* `stem` with i in place of its *; false: it has none. */
bool bind_number(char name[BIND_NAME_SIZE], const char *stem, uint32_t i);
const struct tensor_info *bind_tensor(const struct checkpoint *c,
                                      const char *name);

/* The tensor of a row, `suffix` ".weight" or ".bias"; f->t NULL: it is not there,
 * and f->name is what it should be called. */
void bind_find(struct found *f, const struct binder *b, const struct want *w,
               int64_t layer, const char *suffix);
/* The same for a vector, whose name may have no suffix (WANT_BARE). */
void bind_find_vector(struct found *f, const struct binder *b,
                      const struct want *w, int64_t layer);
/* ERR_FORMAT unless the tensor is all_rows x cols; cols 0: a vector.  Writers
 * give vectors of one column, too. */
enum err bind_check(const struct binder *b, const struct found *f,
                    uint64_t cols, struct err_info *why);
/* What was found, after bind_check, as the device reads it. */
enum err bind_source(struct tensor_source *s, const struct binder *b,
                     const struct found *f, uint64_t cols,
                     struct err_info *why);
enum err bind_missing(const struct binder *b, const struct found *f,
                      struct err_info *why);

/* One matrix of a stack. */
struct place {
    const struct want *want;
    int64_t            layer;
    uint32_t           i;            /* expert or head */
};
enum err bind_find_head(struct found *f, const struct binder *b,
                        const struct place *p, struct err_info *why);

/* A found matrix: its shape checked, then opened or planned. */
enum err bind_open_matrix(struct binder *b, struct matrix **out,
                          const struct found *f, const struct want *w,
                          struct err_info *why);
enum err bind_plan_matrix(struct binder *b, uint64_t *bytes,
                          const struct found *f, const struct want *w,
                          struct err_info *why);

/* A found vector: the same, `add` added to each element. */
enum err bind_open_vector(struct binder *b, struct vector **out,
                          const struct found *f, float add,
                          struct err_info *why);
enum err bind_plan_vector(struct binder *b, uint64_t *bytes,
                          const struct found *f, struct err_info *why);

/* The same for a vector that this checkpoint has in pieces. */
bool     bind_is_pieces(const struct binder *b, const struct want *w);
enum err bind_open_pieces(struct binder *b, struct vector **out,
                          const struct want *w, int64_t layer, float add,
                          struct err_info *why);
enum err bind_plan_pieces(struct binder *b, uint64_t *bytes,
                          const struct want *w, int64_t layer,
                          struct err_info *why);

/* The same for a WANT_STACK row. */
enum err bind_open_stack(struct binder *b, struct stack *out,
                         const struct want *w, int64_t layer,
                         struct err_info *why);
enum err bind_plan_stack(struct binder *b, uint64_t *bytes,
                         const struct want *w, int64_t layer,
                         struct err_info *why);

#endif
