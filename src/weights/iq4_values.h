/* The 16 values of iq4_nl and iq4_xs, denser near zero. */
#ifndef OSMIA_WEIGHTS_IQ4_VALUES_H
#define OSMIA_WEIGHTS_IQ4_VALUES_H

#include <stdint.h>

static const int8_t iq4_values[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
};

#endif
