"""Weights and tokens of golden models, made from a counter: tests/golden/tiny.c
makes the same ones, so that only configurations and results are committed."""
import numpy as np

U64 = np.uint64


def fnv1a(text):
    h = 0xCBF29CE484222325
    for b in text.encode():
        h = ((h ^ b) * 0x100000001B3) & (2**64 - 1)
    return h


def raw(seed, name, n):
    """n 64-bit numbers: splitmix64 from a state that is the name's hash."""
    start = (fnv1a(name) + seed * 0x9E3779B97F4A7C15) & (2**64 - 1)
    with np.errstate(over="ignore"):
        z = U64(start) + (np.arange(n, dtype=U64) + U64(1)) * U64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
        return z ^ (z >> U64(31))


def tensor(seed, name, shape):
    """f32.  Biases are small, other vectors are norms and lie around 1, matrices
    keep variance."""
    n = int(np.prod(shape))
    u = (raw(seed, name, n) >> U64(40)).astype(np.float64) / 2**23 - 1.0
    if name.endswith((".bias", "_bias")):
        v = 0.2 * u
    elif len(shape) == 1:
        v = 1.0 + 0.3 * u
    elif name == "model.embed_tokens.weight":
        v = u
    else:
        v = u * (2.2 / np.sqrt(float(shape[-1])))
    return v.astype(np.float32).reshape(shape)


def fp8(seed, name, shape):
    """A matrix of an FP8 checkpoint: E4M3 codes (no NaN) times a scale for each
    block of 128 x 128, which are values of NAME_scale_inv."""
    import torch
    rows, cols = shape
    code = (raw(seed, name, rows * cols) >> U64(40)).astype(np.uint8)
    code = np.where(code & 0x7F == 0x7F, code - 1, code).astype(np.uint8)
    values = torch.from_numpy(code).view(torch.float8_e4m3fn).float().numpy()
    grid = (-(-rows // 128), -(-cols // 128))
    u = (raw(seed, name + "_scale_inv", grid[0] * grid[1])
         >> U64(40)).astype(np.float64) / 2**23 - 1.0
    scale = ((1.0 + 0.5 * u) * 0.0125 / np.sqrt(float(cols))).astype(np.float32)
    scale = scale.reshape(grid).repeat(128, 0).repeat(128, 1)[:rows, :cols]
    return values.reshape(shape) * scale


def tokens(seed, n, vocab):
    return [int(x % U64(vocab)) for x in raw(seed, "tokens", n)]
