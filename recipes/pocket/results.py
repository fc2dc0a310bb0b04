#!/usr/bin/env python3
"""What the pocket experiments found, as one file of numbers and tables in Markdown.

Usage: recipes/pocket/results.py [--work build/pocket] [--out docs/report]

Writes OUT/results.json, every number of every run, and OUT/tables.md: perplexity by length on made and on natural texts,
and the share of facts that were found. A row of all seeds has the mean with the range, of
facts all items together, and Wilson's 95% interval; where runs are compared that not every seed has, a row is a seed.
"""
import argparse
import json
import math
import pathlib
import statistics
from typing import Callable

import experiments

LENGTHS = (128, 256, 512, 1024, 2048, 4096)
ASKED = (256, 512, 1024, 2048, 4096)
DISTANCES = (1024, 2048, 3072, 4096)
NEEDLES = (256, 512, 1024, 1536, 2048, 3072, 4000)
QUESTIONS = {"begun": "Facts read on from their first digit", "facts": "Facts found",
             "chat": "Facts found in a conversation", "needle": "Needles found",
             "far": "Facts read on at 4,096 tokens, by how many tokens away they are at most"}
COLUMNS = {"far": DISTANCES, "needle": NEEDLES}


def map_of(path: pathlib.Path) -> dict:
    """{rotation: {length: nats a token}}"""
    found: dict[str, dict[int, float]] = {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        found.setdefault(cell["method"], {})[cell["length"]] = cell["nll"]
    return found


def length_asked(record: dict) -> int:
    return int(record["task"].rpartition("_")[2])


def needle_length(record: dict) -> int:
    return record["fields"]["length"]


def distance(record: dict) -> int:
    """Tokens between the fact and the end of the text, at most."""
    away = (1.0 - record["fields"]["depth"]) * DISTANCES[-1]
    return next(limit for limit in DISTANCES if away <= limit)


COLUMN_OF = {"facts": length_asked, "begun": length_asked, "chat": length_asked, "far": distance, "needle": needle_length}


def tally_of(path: pathlib.Path, column_of: Callable[[dict], int]) -> dict:
    """{column: [found, asked]}"""
    tally: dict[int, list[int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        entry = tally.setdefault(column_of(record), [0, 0])
        entry[0] += record["score"] >= 1.0
        entry[1] += 1
    return tally


def run_of(home: pathlib.Path) -> dict:
    found: dict = {}
    metrics = home / "run" / "metrics.jsonl"
    if metrics.exists():
        lines = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
        found["held_out"] = {line["step"]: line["evaluation"]["loss"] for line in lines if "evaluation" in line}
        steps = [line for line in lines if "loss" in line]
        found |= {"steps": len(steps), "tokens": steps[-1]["tokens"]}
    for kind in ("made", "text"):
        if (home / f"map-{kind}" / "map.json").exists():
            found[f"map_{kind}"] = map_of(home / f"map-{kind}" / "map.json")
    for suite, column_of in COLUMN_OF.items():
        for folder in sorted(home.glob(f"{suite}*")):
            if (folder / "records.jsonl").exists():
                found.setdefault("asked", {})[folder.name] = tally_of(folder / "records.jsonl", column_of)
    return found


def collect(work: pathlib.Path) -> dict:
    runs: dict[str, dict[str, dict]] = {}
    for home in sorted(work.glob("runs/*/*")):
        if home.is_dir() and (found := run_of(home)):
            runs.setdefault(home.name, {})[home.parent.name] = found
    return runs


def wilson(found: int, asked: int) -> tuple[float, float]:
    share, z = found / asked, 1.96
    middle = (share + z * z / (2 * asked)) / (1 + z * z / asked)
    half = z / (1 + z * z / asked) * math.sqrt(share * (1 - share) / asked + z * z / (4 * asked * asked))
    return max(0.0, middle - half), min(1.0, middle + half)


def perplexity_cell(values: list[float]) -> str:
    numbers = [math.exp(value) for value in values]
    if not numbers:
        return ""
    mean = statistics.fmean(numbers)
    return f"{mean:.3f}" if len(numbers) == 1 else f"{mean:.3f} ({min(numbers):.3f}–{max(numbers):.3f})"


def facts_cell(pairs: list[list[int]]) -> str:
    if not pairs:
        return ""
    found, asked = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    low, high = wilson(found, asked)
    return f"{100 * found / asked:.0f} ({100 * low:.0f}–{100 * high:.0f})"


def table(head: str, columns: tuple, rows: list[tuple[str, list[str]]]) -> str:
    lines = [f"| {head} | " + " | ".join(str(column) for column in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows if any(cells)]
    return "\n".join(lines) + "\n"


def seeds_of(runs: dict, name: str, run: str, by_seed: bool) -> list[tuple[str, list[dict]]]:
    """Rows and what stands in them: a row for all seeds together, or one for each."""
    found = runs.get(run, {})
    if not by_seed:
        return [(name, list(found.values()))]
    return [(f"{name}, seed {seed}", [found[seed]]) for seed in sorted(found)]


def perplexity_rows(runs: dict, kind: str, wanted: list[tuple[str, str, str]], by_seed: bool) -> list[tuple[str, list[str]]]:
    """`wanted`: name of the row, run, rotation."""
    rows = []
    for name, run, method in wanted:
        for row, seeds in seeds_of(runs, name, run, by_seed):
            maps = [found[f"map_{kind}"].get(method, {}) for found in seeds if f"map_{kind}" in found]
            rows.append((row, [perplexity_cell([m[length] for m in maps if length in m]) for length in LENGTHS]))
    return rows


def facts_rows(runs: dict, wanted: list[tuple[str, str, str]], lengths: tuple,
               by_seed: bool) -> list[tuple[str, list[str]]]:
    """`wanted`: name of the row, run, suite."""
    rows = []
    for name, run, suite in wanted:
        for row, seeds in seeds_of(runs, name, run, by_seed):
            asked = [found["asked"][suite] for found in seeds if suite in found.get("asked", {})]
            rows.append((row, [facts_cell([a[length] for a in asked if length in a]) for length in lengths]))
    return rows


def section(title: str, runs: dict, wanted: list[tuple[str, str, str]], asked: dict[str, list[tuple[str, str, str]]],
            by_seed: bool = True) -> str:
    """`asked`: rows of each suite."""
    parts = [("Perplexity of made texts by length", LENGTHS, perplexity_rows(runs, "made", wanted, by_seed)),
             ("Perplexity of natural texts by length", LENGTHS, perplexity_rows(runs, "text", wanted, by_seed)),
             *((f"{QUESTIONS[suite]}, per cent", COLUMNS.get(suite, ASKED),
                facts_rows(runs, rows, COLUMNS.get(suite, ASKED), by_seed)) for suite, rows in asked.items())]
    return f"## {title}\n" + "".join(f"\n{head}\n\n{table('', columns, rows)}" for head, columns, rows in parts)


def own(*names: str) -> list[tuple[str, str, str]]:
    return [(name, name, "own") for name in names]


def asked_of(suites: tuple[str, ...], names: tuple[str, ...]) -> dict[str, list[tuple[str, str, str]]]:
    return {suite: [(name, name, suite) for name in names] for suite in suites}


def asked_of_methods(*suites: str) -> dict[str, list[tuple[str, str, str]]]:
    return {suite: [("base", "base", suite),
                    *((f"base, {method}", "base", f"{suite}-{method.replace(':', '-')}") for method in experiments.METHODS),
                    ("long", "long", suite), ("sft", "sft", suite)] for suite in suites}


def held_out_table(head: str, runs: dict, names: tuple[str, ...]) -> str:
    rows = []
    for name in names:
        for seed, found in sorted(runs.get(name, {}).items()):
            rows.append((f"{name}, seed {seed}", [f"{loss:.3f}" for loss in found.get("held_out", {}).values()]))
    width = max((len(cells) for _, cells in rows), default=0)
    return f"\n{head}\n\n" + table("", tuple(range(width)), [(n, c + [""] * (width - len(c))) for n, c in rows])


def tables(runs: dict) -> str:
    tokens = sorted((*experiments.TOKEN_STEPS, experiments.LONG_STEPS))
    by_tokens = tuple("long" if steps == experiments.LONG_STEPS else f"steps-{steps}" for steps in tokens)
    sweep = tuple("long" if factor == experiments.REPORTS_FACTOR else f"base-x{factor}" for factor in experiments.SWEEP)
    stages = tuple(f"{what}-{number}" for what in ("rising", "mixed") for number in (1, 2, 3))
    packings, last = ("packed", "packed-unmasked", "padded"), ("rising-3", "mixed-3")
    shares = (*(f"sft-{share}" for share in experiments.SFT_SHARES[:-1]), "sft")
    prices = ("base", "long", "packed", "sft", "sft-gentle", "sft-lora")
    extended = [("base", "base", "own"), *((f"base, {m}", "base", m) for m in experiments.METHODS), *own("long", "sft")]
    both = ("begun", "far")
    parts = [section("1. What extends the window", runs, extended, asked_of_methods("begun", "far", "facts", "needle")
                     | asked_of(("chat",), ("sft",)), by_seed=False),
             section("2. The rotary base", runs, own(*sweep), asked_of(both, sweep))
             + held_out_table("Held-out loss while it trains, nats", runs, sweep),
             section("3. Tokens of Long PT", runs, own("base", *by_tokens), asked_of(both, ("base", *by_tokens)))
             + held_out_table("Held-out loss while it trains, nats", runs, by_tokens),
             section("4. Lengths in order", runs, own(*last), asked_of(both, last))
             + held_out_table("Held-out loss of each stage, nats, from its beginning to its end", runs, stages),
             section("5. Packing", runs, own(*packings), asked_of(both, packings)),
             section("6. Share of long instructions", runs, own(*shares), asked_of(("chat", "begun"), shares)),
             section("7. The price on short texts", runs, own(*prices), asked_of(("chat", "begun"), prices[-3:]))]
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--work", type=pathlib.Path, default=root / "build" / "pocket")
    parser.add_argument("--out", type=pathlib.Path, default=root / "docs" / "report")
    arguments = parser.parse_args()
    runs = collect(arguments.work)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "results.json").write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    (arguments.out / "tables.md").write_text("# Tables of the pocket experiments\n\n" + tables(runs), encoding="utf-8")


if __name__ == "__main__":
    main()
