/* Rotary positions: which elements of a head form a pair. */
#ifndef OSMIA_KERNELS_ROPE_PAIRING_H
#define OSMIA_KERNELS_ROPE_PAIRING_H

enum rope_pairing {
    ROPE_HALVES,       /* x[i] with x[i + width/2]: "NEOX", as HF stores q, k */
    ROPE_NEIGHBOURS    /* x[2i] with x[2i + 1]: "NORM", GGUF llama, DeepSeek */
};

#endif
