#!/usr/bin/env python3
"""Makes a corpus whose every document has a known fate: what the chain of `longscroll data` is measured against.

Usage: tools/make_corpus.py OUT [--documents 50000] [--seed 8]
Needs nothing but Python. Writes OUT/raw/*.jsonl.gz, OUT/eval/*.jsonl, OUT/plan.toml and OUT/truth.jsonl.gz: for each
document its id and `fate`: "kept", or the reason under which the chain should drop it ("exact", "near",
"contaminated", a reason of clean), or "open" where either is right. Near duplicates name their `original` and their
`similarity`, the Jaccard similarity of the shingles of 5 tokens, counted here and not by the program.
tools/check_corpus.py compares.

Of the documents: 8% exact duplicates (half of them with other white space), 12% near duplicates at similarities from
0.5 to 1, 2% contaminated, 3% with mojibake, 5% with lines of navigation (all mended), 2% glued of two documents,
4% for clean to drop; the rest are kept. Half is English, half Chinese.
"""
import argparse
import gzip
import itertools
import json
import pathlib
import random
import re

STOP_WORDS = "the be to of and that have with".split()
LINES_OF_NAVIGATION = {
    "en": ["Home | About us | Contact", "Sign in", "Share this page", "Copyright © 2020 The Example Press"],
    "zh": ["首页 | 新闻 | 联系", "返回顶部", "上一篇：旧文", "版权所有 © 示例出版社"],
}
TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[a-z0-9]+")


def tokens_of(text: str) -> list[str]:
    return TOKEN.findall(text.lower())


def shingles(text: str) -> set:
    tokens = tokens_of(text)
    return {tuple(tokens[i:i + 5]) for i in range(max(1, len(tokens) - 4))}


def similarity(a: str, b: str) -> float:
    one, two = shingles(a), shingles(b)
    return len(one & two) / len(one | two)


class Writer:
    """Sentences of words by Zipf's law, so that no two documents share many shingles."""

    def __init__(self, source: random.Random, language: str):
        self.random = source
        self.language = language
        if language == "en":
            letters = "etaoinshrdlucmfwypvbgk"
            self.words = ["".join(source.choice(letters) for _ in range(source.choice((3, 4, 5, 5, 6, 7, 8, 9))))
                          for _ in range(30000)]
        else:
            self.words = ["".join(chr(0x4e00 + int(source.random() ** 2 * 3500)) for _ in range(source.choice((1, 2, 2, 3))))
                          for _ in range(30000)]
        self.weights = list(itertools.accumulate(1 / (rank + 40) for rank in range(len(self.words))))

    def sentence(self) -> str:
        count = self.random.randint(8, 20)
        words = self.random.choices(self.words, cum_weights=self.weights, k=count)
        if self.language == "zh":
            return "".join(words[:count // 2]) + "，" + "".join(words[count // 2:]) + "。"
        for _ in range(3):
            words.insert(self.random.randrange(count), self.random.choice(STOP_WORDS))
        return " ".join(words).capitalize() + ". "

    def text(self, sentences: int) -> str:
        lines, line = [], ""
        for i in range(sentences):
            line += self.sentence()
            if i % 4 == 3 or i == sentences - 1:
                lines.append(line.strip())
                line = ""
        return "\n".join(lines)

    def edited(self, text: str, share: float) -> str:
        """About `share` of the words, or for Chinese of the characters, become others."""
        if self.language == "zh":
            return "".join(chr(0x4e00 + self.random.randrange(3500))
                           if "\u4e00" <= c <= "\u9fff" and self.random.random() < share else c for c in text)
        return re.sub(r"[a-zA-Z]+", lambda found: self.random.choice(self.words)
                      if self.random.random() < share else found[0], text)


def length(source: random.Random) -> int:
    """Sentences: most documents are short, some are long."""
    return min(4000, 12 + int(source.paretovariate(1.1) * 6))


def as_mojibake(text: str) -> str:
    return text.encode("utf-8").decode("latin-1")


def dropped_by_clean(writer: Writer, source: random.Random) -> tuple[str, str]:
    kind = source.choice(("short", "hashes", "repeated", "broken"))
    text = writer.text(20)
    if kind == "short":
        return writer.sentence().strip(), "gopher-few-words"
    if kind == "hashes":
        return text + " #" * (len(tokens_of(text)) // 4), "gopher-hashes"
    if kind == "broken":
        return text + "\ufffd" * (len(text) // 100), "broken-encoding"
    lines = [writer.sentence().strip() for _ in range(4)]
    return "\n\n".join(source.choice(lines) + " " for _ in range(40)), "open"  # repeated lines are taken out first


class Corpus:
    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.writers = {language: Writer(self.random, language) for language in ("en", "zh")}
        self.records = []
        self.truth = []
        self.tests = {language: [writer.text(6) for _ in range(200)] for language, writer in self.writers.items()}

    def add(self, text: str, language: str, fate: str, **more):
        name = f"{len(self.records):06}"
        self.records.append({"id": name, "source": f"{language}-{int(name) % 3}", "text": text})
        self.truth.append({"id": name, "fate": fate, "kind": more.pop("kind", fate), **more})

    def original(self, language: str) -> tuple[str, str]:
        text = self.writers[language].text(length(self.random))
        self.add(text, language, "kept", kind="original")
        return self.records[-1]["id"], text

    def family(self):
        language = self.random.choice(("en", "zh"))
        writer = self.writers[language]
        draw = self.random.random()
        if draw < 0.08:
            self.exact_copy(language)
        elif draw < 0.20:
            self.near_copy(language, writer)
        elif draw < 0.22:
            text = writer.text(length(self.random)).split("\n")
            text.insert(self.random.randrange(len(text)), self.random.choice(self.tests[language]).split("\n")[0])
            self.add("\n".join(text), language, "contaminated")
        elif draw < 0.25:
            text = writer.text(length(self.random)) if language == "zh" else \
                writer.text(length(self.random)).replace("o", "ö")
            self.add(as_mojibake(text), language, "kept", kind="mojibake", mended=text[:200])
        elif draw < 0.30:
            text = writer.text(length(self.random)).split("\n")
            for line in LINES_OF_NAVIGATION[language]:
                text.insert(self.random.randrange(len(text) + 1), line)
            self.add("\n".join(text), language, "kept", kind="navigation")
        elif draw < 0.32:
            self.add(writer.text(300) + "\n" + writer.text(300), language, "kept", kind="glued")
        elif draw < 0.36:
            text, reason = dropped_by_clean(writer, self.random)
            self.add(text, language, reason, kind="clean")
        else:
            self.original(language)

    def exact_copy(self, language: str):
        original, text = self.original(language)
        if self.random.random() < 0.5:
            text = "\n".join("  " + line for line in text.split("\n"))
        self.add(text, language, "exact", original=original)

    def near_copy(self, language: str, writer: Writer):
        original, text = self.original(language)
        wanted = self.random.uniform(0.5, 1.0)
        # A share e of edited tokens leaves (1-e)^5 of the shingles, and a Jaccard of that against both texts.
        left = 2 * wanted / (1 + wanted)
        copy = writer.edited(text, 1 - left ** 0.2)
        found = similarity(text, copy)
        self.add(copy, language, "near" if 0.8 <= found < 1 else "open", original=original, similarity=found,
                 kind="near")


def write(corpus: Corpus, out: pathlib.Path):
    (out / "raw").mkdir(parents=True)
    (out / "eval").mkdir()
    shards = 20
    order = list(range(len(corpus.records)))
    corpus.random.shuffle(order)
    for shard in range(shards):
        with gzip.open(out / "raw" / f"{shard:02}.jsonl.gz", "wt", encoding="utf-8") as file:
            for i in order[shard::shards]:
                file.write(json.dumps(corpus.records[i], ensure_ascii=False) + "\n")
    for language, texts in corpus.tests.items():
        with open(out / "eval" / f"{language}.jsonl", "w", encoding="utf-8") as file:
            for text in texts:
                file.write(json.dumps({"question": text}, ensure_ascii=False) + "\n")
    with gzip.open(out / "truth.jsonl.gz", "wt", encoding="utf-8") as file:
        for truth in corpus.truth:
            file.write(json.dumps(truth, ensure_ascii=False) + "\n")
    (out / "plan.toml").write_text(
        f'out = {json.dumps(str(out / "steps"))}\ninputs = [{json.dumps(str(out / "raw"))}]\n'
        'steps = ["import", "clean", "dedupe", "decontaminate"]\n\n'
        f'[import]\nshard_bytes = 1_000_000\n\n[decontaminate]\nagainst = [{json.dumps(str(out / "eval"))}]\n', encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--documents", type=int, default=50000)
    parser.add_argument("--seed", type=int, default=8)
    options = parser.parse_args()
    corpus = Corpus(options.seed)
    while len(corpus.records) < options.documents:
        corpus.family()
    write(corpus, options.out)
    print(f"{len(corpus.records)} documents in {options.out}")


if __name__ == "__main__":
    main()
