#include "kernels/kernel.h"

#define NAME_TEXT_(x) #x
#define NAME_TEXT(x)  NAME_TEXT_(x)

extern const struct kernel_table KERNEL(table);

const struct kernel_table KERNEL(table) = {
    .isa = NAME_TEXT(ISA),
    .norm = KERNEL(norm),
    .rope = KERNEL(rope),
    .gate = KERNEL(gate),
    .add = KERNEL(add),
    .add_scaled = KERNEL(add_scaled),
    .sigmoid = KERNEL(sigmoid),
    .scale = KERNEL(scale),
    .softcap = KERNEL(softcap),
    .route = KERNEL(route),
    .kv_store = KERNEL(kv_store),
    .attend = KERNEL(attend),
    .attend_latent = KERNEL(attend_latent),
    .attn_merge = KERNEL(attn_merge),
    .probe = KERNEL(probe),
};
