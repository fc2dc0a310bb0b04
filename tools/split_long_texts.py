#!/usr/bin/env python3
"""Writes long English texts as two folders of plain texts, OUT/train and OUT/held-out, for the run in
docs/training-runs.md: every eighth document is held out.

DATA has paul_graham_essays/*.txt and leval/Open-ended-tasks/*.jsonl (the `input` of each record). Texts below 4,000
characters are left out, and so is a text that begins like one before it: L-Eval asks several questions of one document
and has some documents twice.

Usage: tools/split_long_texts.py DATA OUT
"""
import argparse
import json
import pathlib

SHORTEST, SAME_BEGINNING, HELD_OUT_EVERY = 4000, 500, 8


def texts(data):
    for path in sorted((data / "paul_graham_essays").glob("*.txt")):
        yield path.stem, path.read_text()
    for path in sorted((data / "leval/Open-ended-tasks").glob("*.jsonl")):
        for number, line in enumerate(path.read_text().splitlines()):
            yield f"{path.stem}-{number}", json.loads(line)["input"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    options = parser.parse_args()
    beginnings, sizes = set(), {"train": [], "held-out": []}
    for name, text in texts(options.data):
        if len(text) < SHORTEST or text[:SAME_BEGINNING] in beginnings:
            continue
        part = "held-out" if len(beginnings) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1 else "train"
        beginnings.add(text[:SAME_BEGINNING])
        folder = options.out / part
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.txt").write_text(text)
        sizes[part].append(len(text))
    for part, lengths in sizes.items():
        print(f"{part}: {len(lengths)} documents, {sum(lengths)} characters")


if __name__ == "__main__":
    main()
