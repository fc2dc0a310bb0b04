#!/usr/bin/env python3
"""What the default path's rounding costs over long contexts, for each form of keys and values, and llama.cpp's beside
it: a row each, against `--compute f32` of the same weights. Run by hand; docs/benchmarks/quality.md holds the figures.

The model reads the first N tokens of a text at once, for each N of --ctx; compared are the last --tail positions:
  perplexity  its change against the exact path's over the same positions (bound for the default: 0.5%)
  top-1       positions where both find the same token likeliest (bound: 97%)
  mean KL     divergence from the exact path's distribution, nats a token (bound: 1.2 times llama.cpp's, whose keys
              and values are in f16), with its median: a mean may hang on single positions

Usage: tools/quality_table.py MODEL NAME=TEXT[,TEXT…] … [--ctx 2048,8192,32768] [--tail 1024] [--kv q8,f16,k8v4,q4]
           [--together] [--llama PYTHON] [--longscroll PATH] [--json FILE]

--together reads all texts in one prompt, which takes a prompt's time instead of one for each: equal parts of each in
turn, then, as the last positions, the next part of each in turn. Each text has its row, over its share of --tail.

TEXT is a text file, a folder of .txt files, or a .jsonl file, of which --field of the rows is read. PYTHON is one that
has llama-cpp-python. Rows are printed as they are made, and kept in FILE: a run that was cut goes on from there.
Needs numpy, up to 2 GB of disk and 3 of memory; at 32,768 tokens the exact path takes minutes a row.
"""
import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import numpy

from longscroll_program import CHARACTERS_A_TOKEN, Longscroll, log_softmax, read_text

ROWS = 64  # positions compared at once: float64 copies of all would not fit


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"quality_table: {' '.join(command)}: {done.returncode}\n{done.stderr}")
    return done.stdout


def compare(reference_file, other_file, rows, targets):
    """rows: the slice of positions; targets: the id that follows each of them but the last."""
    reference, other = (numpy.load(file, mmap_mode="r")[rows] for file in (reference_file, other_file))
    divergences, same, losses = [], 0, numpy.zeros(2)
    for first in range(0, len(targets), ROWS):
        ids = targets[first:first + ROWS]
        exact, rounded = (log_softmax(numpy.asarray(part[first:first + len(ids)], dtype=numpy.float64))
                          for part in (reference, other))
        divergences.append((numpy.exp(exact) * (exact - rounded)).sum(axis=1))
        same += int((exact.argmax(axis=1) == rounded.argmax(axis=1)).sum())
        at = numpy.arange(len(ids))
        losses -= [exact[at, ids].sum(), rounded[at, ids].sum()]
    divergences = numpy.concatenate(divergences)
    exact_loss, loss = losses / len(targets)
    return {"perplexity": math.exp(loss), "exact_perplexity": math.exp(exact_loss),
            "perplexity_change": math.exp(loss - exact_loss) - 1, "top1": same / len(targets),
            "mean_kl": float(divergences.mean()), "median_kl": float(numpy.median(divergences)),
            "largest_kl": float(divergences.max()), "positions": len(targets)}


def rows_of(options, ids, folder):
    """(what, command that writes its logits to a file)"""
    ids_file = folder / "ids.txt"
    ids_file.write_text(" ".join(map(str, ids)))
    common = ["--ids-file", str(ids_file), "--tail", str(options.tail)]
    ours = [options.longscroll, "logits", options.model, *common]
    rows = [(f"KV {kv}", [*ours, "--kv", kv]) for kv in options.kv.split(",")]
    if options.llama:
        script = pathlib.Path(__file__).with_name("llama_logits.py")
        rows.append(("llama.cpp", [options.llama, str(script), str(options.gguf), *common]))
    return [*ours, "--compute", "f32"], rows


def show(row):
    print(f"| {row['text']} | {row['tokens']:,} | {row['what']} | {100 * row['perplexity_change']:+.2f}% | "
          f"{100 * row['top1']:.2f}% | {row['mean_kl']:.2e} | {row['median_kl']:.2e} |", flush=True)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("texts", nargs="+", metavar="NAME=TEXT")
    parser.add_argument("--ctx", default="2048,8192,32768")
    parser.add_argument("--tail", type=int, default=1024)
    parser.add_argument("--kv", default="q8,f16,k8v4,q4")
    parser.add_argument("--field", default="context")
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--llama", metavar="PYTHON")
    parser.add_argument("--longscroll", default="build/release/bin/longscroll")
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args()


def measure(options, ids, shares, done, folder):
    """shares: a name for each slice of the last --tail positions."""
    reference, rows = rows_of(options, ids, folder)
    exact, other = folder / "exact.npy", folder / "other.npy"
    tail = numpy.array(ids[len(ids) - options.tail:])
    for what, command in rows:
        keys = [[options.model, name, len(ids), what] for name in shares]
        known = {tuple(row[k] for k in ("model", "text", "tokens", "what")): row for row in done}
        if any(tuple(key) not in known for key in keys):
            if not exact.exists():
                run([*reference, "--out", str(exact)])
            run([*command, "--out", str(other)])
            for key, positions in zip(keys, shares.values()):
                known[tuple(key)] = {**dict(zip(("model", "text", "tokens", "what"), key)),
                                     **compare(exact, other, positions, tail[positions][1:])}
                done.append(known[tuple(key)])
            if options.json:
                pathlib.Path(options.json).write_text(json.dumps(done, indent=1) + "\n")
        for key in keys:
            show(known[tuple(key)])


def first_ids(longscroll, paths, options, length, folder):
    source = folder / "text.txt"
    source.write_text(read_text(paths.split(","), options.field, CHARACTERS_A_TOKEN * length))
    return longscroll.ids(source)[:length]


def prompts(options, length, longscroll, folder):
    """(ids, the shares of the last positions) of each prompt of that length."""
    texts = dict(text.split("=", 1) for text in options.texts)
    groups = [list(texts)] if options.together else [[name] for name in texts]
    for group in groups:
        share = options.tail // len(group)
        part = length // len(group)
        ids = {name: first_ids(longscroll, texts[name], options, part, folder) for name in group}
        short = [f"{name} has {len(found):,} tokens of {part:,}" for name, found in ids.items() if len(found) < part]
        if short:
            print(f"quality_table: {length:,} tokens left out: {', '.join(short)}", file=sys.stderr)
            continue
        together = [token for name in group for token in ids[name][:part - share]]
        together += [token for name in group for token in ids[name][part - share:]]
        yield together, {name: slice(i * share, (i + 1) * share) for i, name in enumerate(group)}


def main():
    options = parse_options()
    if options.together and (options.tail % len(options.texts) or any(int(n) % len(options.texts) for n in options.ctx.split(","))):
        raise SystemExit("quality_table: --together needs a --tail and --ctx that the texts divide evenly")
    done = json.loads(pathlib.Path(options.json).read_text()) if options.json and pathlib.Path(options.json).exists() else []
    print("| text | tokens | what | perplexity | top-1 | mean KL | median KL |\n|---|---|---|---|---|---|---|")
    for length in map(int, options.ctx.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            longscroll = Longscroll(options.longscroll, options.model, folder)
            options.gguf = longscroll.path()
            for ids, shares in prompts(options, length, longscroll, folder):
                for file in folder.glob("*.npy"):
                    file.unlink()  # of the prompt before
                measure(options, ids, shares, done, folder)


if __name__ == "__main__":
    main()
