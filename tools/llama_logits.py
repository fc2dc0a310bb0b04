#!/usr/bin/env python3
"""llama.cpp's logits of the last N of given ids, as `longscroll logits --tail N` writes Longscroll's: float32
[N, vocabulary]. Keys and values in f16, no flash attention: its exact setting. For tools/quality_table.py.

Usage: tools/llama_logits.py MODEL.gguf --ids-file FILE --tail N --out X.npy [--threads 2]

Needs llama-cpp-python (bench/peers.sh installs it) and numpy.
"""
import argparse
import ctypes
import pathlib

import llama_cpp
import numpy

STEP, F16 = 512, 1  # tokens decoded at once; ggml_type


@llama_cpp.llama_log_callback
def be_quiet(level, text, user_data):
    pass


def open_context(path, length, threads):
    llama_cpp.llama_backend_init()
    llama_cpp.llama_log_set(be_quiet, ctypes.c_void_p(0))
    model_params = llama_cpp.llama_model_default_params()
    model_params.n_gpu_layers = 0
    model = llama_cpp.llama_model_load_from_file(path.encode(), model_params)
    if not model:
        raise SystemExit(f"llama_logits: {path}: llama.cpp cannot load it")
    params = llama_cpp.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch = length, STEP, STEP
    params.n_threads = params.n_threads_batch = threads
    params.type_k = params.type_v = F16
    params.flash_attn_type = 0
    context = llama_cpp.llama_init_from_model(model, params)
    if not context:
        raise SystemExit(f"llama_logits: {path}: no context of {length:,} tokens")
    return context, llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))


def decode(context, ids, first, wanted_from):
    """Reads ids at positions from `first` on; logits are kept from position `wanted_from` on."""
    batch = llama_cpp.llama_batch_init(len(ids), 0, 1)
    batch.n_tokens = len(ids)
    for i, token in enumerate(ids):
        batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, first + i, 1
        batch.seq_id[i][0] = 0
        batch.logits[i] = int(first + i >= wanted_from)
    status = llama_cpp.llama_decode(context, batch)
    llama_cpp.llama_batch_free(batch)
    if status != 0:
        raise SystemExit(f"llama_logits: llama_decode returned {status}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--ids-file", required=True)
    parser.add_argument("--tail", type=int, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    ids = [int(word) for word in pathlib.Path(options.ids_file).read_text().split()]
    context, vocab = open_context(options.model, len(ids), options.threads)
    wanted_from = len(ids) - options.tail
    out = numpy.lib.format.open_memmap(options.out, mode="w+", dtype=numpy.float32, shape=(options.tail, vocab))
    for first in range(0, len(ids), STEP):
        part = ids[first:first + STEP]
        decode(context, part, first, wanted_from)
        for i in range(len(part)):
            if first + i >= wanted_from:
                row = llama_cpp.llama_get_logits_ith(context, i)
                out[first + i - wanted_from] = numpy.ctypeslib.as_array(row, (vocab,))
    out.flush()


if __name__ == "__main__":
    main()
