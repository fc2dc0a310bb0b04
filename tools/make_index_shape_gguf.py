#!/usr/bin/env python3
"""Writes a GGUF file with random weights in the shape of Index-1.9B, for timing: its speed does not depend on the
values, its text means nothing.

Architecture llama, as a converted Index is: the rows of the head have norm 1 already. The vocabulary is made up
(SentencePiece's control and byte tokens, then numbered pieces), so that every program loads the file.

Usage: tools/make_index_shape_gguf.py OUT.gguf [--layers 4] [--type q4_0|q8_0|bf16] [--seed 0]
Needs gguf and numpy. About 0.3 GB at four layers in q4_0, 0.5 GB in q8_0, 1.0 GB in bf16; all 36 layers: 1.2 GB,
2.3 GB, 4.4 GB.
"""
import argparse
import sys

import gguf
import numpy
from gguf.quants import quantize

VOCAB, HIDDEN, HEADS, HEAD_DIM, FFN = 65029, 2048, 16, 128, 5888
CONTEXT, ROPE_BASE, NORM_EPS = 32768, 320000.0, 1e-6
DEVIATION = 0.02
TYPES = {"q4_0": (gguf.GGMLQuantizationType.Q4_0, gguf.LlamaFileType.MOSTLY_Q4_0),
         "q8_0": (gguf.GGMLQuantizationType.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
         "bf16": (gguf.GGMLQuantizationType.BF16, gguf.LlamaFileType.MOSTLY_BF16)}


def add_vocabulary(writer):
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    kinds = [gguf.TokenType.UNKNOWN] + [gguf.TokenType.CONTROL] * 2 + [gguf.TokenType.BYTE] * 256
    words = VOCAB - len(tokens)
    scores = [0.0] * len(tokens) + [-float(i) for i in range(words)]
    tokens += [f"\u2581{i:05}" for i in range(words)]
    kinds += [gguf.TokenType.NORMAL] * words
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)


def add_shape(writer, layers, file_type):
    writer.add_name(f"Index-1.9B shape, {layers} layers, random weights")
    writer.add_file_type(file_type)
    writer.add_vocab_size(VOCAB)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(NORM_EPS)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_rope_dimension_count(HEAD_DIM)


def tensors(layers):
    """Name and shape, in the order of the file."""
    yield "token_embd.weight", (VOCAB, HIDDEN)
    for layer in range(layers):
        names = {"attn_norm": (HIDDEN,), "attn_q": (HIDDEN, HIDDEN), "attn_k": (HIDDEN, HIDDEN),
                 "attn_v": (HIDDEN, HIDDEN), "attn_output": (HIDDEN, HIDDEN), "ffn_norm": (HIDDEN,),
                 "ffn_gate": (FFN, HIDDEN), "ffn_up": (FFN, HIDDEN), "ffn_down": (HIDDEN, FFN)}
        for name, shape in names.items():
            yield f"blk.{layer}.{name}.weight", shape
    yield "output_norm.weight", (HIDDEN,)
    yield "output.weight", (VOCAB, HIDDEN)


def add_weights(writer, layers, quantization, seed):
    random = numpy.random.default_rng(seed)
    for name, shape in tensors(layers):
        if len(shape) == 1:
            writer.add_tensor(name, numpy.ones(shape, numpy.float32))
            continue
        weight = random.standard_normal(shape, dtype=numpy.float32) * numpy.float32(DEVIATION)
        if name == "output.weight":
            weight /= numpy.linalg.norm(weight, axis=1, keepdims=True)
        writer.add_tensor(name, quantize(weight, quantization), raw_dtype=quantization)
        print(name, file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--type", choices=TYPES, default="q4_0")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    quantization, file_type = TYPES[options.type]
    # Waiting tensors lie in a temporary file: the whole model need not fit into memory.
    writer = gguf.GGUFWriter(options.out, "llama", use_temp_file=True)
    add_shape(writer, options.layers, file_type)
    add_vocabulary(writer)
    add_weights(writer, options.layers, quantization, options.seed)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
