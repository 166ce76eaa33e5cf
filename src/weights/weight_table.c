#include "weights/parts.h"

#define NAME_TEXT_(x) #x
#define NAME_TEXT(x)  NAME_TEXT_(x)

static const struct weight_format *const formats[] = {
#define X(format) &WEIGHT(format),
    WEIGHT_LIST(X)
#undef X
    NULL,
};

const struct weight_table WEIGHT(table) = {
    .isa = NAME_TEXT(ISA),
    .formats = formats,
    .act_prepare = WEIGHT(act_prepare),
    .mul_rows = WEIGHT(mul_rows),
};
