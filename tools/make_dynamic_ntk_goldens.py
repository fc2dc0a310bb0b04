#!/usr/bin/env python3
"""Writes tests/golden/rope/dynamic_ntk.json: what transformers computes of the tiny llama checkpoint past its window
by Dynamic NTK, under each of the definitions that a KV cache allows.

  whole   one forward pass over all ids without a cache: everything is turned by the length of the whole
  cached  the prompt, then id by id with transformers' own cache: a cached key keeps the rotation of the length at
          which it was computed, a new one is turned by the length so far
  turned  the same with keys cached before rotation: all are turned by the length so far, as YaRN (arXiv 2309.00071)
          says of dynamic scaling. transformers has no such cache, so the attention is written out here.

Each is float32 logits after the ids at `positions`, the first of which is the prompt's last.

Usage: tools/make_dynamic_ntk_goldens.py tests/golden/tiny/llama OUT.json      (needs torch and transformers 5)
"""
import json
import pathlib
import sys
from unittest import mock

import torch
import transformers
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaAttention

WINDOW, FACTOR, PROMPT, IDS = 48, 4.0, 40, 64
POSITIONS = [39, 47, 48, 52, 58, 63]


def open_model(directory):
    config = LlamaConfig.from_pretrained(directory)
    config.max_position_embeddings = WINDOW
    config.rope_parameters = {"rope_type": "dynamic", "factor": FACTOR,
                              "rope_theta": config.rope_parameters["rope_theta"]}
    return LlamaForCausalLM.from_pretrained(directory, config=config, dtype=torch.float32,
                                            attn_implementation="eager").eval()


def turned(x, cos, sin):
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


def attend_over_unrotated(self, hidden_states, **given):
    """LlamaAttention.forward over a cache of keys before rotation."""
    cache = given["cache"] if "cache" in given else given["past_key_values"]  # its name from transformers 5.24 on
    batch, tokens, _ = hidden_states.shape
    heads = (batch, tokens, -1, self.head_dim)
    query = self.q_proj(hidden_states).view(heads).transpose(1, 2)
    key = self.k_proj(hidden_states).view(heads).transpose(1, 2)
    value = self.v_proj(hidden_states).view(heads).transpose(1, 2)
    key, value = cache.update(key, value, self.layer_idx)
    length = key.shape[2]
    inv_freq, scale = ROPE_INIT_FUNCTIONS["dynamic"](self.config, seq_len=length)
    angles = torch.cat([torch.arange(length)[:, None].float() * inv_freq] * 2, dim=-1)
    cos, sin = angles.cos() * scale, angles.sin() * scale
    query, key = turned(query, cos[-tokens:], sin[-tokens:]), turned(key, cos, sin)
    group = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(group, dim=1), value.repeat_interleave(group, dim=1)
    scores = query @ key.transpose(2, 3) * self.head_dim ** -0.5
    ahead = torch.ones(tokens, length, dtype=torch.bool).triu(length - tokens + 1)
    weights = scores.masked_fill(ahead, float("-inf")).softmax(dim=-1)
    attended = (weights @ value).transpose(1, 2).reshape(batch, tokens, -1)
    return self.o_proj(attended), weights


def step_by_step(model, ids):
    cache = DynamicCache()
    rows = [model(torch.tensor([ids[:PROMPT]]), past_key_values=cache, use_cache=True).logits[0, -1]]
    for at in range(PROMPT, len(ids)):
        rows.append(model(torch.tensor([[ids[at]]]), past_key_values=cache, use_cache=True).logits[0, -1])
    return torch.stack(rows)[[at - PROMPT + 1 for at in POSITIONS]]


def rounded(logits):
    return [[float(f"{value:.9g}") for value in row] for row in logits.tolist()]


def main():
    directory = pathlib.Path(sys.argv[1])
    ids = json.loads((directory / "golden.json").read_text())["ids"][:IDS]
    with torch.no_grad():
        # A model each: transformers' frequencies keep the longest length that they have seen.
        whole = open_model(directory)(torch.tensor([ids]), use_cache=False).logits[0, POSITIONS]
        cached = step_by_step(open_model(directory), ids)
        with mock.patch.object(LlamaAttention, "forward", attend_over_unrotated):
            again = step_by_step(open_model(directory), ids)
    golden = {"made_by": "tools/make_dynamic_ntk_goldens.py", "transformers": transformers.__version__,
              "window": WINDOW, "factor": FACTOR, "prompt": PROMPT, "positions": POSITIONS, "ids": ids, "whole": rounded(whole),
              "cached": rounded(cached), "turned": rounded(again)}
    pathlib.Path(sys.argv[2]).write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
