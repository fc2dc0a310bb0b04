#!/usr/bin/env python3
"""Compares the decisions of `longscroll data clean` by Gopher's rules with datatrove's, document by document.

Usage: tools/compare_gopher.py DATA --work FOLDER [--documents 2000] [--binary build/release/bin/longscroll]
Needs datatrove with its text processing (pip install "datatrove[processing]" nltk spacy). DATA is a folder of text and
JSONL files (../shared/data); every long text field in them is cut at line ends into documents of 100 to 1,700 words,
and the first N in the order of their hashes are taken. Prints the decisions of both, and a row for each document on
which they differ: who drops it, the rule, what both found, and its beginning. FOLDER keeps datatrove's decisions, which
take minutes.
"""
import argparse
import collections
import hashlib
import json
import pathlib
import shutil
import subprocess

import document_shards

# datatrove's reasons (without the limits that some of them carry) and ours.
SAME = {
    "gopher_short_doc": "gopher-few-words", "gopher_below_avg_threshold": "gopher-short-words",
    "gopher_above_avg_threshold": "gopher-long-words", "gopher_too_many_hashes": "gopher-hashes",
    "gopher_too_many_ellipsis": "gopher-ellipses", "gopher_too_many_bullets": "gopher-bullet-lines",
    "gopher_too_many_end_ellipsis": "gopher-ellipsis-lines", "gopher_below_alpha_threshold": "gopher-alphabetic-words",
    "gopher_enough_stop_words": "gopher-stop-words", "dup_para_frac": "gopher-repeated-paragraphs",
    "dup_para_char_frac": "gopher-repeated-paragraph-characters", "dup_line_frac": "gopher-repeated-lines",
    "dup_line_char_frac": "gopher-repeated-line-characters",
    **{f"top_{n}_gram": f"gopher-top-{n}-gram" for n in (2, 3, 4)},
    **{f"duplicated_{n}_n_grams": f"gopher-repeated-{n}-grams" for n in range(5, 11)},
}
# Everything of clean that is not Gopher's.
OFF = ["max_replaced=0", "navigation=false", "repeated_lines=0", "max_digits=0", "max_symbols=0"]


def texts_in(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)


def pieces_of(text: str):
    """Paragraphs up to a length that differs from piece to piece."""
    lines, words, wanted = [], 0, 100
    for line in text.split("\n"):
        lines.append(line)
        words += len(line.split())
        if words >= wanted:
            piece = "\n".join(lines).strip()
            yield piece
            wanted = 100 + int(hashlib.sha256(piece.encode()).hexdigest(), 16) % 1600
            lines, words = [], 0


def documents_of(data: pathlib.Path, count: int) -> list[str]:
    found = set()
    for path in sorted(data.rglob("*")):
        if path.suffix == ".txt":
            found.update(pieces_of(path.read_text(encoding="utf-8")))
        elif path.suffix == ".jsonl":
            for line in path.read_text(encoding="utf-8").splitlines():
                for text in texts_in(json.loads(line)):
                    found.update(pieces_of(text))
    return sorted(found, key=lambda text: hashlib.sha256(text.encode()).hexdigest())[:count]


def datatrove_reasons(texts: list[str]) -> list[str]:
    from datatrove.data import Document
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter
    quality, repetition = GopherQualityFilter(max_doc_words=None), GopherRepetitionFilter()
    reasons = []
    for number, text in enumerate(texts):
        document = Document(text=text, id=str(number))
        result = quality.filter(document)
        if result is True:
            result = repetition.filter(document)
        reasons.append("" if result is True else SAME.get(result[1], result[1]))
    return reasons


def datatrove_value(text: str, rule: str) -> float:
    """What datatrove compares with the rule's limit."""
    from datatrove.pipeline.filters import gopher_quality_filter as quality, gopher_repetition_filter as repetition
    from datatrove.utils.text import split_into_words
    words = split_into_words(text, quality.Languages.english)
    if rule == "gopher-alphabetic-words":
        return sum(any(c.isalpha() for c in word) for word in words) / len(words)
    if rule == "gopher-stop-words":
        return len(set(quality.STOP_WORDS) & set(words))
    if rule == "gopher-long-words":
        whole = [word for word in words if any(c not in quality.PUNCTUATION_SET for c in word)]
        return sum(map(len, whole)) / len(whole)
    n = int(rule.split("-")[2])
    if rule.startswith("gopher-top"):
        return repetition.find_top_duplicate(repetition.get_n_grams(words, n)) / len(text)
    return repetition.find_all_duplicate(words, n) / len(text)


# A limit that every document fails, so that the rule tells what it found.
FAILED = {"gopher-alphabetic-words": "min_alphabetic_words=1.1", "gopher-stop-words": "min_stop_words=100",
          "gopher-long-words": "max_mean_word_length=0.1",
          **{f"gopher-top-{n}-gram": f"max_top_{n}_gram=1e-9" for n in (2, 3, 4)},
          **{f"gopher-repeated-{n}-grams": f"max_repeated_{n}_grams=1e-9" for n in range(5, 11)}}


def our_value(text: str, rule: str, work: pathlib.Path, binary: str) -> str:
    """What longscroll compares with the rule's limit; empty where the rule does not apply."""
    our_reasons([text], work, binary, [FAILED[rule]])
    samples = json.loads((work / "clean" / "samples.json").read_text(encoding="utf-8"))
    return samples[rule][0]["detail"].split()[0] if rule in samples else ""


def our_reasons(texts: list[str], work: pathlib.Path, binary: str, settings: list[str] = []) -> list[str]:
    """"gopher" where the document was dropped and is not among the five samples of its reason."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    raw = work / "raw.jsonl"
    raw.write_text("".join(json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(texts)),
                   encoding="utf-8")
    subprocess.run([binary, "data", "import", raw, "--out", work / "import"], check=True, stdout=subprocess.DEVNULL)
    settings = [word for setting in OFF + settings for word in ("--set", setting)]
    subprocess.run([binary, "data", "clean", work / "import", "--out", work / "clean", *settings], check=True,
                   stdout=subprocess.DEVNULL)
    kept = {document["id"] for document in document_shards.read_documents(work / "clean")}
    samples = json.loads((work / "clean" / "samples.json").read_text(encoding="utf-8"))
    named = {sample["id"]: reason for reason, of_reason in samples.items() for sample in of_reason}
    return ["" if str(i) in kept else named.get(str(i), "gopher") for i in range(len(texts))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--binary", default="build/release/bin/longscroll")
    options = parser.parse_args()
    texts = documents_of(options.data, options.documents)
    options.work.mkdir(parents=True, exist_ok=True)
    kept = options.work / f"datatrove-{len(texts)}.json"
    if not kept.exists():
        kept.write_text(json.dumps(datatrove_reasons(texts)), encoding="utf-8")
    theirs = json.loads(kept.read_text(encoding="utf-8"))
    ours = our_reasons(texts, options.work / "all", options.binary)
    table = collections.Counter((bool(a), bool(b)) for a, b in zip(theirs, ours))
    print(f"{len(texts)} documents; kept by both {table[False, False]}, dropped by both {table[True, True]}, "
          f"by datatrove alone {table[True, False]}, by longscroll alone {table[False, True]}")
    for reason, count in collections.Counter(theirs).most_common():
        print(f"  datatrove {reason or 'kept'}: {count}")
    print("\n| dropped by | rule | datatrove | longscroll | document |\n|---|---|---|---|---|")
    for number, (a, b) in enumerate(zip(theirs, ours)):
        if bool(a) != bool(b):
            text, work = texts[number], options.work / "one"
            rule = a or our_reasons([text], work, options.binary)[0]
            beginning = " ".join(text[:60].split()).replace("|", "/")
            print(f"| {'datatrove' if a else 'longscroll'} | {rule} | {datatrove_value(text, rule):.3f} | "
                  f"{our_value(text, rule, work, options.binary)} | {beginning} |")


if __name__ == "__main__":
    main()
