#include "kernels/kernel_table.h"

#include "tensor/isa.h"

#define NAME_TEXT_(x) #x
#define NAME_TEXT(x)  NAME_TEXT_(x)

extern const struct kernel_table KERNEL(table);

const struct kernel_table KERNEL(table) = {
    .isa = NAME_TEXT(ISA),
};
