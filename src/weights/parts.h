/* What the per-ISA files of this folder show each other.  Each name carries the
 * instruction set (tensor/isa.h). */
#ifndef OSMIA_WEIGHTS_PARTS_H
#define OSMIA_WEIGHTS_PARTS_H

#include "tensor/isa.h"
#include "weights/weight.h"
#include "weights/weight_list.h"

void WEIGHT(act_prepare)(void *to, enum act_kind kind, const float *x,
                         size_t n);

/* The ROWS layout: expand, then f32, in the order that weight.h states. */
void WEIGHT(mul_rows)(const struct weight_view *w, const struct mul_job *job);

#define X(format) extern const struct weight_format WEIGHT(format);
WEIGHT_LIST(X)
#undef X

extern const struct weight_table WEIGHT(table);

#endif
