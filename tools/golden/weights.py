#!/usr/bin/env python3
"""Write tests/weights/golden_expand.bin and golden_quantize.bin.

usage: weights.py GGML_QUANTS_SO OUT_DIR

GGML_QUANTS_SO is ggml's src/ggml-quants.c as a shared library, built without
contraction of floating-point expressions:

    gcc -O2 -ffp-contract=off -shared -fPIC -Iinclude -Isrc \\
        src/ggml-quants.c -o ggml_quants.so

Both files are sequences of records of little-endian numbers:

    expand:    name[16], u32 blocks, block bytes ..., f32 values ...
    quantize:  name[16] "input", u32 n, f32 x[n], then per format
               name[16], u32 n_bytes, bytes

De-quantised values come from the library and, where the Python package gguf
knows the type, are compared with it as well.
"""
import ctypes
import struct
import sys

import gguf
import numpy as np

# name, ggml id, values and bytes of a block, offsets of f16 scales
TYPES = [
    ("q4_0", 2, 32, 18, [0]), ("q4_1", 3, 32, 20, [0, 2]),
    ("q5_0", 6, 32, 22, [0]), ("q5_1", 7, 32, 24, [0, 2]),
    ("q8_0", 8, 32, 34, [0]), ("q2_K", 10, 256, 84, [80, 82]),
    ("q3_K", 11, 256, 110, [108]), ("q4_K", 12, 256, 144, [0, 2]),
    ("q5_K", 13, 256, 176, [0, 2]), ("q6_K", 14, 256, 210, [208]),
    ("iq2_xxs", 16, 256, 66, [0]), ("iq2_xs", 17, 256, 74, [0]),
    ("iq3_xxs", 18, 256, 98, [0]), ("iq1_s", 19, 256, 50, [0]),
    ("iq4_nl", 20, 32, 18, [0]), ("iq3_s", 21, 256, 110, [0]),
    ("iq2_s", 22, 256, 82, [0]), ("iq4_xs", 23, 256, 136, [0]),
    ("iq1_m", 29, 256, 56, []), ("tq1_0", 34, 256, 54, [52]),
    ("tq2_0", 35, 256, 66, [64]), ("mxfp4", 39, 32, 17, []),
    ("nvfp4", 40, 64, 36, []), ("q1_0", 41, 128, 18, [0]),
    ("q2_0", 42, 64, 18, [0]),
]
QUANTIZED = ["q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q4_K", "q5_K", "q6_K"]


def blocks_of(rng, name, length, size, scales):
    """Random blocks, the fixed pattern, and blocks with extreme scales."""
    pattern = np.array([(73 * k + 41) % 256 for k in range(size)], np.uint8)
    fixed = [0x3800, 0x3400]
    for at, h in zip(scales, fixed):
        pattern[at:at + 2] = np.frombuffer(struct.pack("<H", h), np.uint8)
    if name == "mxfp4":
        pattern[0] = 127
    if name == "iq1_m":             # its f16 scale lies in four high nibbles
        for i in range(4):
            pattern[49 + 2 * i] &= 15
            pattern[49 + 2 * i] |= (0x3800 >> 4 * i & 15) << 4
    out = [pattern]
    n_random = 2 if length == 256 else 8
    for _ in range(n_random):
        b = rng.integers(0, 256, size, np.uint8)
        for at in scales:
            h = np.float16(rng.normal() * 0.02)
            b[at:at + 2] = np.frombuffer(h.tobytes(), np.uint8)
        out.append(b)
    for h in (0x0001, 0x7c00, 0x8000):
        b = rng.integers(0, 256, size, np.uint8)
        for at in scales:
            b[at:at + 2] = np.frombuffer(struct.pack("<H", h), np.uint8)
        if name == "mxfp4":
            b[0] = {0x0001: 0, 0x7c00: 255}.get(h, 1)
        out.append(b)
    return np.stack(out)


def expand(lib, name, blocks, length):
    y = np.zeros(len(blocks) * length, np.float32)
    getattr(lib, "dequantize_row_" + name)(
        blocks.ctypes.data_as(ctypes.c_void_p),
        y.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(len(y)))
    return y


def check_with_package(name, gguf_id, blocks, y):
    try:
        t = gguf.GGMLQuantizationType(gguf_id)
        with np.errstate(all="ignore"):
            theirs = gguf.quants.dequantize(blocks, t).reshape(-1)
    except (ValueError, NotImplementedError):
        print(f"{name}: not in the gguf package")
        return
    same = (theirs.view(np.uint32) == y.view(np.uint32)) | (
        np.isnan(theirs) & np.isnan(y)) | ((theirs == 0) & (y == 0))
    print(f"{name}: {len(y) - same.sum()} of {len(y)} differ from gguf")


def inputs(rng):
    rows = [np.array([((37 * i) % 101 - 50) / 16 + (i % 7) / 128
                      for i in range(256)])]
    rows += [rng.normal(size=256) * s for s in (1, 0.02, 1e-6)]
    rows += [np.zeros(256), np.full(256, 0.75), np.full(256, -3.0)]
    rows += [np.where(np.arange(256) % 61 == 5, 40.0, rng.normal(size=256))]
    rows += [np.abs(rng.normal(size=256)), -np.abs(rng.normal(size=256))]
    rows += [np.round(rng.normal(size=256) * 4) / 2]        # many ties
    rows += [rng.normal(size=256) * (np.arange(256) % 32 < 16)]
    return np.stack(rows).astype(np.float32)


def quantize(lib, name, x, size, length):
    out = np.zeros(x.size // length * size, np.uint8)
    getattr(lib, f"quantize_row_{name}_ref")(
        x.ctypes.data_as(ctypes.c_void_p),
        out.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(x.size))
    return out.tobytes()


def record(name, count, *parts):
    return (name.lower().encode().ljust(16, b"\0") + struct.pack("<I", count)
            + b"".join(parts))


def main():
    lib = ctypes.CDLL(sys.argv[1], ctypes.RTLD_GLOBAL | 1)
    rng = np.random.default_rng(20250101)
    with open(sys.argv[2] + "/golden_expand.bin", "wb") as f:
        for name, gguf_id, length, size, scales in TYPES:
            blocks = blocks_of(rng, name, length, size, scales)
            y = expand(lib, name, blocks, length)
            check_with_package(name, gguf_id, blocks, y)
            f.write(record(name, len(blocks), blocks.tobytes(), y.tobytes()))
    x = inputs(rng)
    with open(sys.argv[2] + "/golden_quantize.bin", "wb") as f:
        f.write(record("input", x.size, x.tobytes()))
        for name, _, length, size, _ in TYPES:
            if name in QUANTIZED:
                q = quantize(lib, name, x, size, length)
                f.write(record(name, len(q), q))


main()
