/* One position's keys and values into the cache, in the layout of kv_view.h. */
#include "kernels/kernel.h"

#include "tensor/number.h"
#include <math.h>
#include <string.h>

static void put(uint8_t *at, enum kv_type type, float x)
{
    uint16_t half;

    if (type == KV_F32) {
        memcpy(at, &x, sizeof x);
        return;
    }
    half = type == KV_BF16 ? bf16_from_f32(x) : f16_from_f32(x);
    memcpy(at, &half, sizeof half);
}

/* A run of up to 32 values as codes with one scale: amax / 127, rounded to f16
 * first so that codes are made with the scale that is stored.  Missing values
 * are zeros. */
static uint16_t quantise(int8_t code[KV_QUANTS], const float *x, size_t n)
{
    float amax = 0.0f;

    for (size_t i = 0; i < n; i++) {
        float a = fabsf(x[i]);
        amax = a > amax || a != a ? a : amax;
    }
    uint16_t half = f16_from_f32(amax / 127.0f);
    float    scale = f32_from_f16(half);
    float    inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
    for (size_t i = 0; i < KV_QUANTS; i++) {
        float c = i < n ? x[i] * inverse : 0.0f;
        c = c > 127.0f ? 127.0f : c > -127.0f ? c : -127.0f;
        code[i] = (int8_t)lrintf(c);
    }
    return half;
}

static void store_k_q8(uint8_t *at, const float *k, size_t width, size_t lane)
{
    int8_t code[KV_QUANTS];

    for (size_t i = 0; i < width; i += KV_QUANTS, at += KV_KEYS * 34) {
        size_t   n = width - i < KV_QUANTS ? width - i : KV_QUANTS;
        uint16_t scale = quantise(code, k + i, n);
        memcpy(at + 2 * lane, &scale, sizeof scale);
        for (size_t quad = 0; quad < KV_QUANTS / 4; quad++)
            memcpy(at + 2 * KV_KEYS + (quad * KV_KEYS + lane) * 4,
                   code + 4 * quad, 4);
    }
}

static void store_v_q8(uint8_t *at, const float *v, size_t width)
{
    int8_t code[KV_QUANTS];

    for (size_t i = 0; i < width; i += KV_QUANTS, at += 34) {
        size_t   n = width - i < KV_QUANTS ? width - i : KV_QUANTS;
        uint16_t scale = quantise(code, v + i, n);
        memcpy(at, &scale, sizeof scale);
        memcpy(at + 2, code, sizeof code);
    }
}

/* One position's row of the K layout, `at` being the first of its KV_KEYS. */
static void store_k(uint8_t *at, enum kv_type type, const float *k,
                    size_t width, size_t lane)
{
    size_t size = kv_row_size(type, 1);

    if (type == KV_Q8_0) {
        store_k_q8(at, k, width, lane);
        return;
    }
    at += lane * size;
    for (size_t i = 0; i < width; i++, at += KV_KEYS * size)
        put(at, type, k[i]);
}

static void store_v(uint8_t *at, enum kv_type type, const float *v,
                    size_t width)
{
    size_t size = kv_row_size(type, 1);

    if (type == KV_Q8_0) {
        store_v_q8(at, v, width);
        return;
    }
    for (size_t i = 0; i < width; i++, at += size)
        put(at, type, v[i]);
}

void KERNEL(kv_store)(const struct kv_view *view, const struct kv_layer *layer,
                      uint32_t pos, const float *k, const float *v)
{
    size_t k_row = kv_row_size(layer->type, layer->k_width);
    size_t v_row = kv_row_size(kv_v_type(layer), layer->v_width);
    size_t in_block = pos % KV_BLOCK, lane = pos % KV_KEYS;
    size_t first = in_block - lane;

    for (uint32_t h = 0; h < layer->n_head_kv; h++) {
        uint8_t *head = kv_head_at(view, layer, h, pos);
        uint8_t *v_at = kv_v_at(layer, head);
        store_k(head + first * k_row, layer->type, k, layer->k_width, lane);
        if (layer->form == KV_LATENT)
            store_k(v_at + first * v_row, kv_v_type(layer), v, layer->v_width,
                    lane);
        else
            store_v(v_at + in_block * v_row, layer->type, v, layer->v_width);
        k += layer->k_width;
        v += layer->v_width;
    }
}
