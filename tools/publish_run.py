#!/usr/bin/env python3
"""Copies runs of `longscroll eval` without the benchmark's own texts, so that they can be shown to others: every
reference becomes its SHA-256. Scores, predictions and all else stay; `longscroll report` reads the copy as it does
the run.

Usage: tools/publish_run.py OUT RUN …   (OUT/NAME for each RUN of that name)
"""
import hashlib
import json
import pathlib
import shutil
import sys


def hashed(texts):
    return [f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" for text in texts]


def publish(run, out):
    out.mkdir(parents=True)
    shutil.copy(run / "manifest.json", out / "manifest.json")
    with open(run / "records.jsonl", encoding="utf-8") as lines, open(out / "records.jsonl", "w") as copy:
        for line in lines:
            record = json.loads(line)
            for key in ("references", "scored_references"):
                record[key] = hashed(record[key])
            copy.write(json.dumps(record, ensure_ascii=False) + "\n")


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    for run in map(pathlib.Path, sys.argv[2:]):
        publish(run, pathlib.Path(sys.argv[1]) / run.resolve().name)


if __name__ == "__main__":
    main()
