#!/usr/bin/env python3
"""ik_llama.cpp, through its Python package, timed as `llama-bench` times:
prints the same JSON, so that compare.py can take it for a peer.

    ik.py -m FILE [-p 512] [-n 64] [-t 2] [-d 0] [-b 1] [-ctk f16] [--repack]

-b: sequences decoded together.  Needs the package `ik-llama-cpp-python`.
"""
import argparse
import json
import os
import time

import ik_llama_cpp._ctypes_api as C

KV = {"f32": 0, "f16": 1, "q8_0": 8}


def open_context(args, n_ctx):
    C.llama_backend_init()
    m = C.llama_model_default_params()
    m.n_gpu_layers = 0
    m.repack_tensors = args.repack
    model = C.llama_model_load_from_file(args.model.encode(), m)
    c = C.llama_context_default_params()
    c.n_ctx, c.n_batch, c.n_ubatch = n_ctx, 2048, 512
    c.n_seq_max = args.batch
    c.n_threads = c.n_threads_batch = args.threads
    c.flash_attn = True
    c.type_k = c.type_v = KV[args.cache]
    return C.llama_init_from_model(model, c)


class Batch:
    """One call: `n` tokens at `at` of one sequence, or one token of each."""

    def __init__(self, size):
        self.b = C.llama_batch_init(size, 0, 1)

    def run(self, ctx, rows):
        b = self.b
        b.n_tokens = len(rows)
        for i, (seq, pos, token, want) in enumerate(rows):
            b.token[i], b.pos[i], b.n_seq_id[i] = token, pos, 1
            b.seq_id[i][0], b.logits[i] = seq, want
        if C.llama_decode(ctx, b) != 0:
            raise SystemExit("ik.py: llama_decode failed")


def prefill(ctx, batch, n, seq=0, at=0):
    for first in range(0, n, 512):
        last = min(first + 512, n)
        batch.run(ctx, [(seq, at + i, (7 * i + 1000) % 30000, i == n - 1)
                        for i in range(first, last)])


def timed(args, ctx, batch):
    """-> [(name, n_prompt, n_gen, tokens a second)]"""
    out = []
    if args.prompt:
        start = time.perf_counter()
        prefill(ctx, batch, args.prompt)
        out.append((args.prompt, 0, args.prompt
                    / (time.perf_counter() - start)))
        C.llama_kv_cache_clear(ctx)
    if args.gen:
        for s in range(args.batch):
            prefill(ctx, batch, max(args.depth, 1), s)
        at = max(args.depth, 1)
        start = time.perf_counter()
        for i in range(args.gen):
            batch.run(ctx, [(s, at + i, 1000 + i, 1)
                            for s in range(args.batch)])
        out.append((0, args.gen, args.gen * args.batch
                    / (time.perf_counter() - start)))
        C.llama_kv_cache_clear(ctx)
    return out


def main():
    a = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    a.add_argument("-m", dest="model", required=True)
    a.add_argument("-p", dest="prompt", type=int, default=512)
    a.add_argument("-n", dest="gen", type=int, default=64)
    a.add_argument("-t", dest="threads", type=int, default=os.cpu_count())
    a.add_argument("-d", dest="depth", type=int, default=0)
    a.add_argument("-b", dest="batch", type=int, default=1)
    a.add_argument("-ctk", dest="cache", choices=KV, default="f16")
    a.add_argument("--repack", action="store_true")
    args = a.parse_args()
    # What the library says goes to stderr, ours to the real stdout.
    stdout = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    most = max(args.prompt, args.batch * (max(args.depth, 1) + args.gen))
    ctx = open_context(args, most + 256)
    batch = Batch(2048)
    prefill(ctx, batch, min(args.prompt or 64, 512))      # warm
    C.llama_kv_cache_clear(ctx)
    json.dump([{"n_prompt": p, "n_gen": n, "avg_ts": v}
               for p, n, v in timed(args, ctx, batch)], stdout)
    stdout.write("\n")


if __name__ == "__main__":
    main()
