/* Which architecture a checkpoint is of: one row for each name it answers to. */
#ifndef OSMIA_MODELS_ARCH_TABLE_H
#define OSMIA_MODELS_ARCH_TABLE_H

#include "format/checkpoint.h"
#include "nn/arch.h"

/* The rows, for `osmia models`. */
const struct arch_row *arch_rows(size_t *n);

/* model_type decides when it is known, else architectures[0], else
 * general.architecture; two known names that differ: a notice.  ERR_UNKNOWN
 * names what the checkpoint says and what is supported. */
enum err arch_find(const struct arch **out, const struct checkpoint *c,
                   const struct notices *notices, struct err_info *why);

#endif
