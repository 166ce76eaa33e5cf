/* What a fuzz target is: one function over any bytes whatever.
 *
 * fuzz_NAME.c defines it; libFuzzer calls it with what it makes up, replay.c
 * with every file of corpus/NAME, so that the ordinary suite checks the corpus,
 * too.  It returns 0 and fails by assert. */
#ifndef OSMIA_TESTS_FUZZ_H
#define OSMIA_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
