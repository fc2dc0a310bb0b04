#!/usr/bin/env python3
"""Training steps of Longscroll beside transformers: same shape, type, attention kernel and optimiser, random weights.

Both sides run in processes of their own, in turn, --rounds times; medians over all timed steps are printed as a table
and, with --out, written as JSON. A transformers step is model(...).loss.backward() and torch's fused AdamW, products in
bf16 by autocast where --type is bf16, attention by scaled_dot_product_attention.

  --documents N with --peer rows   one row of the batch a document (what padding comes to when lengths are equal)
  --documents N with --peer mask   one row for all, and a dense block-diagonal mask

Usage: bench/train_step.py --program build/release/src/train/train_step --model smollm2-135m --tokens 2048
       (needs torch and transformers 5 in this Python; a quiet machine)
"""
import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

MODELS = {
    "smollm2-135m": dict(vocab=49152, hidden=576, layers=30, heads=9, kv_heads=3, ffn=1536, tied=True),
    "index-1.9b": dict(vocab=65029, hidden=2048, layers=36, heads=16, kv_heads=16, ffn=5888, tied=False),
    "index-2-layers": dict(vocab=65029, hidden=2048, layers=2, heads=16, kv_heads=16, ffn=5888, tied=False),
}


def build_peer(shape, checkpoint, device):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    config = LlamaConfig(
        vocab_size=shape["vocab"], hidden_size=shape["hidden"], num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"], num_key_value_heads=shape["kv_heads"], intermediate_size=shape["ffn"],
        tie_word_embeddings=shape["tied"], max_position_embeddings=1 << 17, attn_implementation="sdpa")
    torch.manual_seed(1)
    with torch.device(device):
        model = LlamaForCausalLM(config).float().train()
    if checkpoint:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return model


def peer_inputs(shape, tokens, documents, form, device):
    import torch
    torch.set_default_device(device)
    ids = torch.randint(shape["vocab"], (1, tokens), generator=torch.Generator(device).manual_seed(1))
    length = tokens // documents
    if documents == 1:
        return dict(input_ids=ids, labels=ids)
    if form == "rows":
        rows = ids.view(documents, length)
        return dict(input_ids=rows, labels=rows)
    owner = torch.arange(tokens) // length
    allowed = (owner[:, None] == owner[None, :]) & torch.ones(tokens, tokens, dtype=torch.bool).tril()
    return dict(input_ids=ids, labels=ids, attention_mask=allowed[None, None],
                position_ids=(torch.arange(tokens) % length)[None])


def peak_gib(device):
    import torch
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / (1 << 30)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


def run_peer(options):
    import contextlib
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    shape = MODELS[options.model]
    model = build_peer(shape, options.checkpoint, options.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    inputs = peer_inputs(shape, options.tokens, options.documents, options.peer, options.device)
    kernels = [getattr(SDPBackend, options.peer_attention)] if options.peer_attention else []
    seconds, loss = [], None
    for step in range(options.steps + 1):
        begin = time.perf_counter()
        kernel = sdpa_kernel(kernels) if kernels else contextlib.nullcontext()
        with kernel, torch.autocast(options.device, torch.bfloat16, enabled=options.type == "bf16"):
            loss = model(**inputs, use_cache=False).loss
            loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if options.device == "cuda":
            torch.cuda.synchronize()
        if step > 0:
            seconds.append(time.perf_counter() - begin)
    print(json.dumps({"seconds": seconds, "tokens": options.tokens, "peak_gib": peak_gib(options.device),
                      "loss": loss.item()}))


def command_of(side, options):
    common = ["--tokens", str(options.tokens), "--documents", str(options.documents), "--type", options.type,
              "--device", options.device, "--steps", str(options.steps)]
    checkpoint = "--checkpoint" if options.checkpoint else "--no-checkpoint"
    if side == "transformers":
        attention = ["--peer-attention", options.peer_attention] if options.peer_attention else []
        return [sys.executable, __file__, "--as-peer", "--model", options.model, "--peer", options.peer, checkpoint,
                *attention, *common]
    shape = MODELS[options.model]
    sizes = [part for key in ("vocab", "hidden", "layers", "heads", "kv_heads", "ffn")
             for part in ("--" + key.replace("_", "-"), str(shape[key]))]
    chunks = ["--loss-chunk", str(options.loss_chunk), "--ffn-chunk", str(options.ffn_chunk)]
    return [options.program, *sizes, *(["--tied"] if shape["tied"] else []), checkpoint, *chunks, *common]


def measure(options):
    sides = {"longscroll": [], "transformers": []}
    for turn in range(options.rounds):
        for side in sorted(sides, reverse=turn % 2 == 1):
            done = subprocess.run(command_of(side, options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if done.returncode != 0:
                sys.exit(f"{side} failed: " + "\n".join(done.stderr.splitlines()[-5:]))
            sides[side].append(json.loads(done.stdout.splitlines()[-1]))
    return sides


def summary(runs):
    seconds = statistics.median(second for run in runs for second in run["seconds"])
    found = {"seconds": seconds, "tokens_per_second": runs[0]["tokens"] / seconds,
             "peak_gib": max(run["peak_gib"] for run in runs), "runs": runs}
    if "operations" in runs[0]:
        rate = statistics.median(run["matmul_rate"] for run in runs)
        found["share_of_matmul_rate"] = runs[0]["operations"] / seconds / rate
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", help="Longscroll's train_step")
    parser.add_argument("--model", choices=MODELS, default="smollm2-135m")
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--documents", type=int, default=1)
    parser.add_argument("--peer", choices=["rows", "mask"], default="mask")
    parser.add_argument("--type", choices=["f32", "bf16"], default="bf16")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--peer-attention", choices=["FLASH_ATTENTION", "CUDNN_ATTENTION"],
                        help="the kernel of scaled_dot_product_attention that the peer is held to")
    parser.add_argument("--loss-chunk", type=int, default=1024, help="Longscroll's: tokens of a chunk of the loss")
    parser.add_argument("--ffn-chunk", type=int, default=4096, help="Longscroll's, with --checkpoint")
    parser.add_argument("--checkpoint", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out")
    parser.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_peer:
        return run_peer(options)
    if not options.program:
        parser.error("--program must be given")
    sides = {side: summary(runs) for side, runs in measure(options).items()}
    for side, found in sides.items():
        print(f"{side:14} {found['seconds']:8.2f} s a step  {found['tokens_per_second']:8.1f} tokens/s  "
              f"{found['peak_gib']:6.2f} GiB"
              + (f"  {found['share_of_matmul_rate']:.3f} of a product" if "share_of_matmul_rate" in found else ""))
    ratio = sides["transformers"]["seconds"] / sides["longscroll"]["seconds"]
    print(f"{'ratio':14} {ratio:8.2f}")
    if options.out:
        settings = {key: value for key, value in vars(options).items() if key not in ("program", "out", "as_peer")}
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump({"settings": settings, "ratio": ratio, **sides}, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
