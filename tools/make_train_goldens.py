#!/usr/bin/env python3
"""Writes tests/golden/train/NAME.{json,safetensors}: loss and gradients of tiny models, by transformers in float32.

Made from the checkpoints in tests/golden/tiny. The JSON has
  documents  two lists of token ids, run one after the other, each alone
  targets    what each position is to predict; -1: nothing
  loss       sum of the cross-entropies over both, in nats
and the safetensors file the gradient of that sum for every parameter, under its own name.

Index is not in transformers: it is a Llama whose head rows are normalised within the forward pass, so that the
gradient goes through the normalisation.

Usage: tools/make_train_goldens.py [OUTDIR]      (needs torch, transformers 5, safetensors)
"""
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file
from torch.nn import functional

from make_tiny_checkpoints import MODELS

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = ["llama", "qwen2", "qwen3", "index_theta"]
LENGTHS = [41, 23]
IGNORED = 5  # targets at the start of the second document: a prompt that is read and not learned


def build(name):
    (model_class, config), base, _ = MODELS[name]
    config._attn_implementation = "eager"
    model = model_class(config).float().eval()
    state = load_file(ROOT / "tests/golden/tiny" / name / "model.safetensors")
    missing, unexpected = model.load_state_dict(state, strict=False)
    tied = ["lm_head.weight"] if config.tie_word_embeddings else []
    assert not unexpected and set(missing) <= set(tied), (missing, unexpected)
    model.tie_weights()
    return model, base is not None


def documents_of(name):
    ids = json.loads((ROOT / "tests/golden/tiny" / name / "golden.json").read_text())["ids"]
    documents, targets, at = [], [], 0
    for length in LENGTHS:
        documents.append(ids[at:at + length])
        targets.append(ids[at + 1:at + length] + [-1])
        at += length
    targets[1][:IGNORED] = [-1] * IGNORED
    return documents, targets


def loss_of(model, norm_head, ids, targets):
    hidden = model.model(torch.tensor([ids]), use_cache=False).last_hidden_state[0]
    head = model.lm_head.weight
    logits = functional.linear(hidden, functional.normalize(head, dim=1) if norm_head else head)
    return functional.cross_entropy(logits, torch.tensor(targets), ignore_index=-1, reduction="sum")


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests/golden/train"
    out.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        model, norm_head = build(name)
        documents, targets = documents_of(name)
        loss = sum(loss_of(model, norm_head, *pair) for pair in zip(documents, targets))
        loss.backward()
        gradients = {key: value.grad.contiguous() for key, value in model.named_parameters()}
        save_file(gradients, out / f"{name}.safetensors")
        golden = {"made_by": "tools/make_train_goldens.py", "transformers": transformers.__version__,
                  "documents": documents, "targets": targets, "loss": float(f"{loss.item():.9g}")}
        (out / f"{name}.json").write_text(json.dumps(golden) + "\n")
        print(f"{name}: loss {loss.item():.6f}, {len(gradients)} gradients")


if __name__ == "__main__":
    main()
