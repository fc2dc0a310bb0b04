#!/usr/bin/env python3
"""Where two runs of `longscroll eval` over the same prompts answer differently, and how near the two continuations are.

For each item whose answers differ: the first token at which they part, and by how many nats our engine prefers the
token of the first run there, given all before it. The prompt is made anew and must have the hash of the first run's
record, which is thus one of our engine.

Usage: tools/explain_answers.py PROGRAM MODEL FIRST SECOND --data DIR [--compute f32] [--longest TOKENS]
Prints a line an item: task, id, tokens of the prompt, scores, the tokens after which they part, the two tokens, nats.
"""
import argparse
import array
import hashlib
import json
import math
import pathlib
import subprocess
import tempfile

import numpy


def records(run):
    with open(run / "records.jsonl", encoding="utf-8") as lines:
        return {(r["task"], r["id"]): r for r in map(json.loads, lines)}


class Engine:
    def __init__(self, options):
        self.program, self.model, self.compute = options.program, options.model, options.compute
        self.folder = tempfile.TemporaryDirectory()

    def run(self, *arguments, text=None):
        done = subprocess.run([self.program, *arguments], input=text, capture_output=True, check=True)
        return done.stdout.decode()

    def ids(self, text, special):
        flags = ["--parse-special"] if special else []
        out = self.run("tokenize", self.model, "--no-special", "--json", *flags, text=text.encode())
        return json.loads(out)["ids"]

    def log_probabilities(self, ids):
        ids_file = pathlib.Path(self.folder.name) / "ids.txt"
        out = pathlib.Path(self.folder.name) / "logits.npy"
        ids_file.write_text(" ".join(map(str, ids)))
        self.run("logits", self.model, "--ids-file", str(ids_file), "--out", str(out), "--last", "--compute", self.compute)
        logits = numpy.load(out)[0].astype(numpy.float64)
        return logits - logits.max() - math.log(numpy.exp(logits - logits.max()).sum())


def prompts(engine, run, data, wanted, system):
    manifest = json.loads((run / "manifest.json").read_text())
    out = engine.run("eval", "prompts", manifest["suite"]["name"], "--data", str(data), "--protocol", manifest["protocol"],
                     "--tasks", ",".join(manifest["tasks"]), "--limit", str(manifest["limit"]), "--json")
    for line in out.splitlines():
        item = json.loads(line)
        if (item["task"], item["id"]) not in wanted:
            continue
        turns = item["turns"]
        if turns[0]["role"] != "system":
            turns = [{"role": "system", "content": system}, *turns]
        chat = "".join(f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n" for turn in turns)
        yield (item["task"], item["id"]), chat + "<|im_start|>assistant\n"


def parting(first, second, end):
    first, second = first + [end], second + [end]
    at = next(i for i, (a, b) in enumerate(zip(first, second)) if a != b)
    return at, first[at], second[at]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("program", "model"):
        parser.add_argument(name)
    for name in ("first", "second"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--system", default="You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
                        help="what the model's ChatML template puts first where a prompt has no system turn")
    parser.add_argument("--compute", default="default")
    parser.add_argument("--longest", type=int, default=1 << 30)
    options = parser.parse_args()
    engine = Engine(options)
    first, second = records(options.first), records(options.second)
    differ = {key for key in first if first[key]["prediction"] != second[key]["prediction"]
              and first[key]["prompt_tokens"] <= options.longest}
    end = engine.ids("<|im_end|>", True)[0]
    for key, prompt in prompts(engine, options.first, options.data, differ, options.system):
        a, b = first[key], second[key]
        ids = engine.ids(prompt, True)
        if hashlib.sha256(array.array("i", ids).tobytes()).hexdigest() != a["prompt_sha256"]:
            print(*key, "the prompt could not be made anew", sep="\t")
            continue
        ours, theirs = engine.ids(a["prediction"], False), engine.ids(b["prediction"], False)
        at, own, other = parting(ours, theirs, end)
        found = engine.log_probabilities(ids + ours[:at])
        print(*key, a["prompt_tokens"], f"{a['score']:.4f}", f"{b['score']:.4f}", at, own, other,
              f"{found[own] - found[other]:+.3f}", sep="\t", flush=True)


if __name__ == "__main__":
    main()
