#!/usr/bin/env python3
"""Whether rounding costs what a model finds: a sentence with a number, hidden at 11 depths of a text, is asked for by
the default path and by `--compute f32`. Run by hand; docs/benchmarks/quality.md holds the figures.

Every prompt has as many tokens of text as leave room in LENGTH for the question and the answer. A needle counts as
found when its number is in the answer. The default must find as many as the exact path.

Usage: tools/needle_table.py MODEL TEXT … [--lengths 8192,16384,32768] [--paths default,f32] [--longscroll PATH]
           [--json FILE]

TEXT is a text file or a folder of .txt files. Answers are kept in FILE: a run that was cut goes on from there.
"""
import argparse
import json
import pathlib
import random
import tempfile

from longscroll_program import CHARACTERS_A_TOKEN, Longscroll, read_text

DEPTHS = [0, 10, 21, 31, 42, 52, 63, 73, 84, 94, 100]  # per cent, as in NeedleBench's single needle
NEEDLE = "The number of the locker at the ferry station is {number}."
QUESTION = "\n\nWhat is the number of the locker at the ferry station? Answer with the number alone."
ROOM = 128  # tokens for needle, question, chat form and answer
FLAGS = {"default": [], "f32": ["--compute", "f32"]}


def hide(text, depth, number):
    """The text with the needle after the sentence that ends at or after the depth."""
    at = len(text) * depth // 100
    end = text.find(". ", at)
    at = 0 if depth == 0 else len(text) if depth == 100 or end < 0 else end + 2
    return f"{text[:at]}{NEEDLE.format(number=number)} {text[at:]}"


def ask(longscroll, path, prompt):
    file = longscroll.folder / "prompt.txt"
    file.write_text(prompt)
    answer = json.loads(longscroll.run("generate", longscroll.model, "--chat", "--prompt-file", str(file),
                                       "--max-new-tokens", "32", "--json", *FLAGS[path]))
    return answer["text"].strip(), len(answer["prompt_ids"])


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("texts", nargs="+", metavar="TEXT")
    parser.add_argument("--lengths", default="8192,16384,32768")
    parser.add_argument("--paths", default="default,f32")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longscroll", default="build/release/bin/longscroll")
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args()


def main():
    options = parse_options()
    kept = pathlib.Path(options.json) if options.json else None
    done = json.loads(kept.read_text()) if kept and kept.exists() else []
    print("| tokens | path | found of 11 | depths that were missed |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        source = folder / "text.txt"
        lengths = [int(part) for part in options.lengths.split(",")]
        source.write_text(read_text(options.texts, "context", CHARACTERS_A_TOKEN * max(lengths)))
        longscroll = Longscroll(options.longscroll, options.model, folder)
        ids = longscroll.ids(source)
        for length in lengths:
            if len(ids) < length:
                raise SystemExit(f"needle_table: the text has {len(ids):,} tokens, {length:,} are needed")
            ids_file = folder / "ids.txt"
            ids_file.write_text(" ".join(map(str, ids[:length - ROOM])))
            text = longscroll.run("detokenize", options.model, "--ids-file", str(ids_file))
            for path in options.paths.split(","):
                missed = []
                for depth in DEPTHS:
                    number = random.Random(f"{options.seed} {length} {depth}").randrange(10000, 100000)
                    key = {"model": options.model, "tokens": length, "path": path, "depth": depth, "number": number}
                    found = next((row for row in done if key.items() <= row.items()), None)
                    if found is None:
                        answer, tokens = ask(longscroll, path, hide(text, depth, number) + QUESTION)
                        found = {**key, "answer": answer, "prompt_tokens": tokens}
                        done.append(found)
                        if kept:
                            kept.write_text(json.dumps(done, indent=1) + "\n")
                    if str(number) not in found["answer"]:
                        missed.append(str(depth))
                print(f"| {length:,} | {path} | {len(DEPTHS) - len(missed)} | {', '.join(missed)} |", flush=True)


if __name__ == "__main__":
    main()
