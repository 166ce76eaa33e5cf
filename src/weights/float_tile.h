/* Tiles of f32, f16 and bf16 weights.  (Coming with the next step.) */
#ifndef OSMIA_WEIGHTS_FLOAT_TILE_H
#define OSMIA_WEIGHTS_FLOAT_TILE_H

#include "tensor/simd.h"
#include "weights/parts.h"
#include <string.h>

#endif
