#!/usr/bin/env python3
"""Writes tests/golden/tiny/NAME/: tiny random float32 checkpoints of every architecture, with what
transformers computes from them.

Each directory holds config.json, the weights and golden.json:
  ids        4,200 seeded token ids
  positions  where the logits below were taken in one forward pass over all ids
  logits     float32 logits there, by transformers in float32 with eager attention
  logits_f64 the same pass in float64, rotary angles included: what the float32 ones are rounded from.
             transformers makes angles in float32, and past position 4,000 that is most of its error
  prompt     the first 40 ids;  greedy: the 64 ids that follow it by arg max
  gap        the smallest distance between the two largest logits on the way (no near ties)

Index is not in transformers: it is a Llama whose head rows are divided by their norm, so the golden is
a LlamaForCausalLM with the normalised head, and the stored checkpoint has the head as it was before.

Usage: tools/make_tiny_checkpoints.py OUTDIR [NAME …]      (needs torch, transformers 5, safetensors)
"""
import json
import pathlib
import shutil
import sys
from unittest import mock

import torch
import transformers
from transformers import (Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM, Qwen2Config,
                          Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM)
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

LENGTH, PROMPT, NEW = 4200, 40, 64
POSITIONS = [0, 1, 7, 63, 64, 500, 2047, 2048, 3333, 4001, 4096, 4199]
MIN_GAP = 1e-4
SIZES = dict(vocab_size=128, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             intermediate_size=96, head_dim=16, max_position_embeddings=8192, rms_norm_eps=1e-5,
             bos_token_id=1, eos_token_id=2, tie_word_embeddings=False)
ORIGINAL = {"original_max_position_embeddings": 2048}


def llama(rope=None, **changes):
    parameters = {"rope_type": "default", "rope_theta": 10000.0, **(rope or {})}
    return LlamaForCausalLM, LlamaConfig(**{**SIZES, "rope_parameters": parameters, **changes})


def gemma3():
    sizes = {**SIZES, "num_hidden_layers": 6, "num_key_value_heads": 1, "hidden_size": 32, "tie_word_embeddings": True,
             "rms_norm_eps": 1e-6}
    return Gemma3ForCausalLM, Gemma3TextConfig(
        **sizes, sliding_window=24, sliding_window_pattern=6, query_pre_attn_scalar=16, pad_token_id=0,
        rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
                         "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}})


# name: (class and config, what config.json says about the base for Index or None, weights files)
MODELS = {
    "llama": (llama(), None, ["safetensors"]),
    "llama_bias": (llama(attention_bias=True), None, ["safetensors"]),
    "llama_linear": (llama({"rope_type": "linear", "factor": 4.0}), None, ["safetensors"]),
    "llama_dynamic": (llama({"rope_type": "dynamic", "factor": 4.0}, max_position_embeddings=2048), None,
                      ["safetensors"]),
    "llama_yarn": (llama({"rope_type": "yarn", "factor": 4.0, **ORIGINAL}), None, ["safetensors"]),
    "llama_llama3": (llama({"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                            **ORIGINAL}), None, ["safetensors"]),
    "qwen2": ((Qwen2ForCausalLM, Qwen2Config(
        **{**SIZES, "tie_word_embeddings": True, "rope_parameters": {"rope_type": "default",
                                                                     "rope_theta": 1000000.0}})),
              None, ["safetensors"]),
    "qwen3": ((Qwen3ForCausalLM, Qwen3Config(
        **{**SIZES, "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0}})), None, ["safetensors"]),
    "gemma3": (gemma3(), None, ["safetensors"]),
    "index_theta": (llama({"rope_theta": 320000.0}), {"rope_theta": 320000.0}, ["safetensors"]),
    "index_ratio": (llama({"rope_theta": 320000.0}), {"rope_ratio": 32}, ["bin"]),
    "index_base": (llama({"rope_theta": 320000.0}), {"rope_base": 320000.0}, ["bin"]),
}


def randomise(model, seed):
    """Weights that make neither flat nor saturated logits, in every place where a mistake would show."""
    generator = torch.Generator().manual_seed(seed)
    gemma = model.config.model_type == "gemma3_text"
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if name.endswith("bias"):
                weight.copy_(noise * 0.3)
            elif "norm" in name:
                # A tied head sees small rows: what keeps the last token from always winning.
                mean = 4.0 if name == "model.norm.weight" and model.config.tie_word_embeddings else 1.0
                if gemma and "self_attn" in name:
                    mean = 0.5  # sharper attention would show little but the float32 angles of transformers
                weight.copy_(noise * 0.2 + mean - (1.0 if gemma else 0.0))
            elif "embed_tokens" in name:
                weight.copy_(noise * (0.08 if model.config.tie_word_embeddings else 1.0))
            else:
                weight.copy_(noise * 1.2 / weight.shape[1] ** 0.5)


def exact_rotary(rotary, x, position_ids, layer_type=None):
    """A rotary embedding's forward with frequencies and angles in float64, where transformers has float32."""
    by_type = {"layer_type": layer_type} if layer_type else {}
    rope_type = rotary.rope_type[layer_type] if layer_type else rotary.rope_type
    with mock.patch.object(torch, "float", torch.float64), mock.patch.object(torch, "float32", torch.float64):
        if rope_type == "default":
            inv_freq, scale = rotary.compute_default_rope_parameters(rotary.config, **by_type)
        else:
            length = int(position_ids.max()) + 1
            inv_freq, scale = ROPE_INIT_FUNCTIONS[rope_type](rotary.config, seq_len=length, **by_type)
    angles = torch.cat([position_ids[..., None].double() * inv_freq] * 2, dim=-1)
    return (angles.cos() * scale).to(x.dtype), (angles.sin() * scale).to(x.dtype)


def logits_of(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids]), use_cache=False).logits[0]


def exact_logits_of(model, ids):
    """The same in float64 throughout. Leaves the model in float64."""
    with mock.patch.object(type(model.model.rotary_emb), "forward", exact_rotary):
        return logits_of(model.double(), ids)


def greedy_of(model, ids):
    """Greedy ids by whole passes: no cache, so dynamic scaling sees each length as it is."""
    ids, gap = list(ids), float("inf")
    for _ in range(NEW):
        last = logits_of(model, ids)[-1]
        top = last.topk(2)
        gap = min(gap, float(top.values[0] - top.values[1]))
        ids.append(int(top.indices[0]))
    return ids[-NEW:], gap


def build(name, seed):
    (model_class, config), base, _ = MODELS[name]
    config._attn_implementation = "eager"
    model = model_class(config).float().eval()
    randomise(model, seed)
    head = model.lm_head.weight.detach().clone()
    if base is not None:
        with torch.no_grad():
            head *= 0.5 + torch.rand(head.shape[0], 1, generator=torch.Generator().manual_seed(seed + 1))
            model.lm_head.weight.copy_(torch.nn.functional.normalize(head, dim=1))
            model.model.norm.weight.mul_(2.0)
    ids = torch.randint(3, config.vocab_size, (LENGTH,), generator=torch.Generator().manual_seed(seed + 2)).tolist()
    return model, head, ids


def save(name, model, head, folder):
    _, base, forms = MODELS[name]
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if base is None:
        return
    config = json.loads((folder / "config.json").read_text())
    config.pop("rope_parameters")
    config.update({"architectures": ["IndexForCausalLM"], "model_type": "index", "norm_head": 1, **base})
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    state = {key: value.contiguous() for key, value in model.state_dict().items()}
    state["lm_head.weight"] = head
    (folder / "model.safetensors").unlink()
    if "safetensors" in forms:
        from safetensors.torch import save_file
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    if "bin" in forms:
        torch.save(state, folder / "pytorch_model.bin")


def decimal(values):
    return [float(f"{value:.9g}") for value in values.tolist()]


def make(name, out):
    for seed in range(1000, 1100):
        model, head, ids = build(name, seed)
        greedy, gap = greedy_of(model, ids[:PROMPT])
        if gap > MIN_GAP and len(set(greedy)) > NEW // 8:
            break
    else:
        raise SystemExit(f"{name}: no seed without near ties")
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save(name, model, head, folder)
    logits = logits_of(model, ids)
    exact = exact_logits_of(model, ids)
    away = float((logits.double() - exact)[POSITIONS].abs().max() / exact.abs().max())
    golden = {"made_by": "tools/make_tiny_checkpoints.py", "transformers": transformers.__version__, "seed": seed,
              "ids": ids, "positions": POSITIONS, "logits": [decimal(logits[p]) for p in POSITIONS],
              "logits_f64": [decimal(exact[p]) for p in POSITIONS], "prompt": ids[:PROMPT], "greedy": greedy, "gap": gap}
    (folder / "golden.json").write_text(json.dumps(golden) + "\n")
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{name}: seed {seed}, gap {gap:.2g}, std {float(logits.std()):.2f}, float32 off by {away:.1e} of the "
          f"largest, {len(set(greedy))} different ids, {size} bytes", flush=True)


def main():
    out = pathlib.Path(sys.argv[1])
    for name in sys.argv[2:] or MODELS:
        make(name, out)


if __name__ == "__main__":
    main()
