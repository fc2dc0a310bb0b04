#!/usr/bin/env python3
"""What guessing from the document gains: `longscroll read` with and without speculation, in turn, the same questions.

The summary and each question count. Each round reads the document once with and once without, the next round the
other way round; a ratio is the milliseconds a token without over those with, in the same round, and the median of the
rounds counts. The answers must be equal, or nothing is printed.

Usage: bench/speculation.py MODEL DOCUMENT [--question TEXT …] [--rounds 3] [--threads 2] [--longscroll PATH]
           [--read-option OPTION …]
Prints a row a question for docs/benchmarks: | tokens read | question | tokens answered | hit rate | ms without | with |
ratio (least to most) |. Needs a quiet machine.
"""
import argparse
import json
import statistics
import subprocess


def answers(options, flags):
    command = [options.longscroll, "read", options.document, "--model", options.model, "--json", "--threads",
               str(options.threads), *flags, *(options.read_option or [])]
    for question in options.question:
        command += ["--question", question]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"speculation: {' '.join(command)} ended with {done.returncode}\n{done.stderr}")
    printed = json.loads(done.stdout)
    return [printed["summary"], *printed["answers"]]


def milliseconds(answer):
    return 1000 * answer["decode_seconds"] / len(answer["ids"])


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("document")
    parser.add_argument("--question", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--longscroll", default="build/release/bin/longscroll")
    parser.add_argument("--read-option", action="append")
    return parser.parse_args()


def main():
    options = parse_options()
    rounds = []
    for number in range(options.rounds):
        row = {}
        for flags in [[], ["--no-speculation"]][:: -1 if number % 2 else 1]:
            row[bool(flags)] = answers(options, flags)
        if [answer["text"] for answer in row[False]] != [answer["text"] for answer in row[True]]:
            raise SystemExit("speculation: the answers differ, which they must not")
        rounds.append(row)
    for i, question in enumerate(["summary", *options.question]):
        with_it, without = ([milliseconds(row[off][i]) for row in rounds] for off in (False, True))
        ratios = [slow / fast for slow, fast in zip(without, with_it)]
        answer = rounds[0][False][i]
        print(f"| {answer['prompt_tokens']:,} | {question} | {len(answer['ids'])} | "
              f"{answer['speculation']['hit_rate']:.2f} | {statistics.median(without):.1f} | {statistics.median(with_it):.1f} | "
              f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f}) |", flush=True)


if __name__ == "__main__":
    main()
