/* The generated tables behind unicode.h; nobody but unicode.c reads them. */
#ifndef OSMIA_TEXT_UNICODE_TABLE_H
#define OSMIA_TEXT_UNICODE_TABLE_H

#include "text/unicode.h"

/* first, first + step, ..., last map to themselves + distance. */
struct unicode_case_run {
    uint32_t first, last;
    uint8_t  step;
    int32_t  distance;
};

/* A mapping to more than one code point; unused ones are zero. */
struct unicode_case_row {
    uint32_t from, to[3];
};

struct unicode_script_row {
    const char *name, *code;
};

/* Ranges of group i: [start[i], start[i + 1]) of the array. */
extern const struct unicode_range unicode_prop_range[];
extern const uint16_t             unicode_prop_start[];
extern const struct unicode_range unicode_script_range[];
extern const uint16_t             unicode_script_start[];
extern const struct unicode_script_row unicode_script_row[];
extern const size_t                    unicode_n_script_row;

extern const struct unicode_case_run unicode_lower_run[], unicode_title_run[],
                                     unicode_upper_run[], unicode_fold_run[];
extern const size_t unicode_n_lower_run, unicode_n_title_run,
                    unicode_n_upper_run, unicode_n_fold_run;
extern const struct unicode_case_row unicode_lower_row[], unicode_title_row[],
                                     unicode_upper_row[], unicode_fold_row[];
extern const size_t unicode_n_lower_row, unicode_n_title_row,
                    unicode_n_upper_row, unicode_n_fold_row;

#endif
