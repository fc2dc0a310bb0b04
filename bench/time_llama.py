#!/usr/bin/env python3
"""Times llama.cpp as `longscroll bench` times Longscroll, and prints an object of the same fields (docs/json.md).

Usage: bench/time_llama.py MODEL.gguf --lengths 2048 --depths 2048 [--flash-attention] [--kv f16] [--threads 2]

Needs llama-cpp-python built for this processor: the ready-made wheels have no AVX-512 and are for function, never
for speed. It takes about 5 minutes:
    CMAKE_ARGS=-DGGML_NATIVE=ON pip install --no-binary llama_cpp_python llama_cpp_python==0.3.36
`build` in the output shows what it was compiled with.
"""
import argparse
import ctypes
import json
import random
import resource
import statistics
import time

import llama_cpp

BATCH, MICRO_BATCH = 2048, 512  # the fastest found for prompts of 2,048 to 32,768 tokens
WARM_UP = 64
KV_TYPES = {"f32": 0, "f16": 1, "q8_0": 8, "bf16": 30}  # ggml_type


@llama_cpp.llama_log_callback
def be_quiet(level, text, user_data):
    pass


class Context:
    """One model and its cache. Not for use after close()."""

    def __init__(self, path, length, options):
        llama_cpp.llama_backend_init()
        llama_cpp.llama_log_set(be_quiet, ctypes.c_void_p(0))
        model_params = llama_cpp.llama_model_default_params()
        model_params.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), model_params)
        if not self.model:
            raise SystemExit(f"time_llama: {path}: llama.cpp cannot load it")
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = length
        params.n_batch, params.n_ubatch = BATCH, MICRO_BATCH
        params.n_threads = params.n_threads_batch = options.threads
        params.type_k = params.type_v = KV_TYPES[options.kv]
        params.flash_attn_type = 1 if options.flash_attention else 0
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        if not self.context:
            raise SystemExit(f"time_llama: {path}: no context with these settings")
        self.memory = llama_cpp.llama_get_memory(self.context)
        self.held = 0  # tokens in the cache
        self.vocab_size = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def truncate(self, length):
        if not llama_cpp.llama_memory_seq_rm(self.memory, 0, length, -1):
            llama_cpp.llama_memory_clear(self.memory, True)
            assert length == 0, "this model's cache cannot be cut"
        self.held = length

    def decode(self, ids):
        """Reads ids after what the cache holds and computes the logits of the last of each batch."""
        for start in range(0, len(ids), BATCH):
            part = ids[start:start + BATCH]
            tokens = (ctypes.c_int32 * len(part))(*part)  # the batch only points to it
            status = llama_cpp.llama_decode(self.context, llama_cpp.llama_batch_get_one(tokens, len(part)))
            if status != 0:
                raise SystemExit(f"time_llama: llama_decode returned {status}")
        llama_cpp.llama_synchronize(self.context)
        self.held += len(ids)

    def close(self):
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)


def seconds_of(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def time_prefill(context, ids, repeats):
    seconds = []
    for _ in range(repeats):
        context.truncate(0)
        seconds.append(seconds_of(lambda: context.decode(ids)))
    return {"length": len(ids), "seconds": statistics.median(seconds), "repeats": seconds}


def time_decode(context, ids, depth, count, repeats):
    """The prompts before were cut from the same ids: a depth that the cache holds need not be read again."""
    context.truncate(min(context.held, depth))
    context.decode(ids[context.held:depth])
    milliseconds = []
    for _ in range(repeats):
        seconds = seconds_of(lambda: [context.decode([token]) for token in ids[depth:depth + count]])
        milliseconds.append(seconds * 1e3 / count)
        context.truncate(depth)
    return {"depth": depth, "ms_per_token": statistics.median(milliseconds), "repeats": milliseconds}


def lengths(text):
    return [int(part) for part in text.split(",") if part]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--lengths", type=lengths, default=[], help="prompts to read, in tokens: 512,2048")
    parser.add_argument("--depths", type=lengths, default=[], help="tokens in the cache when decoding is timed")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each; the median counts")
    parser.add_argument("--decode-tokens", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kv", choices=KV_TYPES, default="f16")
    parser.add_argument("--flash-attention", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not options.lengths + options.depths:
        parser.error("--lengths or --depths is needed")

    longest = max(options.lengths + [depth + options.decode_tokens for depth in options.depths])
    context = Context(options.model, max(longest, WARM_UP), options)
    draw = random.Random(options.seed)
    ids = [draw.randrange(context.vocab_size) for _ in range(longest)]
    context.decode(ids[:WARM_UP])
    context.truncate(0)
    prefill = [time_prefill(context, ids[:length], options.repeats) for length in options.lengths]
    deepest_first = [time_decode(context, ids, depth, options.decode_tokens, options.repeats)
                     for depth in sorted(options.depths, reverse=True)]
    decode = deepest_first[::-1]
    context.close()
    print(json.dumps({
        "model": options.model, "threads": options.threads, "kv": options.kv,
        "flash_attention": options.flash_attention, "version": llama_cpp.__version__,
        "build": llama_cpp.llama_print_system_info().decode(), "prefill": prefill, "decode": decode,
        "decode_tokens": options.decode_tokens,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}, indent=2))


if __name__ == "__main__":
    main()
