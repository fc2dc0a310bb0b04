#!/usr/bin/env python3
"""Speed of each step of the corpus chain, the gain of a second process, and memory under a limit.

Usage: bench/corpus.py FOLDER [--documents 200000] [--rounds 3] [--memory-gib 6] [--binary build/release/bin/longscroll]
Makes a corpus in FOLDER (tools/make_corpus.py) unless there is one, runs every step with one worker, alternating rounds (0: none),
and prints the median MB of text a second; then the chain with one and with two processes of one worker each; then, when
--memory-gib is above 0, import to dedupe of so much text under a limit of 1 GiB of address space but for mapped files
(RLIMIT_DATA), with the peak that the system reports. Needs nothing but Python; figures belong on a quiet machine.
"""
import argparse
import gzip
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import time

STEPS = ("import", "clean", "dedupe", "decontaminate")
SHARD_BYTES = 8_000_000  # enough tasks for several processes; the corpus's own plan has 1 MB, whose syncs count


def make(folder: pathlib.Path, documents: int):
    if not (folder / "plan.toml").exists():
        script = pathlib.Path(__file__).resolve().parent.parent / "tools" / "make_corpus.py"
        subprocess.run([sys.executable, script, folder, "--documents", str(documents)], check=True)


def limited_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))


def run(command: list, preexec=None) -> tuple[float, int]:
    """Seconds, and KiB that were resident at most."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=preexec)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{command}: status {status}")
    return time.monotonic() - begin, usage.ru_maxrss


def text_bytes(step: pathlib.Path) -> int:
    manifest = json.loads((step / "manifest.json").read_text(encoding="utf-8"))
    return sum(tally["bytes"] for tally in manifest["in"].values())


def time_steps(options) -> None:
    rates = {step: [] for step in STEPS}
    for _ in range(options.rounds):
        before = options.folder / "raw"
        for number, step in enumerate(STEPS, 1):
            out = options.folder / "timed" / f"{number:02}-{step}"
            shutil.rmtree(out, ignore_errors=True)
            seconds, _ = run([options.binary, "data", step, before, "--out", out, "--plan", options.folder / "plan.toml",
                              "--workers", "1"])
            rates[step].append(text_bytes(out) / 1e6 / seconds)
            before = out
    for step, found in rates.items():
        print(f"{step}: {statistics.median(found):.1f} MB/s a worker ({', '.join(f'{rate:.1f}' for rate in found)})")


def time_processes(options) -> None:
    seconds = {1: [], 2: []}
    for _ in range(options.rounds):
        for count in seconds:
            out = options.folder / "shared"
            shutil.rmtree(out, ignore_errors=True)
            begin = time.monotonic()
            command = [options.binary, "data", "run", options.folder / "plan.toml", "--set", f"out={out}", "--set",
                       f"import.shard_bytes={SHARD_BYTES}", "--workers", "1"]
            processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(count)]
            if any(process.wait() != 0 for process in processes):
                raise SystemExit("a process failed")
            seconds[count].append(time.monotonic() - begin)
    one, two = (statistics.median(seconds[count]) for count in (1, 2))
    print(f"1 process {one:.1f} s, 2 processes {two:.1f} s: {one / two:.2f} times")


def limit_memory(options) -> None:
    raw = options.folder / "large"
    shutil.rmtree(raw, ignore_errors=True)
    raw.mkdir()
    wanted, written, copy = int(options.memory_gib * 2**30), 0, 0
    sources = sorted((options.folder / "raw").glob("*.jsonl.gz"))
    while written < wanted:
        with open(raw / f"{copy:04}.jsonl", "wb") as out, gzip.open(sources[copy % len(sources)], "rb") as file:
            for line in file:
                written += out.write(line.replace(b'"id": "', f'"id": "{copy}-'.encode(), 1))
        copy += 1
    before = raw
    for number, step in enumerate(STEPS[:3], 1):
        out = options.folder / "limited" / f"{number:02}-{step}"
        shutil.rmtree(out, ignore_errors=True)
        seconds, peak = run([options.binary, "data", step, before, "--out", out, "--workers", "1"], limited_memory)
        print(f"{step} of {text_bytes(out) / 2**30:.2f} GiB in {seconds:.0f} s, at most {peak / 2**10:.0f} MiB resident")
        before = out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--documents", type=int, default=200000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-gib", type=float, default=6)
    parser.add_argument("--binary", default="build/release/bin/longscroll")
    options = parser.parse_args()
    make(options.folder, options.documents)
    if options.rounds > 0:
        time_steps(options)
        time_processes(options)
    if options.memory_gib > 0:
        limit_memory(options)


if __name__ == "__main__":
    main()
