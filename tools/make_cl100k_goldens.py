#!/usr/bin/env python3
"""Writes tests/golden/suites/cl100k.json: how tiktoken encodes the texts of ../shared/data with cl100k_base.

Usage: tools/make_cl100k_goldens.py cl100k_base.tiktoken [SHARED]   (needs tiktoken, read off version 0.12)

For each text: its number of ids and the SHA-256 of the ids as decimal numbers with a space between them. The ranks
are OpenAI's file (SHA-256 223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7), never committed.
"""
import hashlib
import json
import pathlib
import sys

import tiktoken
from tiktoken.load import load_tiktoken_bpe
from tiktoken_ext import openai_public

ROOT = pathlib.Path(__file__).resolve().parent.parent


def cl100k(path):
    openai_public.load_tiktoken_bpe = lambda *_, **__: load_tiktoken_bpe(str(path))
    return tiktoken.Encoding(**openai_public.cl100k_base())


def texts(shared):
    for path in sorted((shared / "data/paul_graham_essays").glob("*.txt")):
        yield "paul_graham_essays/" + path.name, path.read_bytes().decode("utf-8")
    path = shared / "data/longbench/multifieldqa_zh.jsonl"
    with open(path, encoding="utf-8", newline="\n") as file:
        for number, line in enumerate(file):
            yield f"longbench/multifieldqa_zh.jsonl line {number} field context", json.loads(line)["context"]


def main():
    encoding = cl100k(pathlib.Path(sys.argv[1]))
    shared = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT.parent / "shared"
    goldens = {}
    for name, text in texts(shared):
        ids = encoding.encode_ordinary(text)
        digest = hashlib.sha256(" ".join(map(str, ids)).encode()).hexdigest()
        goldens[name] = {"ids": len(ids), "sha256": digest}
    out = ROOT / "tests/golden/suites/cl100k.json"
    out.write_text(json.dumps(goldens, indent=1) + "\n", encoding="utf-8")
    print(f"{out}: {len(goldens)} texts, {sum(golden['ids'] for golden in goldens.values())} ids")


if __name__ == "__main__":
    main()
