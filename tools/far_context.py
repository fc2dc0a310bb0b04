#!/usr/bin/env python3
"""How well `longscroll data score` tells natural long documents from glued ones, beside the cheap stand-ins.

Usage: tools/far_context.py DATA --model smollm2-135m --work FOLDER [--documents 40] [--characters 40000]
                            [--piece 6000] [--near 2048] [--most 16384] [--binary build/release/bin/longscroll]
Needs nothing but Python and libzstd. Natural: the beginnings of different long texts in DATA (../shared/data). Glued: as
long, of pieces of so many characters, each out of another text that is not among the natural ones where there are
enough. --near and --most are score's near_tokens and max_tokens.
Prints the area under the ROC curve of the gain, of the compressed share and of the repeated share: the chance that a
natural document has the higher value (for the repeated share, the lower).
"""
import argparse
import json
import pathlib
import random
import shutil
import subprocess

import document_shards
from compare_gopher import texts_in


def long_texts(data: pathlib.Path, least: int) -> list[str]:
    """One for each beginning: benchmarks ask several questions about one document."""
    found = {}
    for path in sorted(data.rglob("*")):
        if path.suffix == ".txt":
            texts = [path.read_text(encoding="utf-8")]
        elif path.suffix == ".jsonl":
            texts = [text for line in path.read_text(encoding="utf-8").splitlines() for text in texts_in(json.loads(line))]
        else:
            continue
        for text in texts:
            if len(text) >= least:
                found.setdefault(text[:200], text)
    return sorted(found.values(), key=len, reverse=True)


def area(natural: list[float], glued: list[float]) -> float:
    wins = sum((a > b) + 0.5 * (a == b) for a in natural for b in glued)
    return wins / (len(natural) * len(glued))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--documents", type=int, default=40)
    parser.add_argument("--characters", type=int, default=40000)
    parser.add_argument("--piece", type=int, default=6000)
    parser.add_argument("--near", type=int, default=2048)
    parser.add_argument("--most", type=int, default=16384)
    parser.add_argument("--binary", default="build/release/bin/longscroll")
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    options.work.mkdir(parents=True)
    source = random.Random(6)
    texts = long_texts(options.data, options.piece)
    natural = [text[:options.characters] for text in texts if len(text) >= options.characters][:options.documents]
    rest = texts[len(natural):]
    pool = rest if len(rest) >= 2 * options.characters // options.piece else texts
    glued = []
    for _ in natural:
        pieces = []
        for text in source.sample(pool, min(len(pool), -(-options.characters // options.piece))):
            begin = source.randrange(len(text) - options.piece + 1)
            pieces.append(text[begin:begin + options.piece])
        glued.append("\n".join(pieces)[:options.characters])
    records = [{"id": f"natural-{i}", "text": text} for i, text in enumerate(natural)]
    records += [{"id": f"glued-{i}", "text": text} for i, text in enumerate(glued)]
    raw = options.work / "raw.jsonl"
    raw.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    subprocess.run([options.binary, "data", "import", raw, "--out", options.work / "import"], check=True)
    subprocess.run([options.binary, "data", "score", options.work / "import", "--out", options.work / "score",
                    "--set", f"model={options.model}", "--set", f"near_tokens={options.near}", "--set",
                    f"max_tokens={options.most}"], check=True)
    values = {"natural": [], "glued": []}
    for document in document_shards.read_documents(options.work / "score"):
        if "far_context" in document["meta"]:
            values[document["id"].split("-")[0]].append(document["meta"])
    print(f"{len(values['natural'])} natural and {len(values['glued'])} glued documents")
    for key, sign in (("far_context", 1), ("compressed", 1), ("repeated", -1)):
        columns = [[sign * meta[key] for meta in values[kind]] for kind in ("natural", "glued")]
        print(f"{key}: area under the curve {area(*columns):.3f}")


if __name__ == "__main__":
    main()
