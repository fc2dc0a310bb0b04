#!/usr/bin/env python3
"""Writes tests/golden/rope/rope.json: inverse frequencies and attention scales as transformers makes them.

Each case holds what transformers computes as it is (float32) and the same code run in float64, by giving
it torch.float64 wherever it names torch.float. The float64 ones are compared to double rounding, the
float32 ones to the rounding of float32.

Usage: tools/make_rope_goldens.py OUT.json      (needs torch and transformers 5)
"""
import json
import sys
from unittest import mock

import torch
import transformers
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

# name, base, dim, rope_parameters without base, max_position_embeddings, length
CASES = [
    ("base_10000", 10000.0, 64, {"rope_type": "default"}, 2048, None),
    ("base_320000_index_32k", 320000.0, 128, {"rope_type": "default"}, 32768, None),
    ("base_1e6_dim_256", 1000000.0, 256, {"rope_type": "default"}, 32768, None),
    ("base_500000_dim_80", 500000.0, 80, {"rope_type": "default"}, 8192, None),
    ("dim_2", 10000.0, 2, {"rope_type": "default"}, 2048, None),
    ("linear_4", 10000.0, 64, {"rope_type": "linear", "factor": 4.0}, 8192, None),
    ("linear_2.5_dim_96", 1000000.0, 96, {"rope_type": "linear", "factor": 2.5}, 8192, None),
    ("dynamic_within", 10000.0, 64, {"rope_type": "dynamic", "factor": 2.0}, 2048, 1000),
    ("dynamic_at_window", 10000.0, 64, {"rope_type": "dynamic", "factor": 2.0}, 2048, 2048),
    ("dynamic_one_past", 10000.0, 64, {"rope_type": "dynamic", "factor": 2.0}, 2048, 2049),
    ("dynamic_4200", 10000.0, 16, {"rope_type": "dynamic", "factor": 4.0}, 2048, 4200),
    ("dynamic_32768", 320000.0, 128, {"rope_type": "dynamic", "factor": 8.0}, 4096, 32768),
    ("yarn_4", 10000.0, 64, {"rope_type": "yarn", "factor": 4.0,
                             "original_max_position_embeddings": 2048}, 8192, None),
    ("yarn_qwen", 1000000.0, 128, {"rope_type": "yarn", "factor": 4.0,
                                   "original_max_position_embeddings": 32768}, 131072, None),
    ("yarn_attention_factor", 10000.0, 64, {"rope_type": "yarn", "factor": 16.0, "attention_factor": 1.25,
                                            "original_max_position_embeddings": 4096}, 65536, None),
    ("yarn_mscale", 10000.0, 64, {"rope_type": "yarn", "factor": 40.0, "mscale": 0.707, "mscale_all_dim": 1.0,
                                  "original_max_position_embeddings": 4096}, 163840, None),
    ("yarn_untruncated_betas", 150000.0, 64, {"rope_type": "yarn", "factor": 32.0, "beta_fast": 24.0,
                                              "beta_slow": 2.0, "truncate": False,
                                              "original_max_position_embeddings": 4096}, 131072, None),
    ("yarn_small_window", 10000.0, 16, {"rope_type": "yarn", "factor": 8.0,
                                        "original_max_position_embeddings": 16}, 128, None),
    ("llama3_8", 500000.0, 128, {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                 "high_freq_factor": 4.0,
                                 "original_max_position_embeddings": 8192}, 131072, None),
    ("llama3_32_dim_64", 500000.0, 64, {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
                                        "high_freq_factor": 4.0,
                                        "original_max_position_embeddings": 8192}, 131072, None),
    # No function in transformers: the default one on the base that the fixed NTK rule gives.
    ("ntk_4", 10000.0, 64, {"rope_type": "ntk", "factor": 4.0}, 8192, None),
]


def compute(base, dim, parameters, window, length):
    """inv_freq (list of floats) and attention scale, by transformers' own functions."""
    parameters = dict(parameters)
    if parameters["rope_type"] == "ntk":
        base = base * parameters["factor"] ** (dim / (dim - 2))
        parameters = {"rope_type": "default"}
    config = LlamaConfig(hidden_size=dim * 2, num_attention_heads=2, head_dim=dim,
                         max_position_embeddings=window, rope_parameters={"rope_theta": base, **parameters})
    if parameters["rope_type"] == "default":
        inv_freq, scale = LlamaRotaryEmbedding.compute_default_rope_parameters(config)
    else:
        inv_freq, scale = ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config, seq_len=length)
    return inv_freq.tolist(), float(scale)


def main():
    cases = []
    for name, base, dim, parameters, window, length in CASES:
        single, scale = compute(base, dim, parameters, window, length)
        with mock.patch.object(torch, "float", torch.float64), mock.patch.object(torch, "float32", torch.float64):
            double, _ = compute(base, dim, parameters, window, length)
        cases.append({"name": name, "base": base, "rotary_dim": dim, "parameters": parameters,
                      "max_position_embeddings": window, "length": length or 0, "attention_scale": scale,
                      "inv_freq_f32": [float(f"{x:.9g}") for x in single], "inv_freq_f64": double})
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        head = {"made_by": "tools/make_rope_goldens.py", "transformers": transformers.__version__}
        out.write(json.dumps(head)[:-1] + ', "cases": [\n')
        out.write(",\n".join(json.dumps(case) for case in cases) + "\n]}\n")


if __name__ == "__main__":
    main()
