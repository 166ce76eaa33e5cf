/* Pieces of random strings as the reference library cuts them, joined by "|";
 * pieces_data.c is written by tools/check_pieces.py. */
#ifndef OSMIA_TESTS_PIECES_DATA_H
#define OSMIA_TESTS_PIECES_DATA_H

#include <stddef.h>

struct pieces_row {
    size_t      spec, len;       /* which component; bytes of the text */
    const char *text, *pieces;
};

extern const char *const       pieces_specs[];
extern const struct pieces_row pieces_rows[];
extern const size_t            n_pieces_rows;

#endif
