#!/usr/bin/env python3
"""The pocket experiments' texts, from a seed: what is trained on, what is held out, what is asked.

Usage: recipes/pocket/make_corpus.py --out build/pocket/corpus [--data ../shared/data] [--seed 1] [--size 1.0]

Made documents (documents.py) and natural long texts: L-Eval's inputs and Paul Graham's essays below --data, where they
are; without them the project's own documentation, which is said. OUT gets

  short/made.jsonl, short/text.jsonl    a window of 512 and less: for the base model
  long/made.jsonl, long/text.jsonl      documents of 1,000 to 4,000 tokens: for Long PT
  middle/…, top/…                       of 500 to 2,000, and of 2,000 to 4,000: for lengths in order
  held-out/made.jsonl, held-out/text.jsonl
  map/*.txt                             held out too, of 8,192 tokens: for `longscroll rope map`
  instructions/short.jsonl, instructions/long.jsonl
  questions/LENGTH.jsonl                a fact in LENGTH tokens, asked for: facts.json beside this file
  needles.jsonl, haystack.jsonl         for the heat map: needle.json
  made.json                             what was made, and from what

Lengths are in tokens of the pocket tokenizer, to a few per cent: CHARACTERS_PER_TOKEN of each kind.
"""
import argparse
import hashlib
import json
import pathlib
import random
import sys
from typing import Iterable, Iterator

import documents

CHARACTERS_PER_TOKEN = {"made": 3.7, "plain": 4.7, "text": 2.3}
WINDOW = 512
LONGEST = 8 * WINDOW
# Tokens of each kind at --size 1.
TOKENS = {"short/made": 8_000_000, "short/text": 4_000_000, "long/made": 4_000_000, "long/text": 3_000_000,
          "middle/made": 1_500_000, "middle/text": 1_500_000, "top/made": 1_500_000, "top/text": 1_500_000,
          "held-out/made": 200_000, "held-out/text": 200_000}
LENGTHS_OF = {"short": (WINDOW // 4, WINDOW), "long": (LONGEST // 4, LONGEST), "middle": (WINDOW, LONGEST // 2),
              "top": (LONGEST // 2, LONGEST)}
QUESTIONS = {"instructions/short": 20_000, "instructions/long": 3_000, "questions": 200}
LENGTHS = (256, 512, 1024, 2048, 4096)
OTHER_FACTS = 7
TOKENS_A_FACT = 14
MAP_TEXTS = 6  # of each kind
HELD_OUT = 16  # every so manieth natural text, by its hash


def texts_below(data: pathlib.Path) -> Iterator[str]:
    """Natural texts, each once, in the order of their hashes."""
    found = {}
    for path in sorted(data.glob("paul_graham_essays/*.txt")):
        found[path.read_text(encoding="utf-8")] = None
    for path in sorted(data.glob("leval/*/*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            found[json.loads(line)["input"]] = None
    if not found:
        print(f"note: no texts below {data}: the project's own documentation instead", file=sys.stderr)
        root = pathlib.Path(__file__).resolve().parents[2]
        for path in sorted((root / "docs").rglob("*.md")):
            found[path.read_text(encoding="utf-8")] = None
    yield from sorted(found, key=lambda text: hashlib.sha256(text.encode()).digest())


def is_held_out(text: str) -> bool:
    return hashlib.sha256(text.encode()).digest()[0] % HELD_OUT == 0


def characters_between(shortest: int, longest: int):
    def draw(choose: random.Random) -> int:
        return int(choose.uniform(shortest, longest) * CHARACTERS_PER_TOKEN["made"])
    return draw


def made_documents(choose: random.Random, tokens: int, characters) -> Iterator[str]:
    left = tokens * CHARACTERS_PER_TOKEN["made"]
    while left > 0:
        text = documents.retrieval_document(choose, characters(choose))
        left -= len(text)
        yield text


def cut_texts(texts: Iterable[str], tokens: int, piece: int) -> Iterator[str]:
    """Pieces of about `piece` tokens, at a space, until there are `tokens`; the texts once."""
    left, size = tokens * CHARACTERS_PER_TOKEN["text"], int(piece * CHARACTERS_PER_TOKEN["text"])
    for text in texts:
        begin = 0
        while begin < len(text) and left > 0:
            end = text.rfind(" ", begin, begin + size) if begin + size < len(text) else len(text)
            end = end if end > begin else min(begin + size, len(text))
            left -= end - begin
            yield text[begin:end]
            begin = end


def question_of(choose: random.Random, tokens: int, depth: float) -> documents.Question:
    characters = int((tokens - TOKENS_A_FACT * (OTHER_FACTS + 2)) * CHARACTERS_PER_TOKEN["plain"])
    return documents.question(choose, characters, depth, OTHER_FACTS)


def questions(choose: random.Random, tokens: int, count: int) -> Iterator[documents.Question]:
    """Their depths are spread evenly and in no order, so that those of the first few are spread too."""
    for place in choose.sample(range(count), count):
        yield question_of(choose, tokens, (place + 0.5) / count)


def as_instruction(question: documents.Question) -> dict:
    fact = question.fact
    return {"messages": [
        {"role": "user", "content": f"{question.context}\n\n{fact.asked_in_conversation()}"},
        {"role": "assistant", "content": fact.recalled()}]}


def as_record(number: int, question: documents.Question) -> dict:
    fact = question.fact
    return {"_id": str(number), "context": question.context, "question": fact.question(),
            "begun": f"{fact.question()} {fact.number[0]}", "answers": [fact.number], "rest": [fact.number[1:]],
            "conversation": fact.asked_in_conversation(), "said": [fact.recalled()], "depth": round(question.depth, 4)}


class Writer:
    def __init__(self, out: pathlib.Path):
        self.out, self.made = out, {}

    def lines(self, name: str, records: Iterable[dict]) -> None:
        path = self.out / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        hashed, count = hashlib.sha256(), 0
        with path.open("wb") as file:
            for record in records:
                line = (json.dumps(record, ensure_ascii=False) + "\n").encode()
                hashed.update(line)
                file.write(line)
                count += 1
        self.made[f"{name}.jsonl"] = {"records": count, "sha256": hashed.hexdigest()}

    def text(self, name: str, text: str) -> None:
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def write_trained_on(writer: Writer, texts: list[str], seed: int, size: float) -> None:
    def random_of(name: str) -> random.Random:
        return random.Random(f"{seed} {name}")

    def tokens_of(name: str) -> int:
        return TOKENS[name] if name.startswith("held-out") else int(TOKENS[name] * size)

    learnt = [text for text in texts if not is_held_out(text)]
    held_out = [text for text in texts if is_held_out(text)]
    for kind, (shortest, longest) in LENGTHS_OF.items():
        made = made_documents(random_of(f"{kind}/made"), tokens_of(f"{kind}/made"), characters_between(shortest, longest))
        writer.lines(f"{kind}/made", ({"text": text} for text in made))
        pieces = cut_texts(learnt, tokens_of(f"{kind}/text"), longest)
        writer.lines(f"{kind}/text", ({"text": text} for text in pieces))
    # What is held out is the same for every seed and size.
    made = made_documents(random.Random("held-out"), tokens_of("held-out/made"), characters_between(*LENGTHS_OF["long"]))
    writer.lines("held-out/made", ({"text": text} for text in made))
    pieces = list(cut_texts(held_out, tokens_of("held-out/text"), 2 * LONGEST))
    writer.lines("held-out/text", ({"text": text} for text in pieces))
    write_map_texts(writer, pieces)


def write_map_texts(writer: Writer, pieces: list[str]) -> None:
    """Windows of LONGEST within single documents, so that what is asked for can lie anywhere in them."""
    choose, tokens = random.Random("map"), 2 * LONGEST
    whole = [text for text in pieces if len(text) > 0.9 * tokens * CHARACTERS_PER_TOKEN["text"]]
    for number in range(MAP_TEXTS):
        made = documents.retrieval_document(choose, int(tokens * CHARACTERS_PER_TOKEN["made"]))
        writer.text(f"map/made-{number}.txt", made)
        if number < len(whole):
            writer.text(f"map/text-{number}.txt", whole[number])


def write_asked(writer: Writer, seed: int, size: float) -> None:
    for name, shortest, longest in (("instructions/short", 64, WINDOW), ("instructions/long", WINDOW, LONGEST)):
        choose, count = random.Random(f"{seed} {name}"), int(QUESTIONS[name] * size)
        lengths = [choose.uniform(shortest, longest) for _ in range(count)]
        asked = (question_of(choose, int(length), choose.random()) for length in lengths)
        writer.lines(name, (as_instruction(question) for question in asked))
    for length in LENGTHS:
        asked = questions(random.Random(f"questions {length}"), length, QUESTIONS["questions"])
        writer.lines(f"questions/{length}", (as_record(number, question) for number, question in enumerate(asked)))
    choose = random.Random("needles")
    needles = [fact for fact, _ in zip(documents.facts(choose), range(20))]
    writer.lines("needles", ({"needle": fact.told(), "retrieval_question": fact.question(), "arg2": fact.number,
                              "language": "English"} for fact in needles))
    characters = int(LONGEST * CHARACTERS_PER_TOKEN["plain"])
    writer.lines("haystack", ({"text": documents.plain_document(choose, characters)} for _ in range(8)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[3] / "shared/data")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=float, default=1.0, help="times the tokens and instructions of a full run")
    arguments = parser.parse_args()
    texts = list(texts_below(arguments.data))
    writer = Writer(arguments.out)
    write_trained_on(writer, texts, arguments.seed, arguments.size)
    write_asked(writer, arguments.seed, arguments.size)
    made = {"seed": arguments.seed, "size": arguments.size, "natural_texts": len(texts), "files": writer.made}
    writer.text("made.json", json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
