#include "lanes.h"

#include "tensor/math.h"
#include "tensor/simd.h"
#include <string.h>

static const int8_t table[16] = { -128, -104, -83, -65, -49, -35, -22, -10,
                                  1, 13, 25, 38, 53, 69, 89, 127 };

/* Lanes where floats are wanted: magnitudes that sums and products keep. */
static vf tame(vi bits)
{
    vi small = vi_or(vi_and(bits, vi_set1((int32_t)0x8fffffff)),
                     vi_set1(0x30000000));
    return vi_bits(small);
}

/* 0 and -0. */
static vf zero(vi bits)
{
    return vi_bits(vi_and(bits, vi_set1((int32_t)0x80000000u)));
}

/* Bytes of at most `bits` bits: what the dot product of narrow codes takes. */
static vi codes(vi bytes, int bits)
{
    return vi_and(bytes, vi_set1(0x01010101 * ((1 << bits) - 1)));
}

/* Through vi_most, of all 16 lanes. */
static vi most16(const uint32_t *a)
{
    uint32_t most = 0;

    for (int i = 0; i < LANE_COUNT; i += SIMD_N) {
        uint32_t m = vi_most(vi_load(a + i));
        most = m > most ? m : most;
    }
    return vi_set1((int32_t)most);
}

static vi stored_bytes(vi a)
{
    int8_t byte[SIMD_N];

    vi_store_i8(byte, vi_sra(a, 24));
    return vi_load_i8(byte);
}

/* Signed bytes of -127 .. 127. */
static vi signed_bytes(vi bytes)
{
    return vi_or(bytes, vi_set1(0x01010101));
}

static vi narrow_dot(vi u, vi s, int bits)
{
    int steps = SIMD_STEPS(bits);
    vd d = vd_start(-77);

    for (int i = 0; i < steps; i++)
        d = vd_step(d, codes(u, bits), s);
    /* Per step, so that sets which widen earlier compare. */
    return vi_mul(vi_add(vd_sum(d, -77), vi_set1(77)), vi_set1(8 / steps));
}

static vi wide_dot(vi w, vi s)
{
    vd d = vd_start(5);

    d = vd_step8(d, vi_xor(w, vi_set1((int32_t)(0x01010101u * SIMD_FLIP8))), s);
    return vd_sum(d, 5);
}

/* sum(s) of each lane, which the flip adds 128 times. */
static vi wide_correction(vi s)
{
    vd d = vd_step(vd_start(0), vi_set1(0x01010101), s);

    return vi_mul(vd_sum(d, 0), vi_set1(-SIMD_FLIP8));
}

int KERNEL(lanes)(struct lane_result out[LANE_OPS], const struct lane_input *in)
{
    int n = 0;

    for (int at = 0; at < LANE_COUNT; at += SIMD_N) {
        vi a = vi_load(in->a + at), b = vi_load(in->b + at);
        vi s = signed_bytes(b);
        vf x = tame(a), y = tame(b), z = tame(vi_load(in->c + at));
        const struct { const char *name; vi value; } rows[] = {
            { "add", vi_add(a, b) }, { "sub", vi_sub(a, b) },
            { "mul", vi_mul(a, b) }, { "and", vi_and(a, b) },
            { "or", vi_or(a, b) }, { "xor", vi_xor(a, b) },
            { "shl", vi_shl(a, 5) }, { "shr", vi_shr(a, 5) },
            { "sra", vi_sra(a, 5) }, { "umax", vi_umax(a, b) },
            { "most", most16(in->a) },
            { "set1", vi_set1(-5) }, { "quad", vi_load_quad(in->b) },
            { "lookup", vi_lookup(table, codes(a, 4)) },
            { "i8", vi_load_i8((const char *)in->a + at) },
            { "store i8", stored_bytes(a) },
            { "u8", vi_load_u8((const char *)in->a + at) },
            { "fadd", vf_bits(vf_add(x, y)) },
            { "fsub", vf_bits(vf_sub(x, y)) },
            { "fmul", vf_bits(vf_mul(x, y)) },
            { "fdiv", vf_bits(vf_div(x, y)) },
            { "fma", vf_bits(vf_fma(x, y, z)) },
            { "fmax", vf_bits(vf_max(x, y)) },
            { "fmin", vf_bits(vf_min(x, y)) },
            { "lt", vf_bits(vf_lt(x, y, z, vf_set1(2.0f))) },
            { "zero max", vf_bits(vf_max(zero(a), zero(b))) },
            { "zero min", vf_bits(vf_min(zero(a), zero(b))) },
            { "nan max", vf_bits(vf_max(x, vi_bits(vi_set1(0x7fc00000)))) },
            { "nan min", vf_bits(vf_min(vi_bits(vi_set1(0x7fc00000)), y)) },
            { "nan lt", vf_bits(vf_lt(vi_bits(vi_set1(0x7fc00000)), y, x, z)) },
            { "from", vf_bits(vf_from(a)) },
            { "round", vf_round(vf_mul(x, vf_set1(1e6f))) },
            { "f16", vf_bits(vf_load_f16((const char *)in->c + 2 * at)) },
            { "bf16", vf_bits(vf_load_bf16((const char *)in->c + 2 * at)) },
            { "dot4", narrow_dot(a, s, 4) }, { "dot5", narrow_dot(a, s, 5) },
            { "dot6", narrow_dot(a, s, 6) },
            { "dot8", vi_add(wide_dot(a, s), wide_correction(s)) },
            { "exp", vf_bits(vf_exp(vf_mul(x, vf_set1(1e10f)))) },
            { "tanh", vf_bits(vf_tanh(vf_mul(x, vf_set1(1e9f)))) },
            { "exp nan", vf_bits(vf_exp(vi_bits(vi_set1(0x7fc00000)))) },
            { "x", vf_bits(vf_mul(x, vf_set1(43.0f))) },
            { "exp x", vf_bits(vf_exp(vf_mul(x, vf_set1(43.0f)))) },
            { "tanh x", vf_bits(vf_tanh(vf_mul(x, vf_set1(43.0f)))) },
        };

        n = (int)(sizeof rows / sizeof *rows);
        for (int i = 0; i < n; i++) {
            out[i].name = rows[i].name;
            vi_store(out[i].word + at, rows[i].value);
        }
    }
    return n;
}
