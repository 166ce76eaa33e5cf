/* One safetensors file: its header, checked by the reference's rules in the
 * reference's order, and beyond them: no key may stand twice. */
#ifndef OSMIA_FORMAT_SAFETENSORS_H
#define OSMIA_FORMAT_SAFETENSORS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "format/checkpoint.h"

struct safetensors {
    struct tensor_info *tensors;    /* by place in the file */
    size_t              n_tensors;
};

/* What is kept comes from `arena`; names are as in the file. */
enum err safetensors_read(struct safetensors *s, const struct file *f,
                          struct arena *arena, struct err_info *why);

#endif
