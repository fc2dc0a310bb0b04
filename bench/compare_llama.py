#!/usr/bin/env python3
"""Longscroll beside llama.cpp on this machine: reading a prompt, and decoding at that depth.

Every round runs `longscroll bench` and llama.cpp without and with flash attention (bench/time_llama.py), each in a
process of its own, one after the other; the next round begins with another of them. A ratio is llama.cpp's time
through Longscroll's in the same round, so that a slow spell of the machine meets both, and the median of the rounds
counts: 1 is equal, 2 is Longscroll twice as fast. Each side reads a short prompt first, untimed, and random ids:
the time does not depend on them.

Needs a quiet machine. What other processes took of the cores while a run lasted is printed with it, and a round with
more than --idle of a core is marked. Such a round says nothing: llama.cpp's threads spin while they wait for each
other, so that other programs on the cores slow it down far more than Longscroll.

Usage: bench/compare_llama.py MODEL.gguf … --longscroll build/release/bin/longscroll
           [--llama-python VENV/bin/python] [--lengths 2048] [--rounds 5] [--threads 2] [--json OUT] [-- FLAG …]

Flags after -- go to `longscroll bench`. See bench/time_llama.py for how llama.cpp must be built. Needs nothing but
Python 3.10 and Linux's /proc.
"""
import argparse
import datetime
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys

WARM_UP = 64
LLAMA = {"llama.cpp": [], "llama.cpp FA": ["--flash-attention"]}
OURS = "longscroll"


def busy_seconds():
    """Processor seconds that the whole machine has spent, and that the children of this process have."""
    fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    user, nice, system, _, _, irq, soft_irq, steal = fields
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + soft_irq + steal) / ticks, children.ru_utime + children.ru_stime


def run(command):
    """The JSON object that a command prints, and the cores that others used meanwhile."""
    start = datetime.datetime.now()
    all_before, own_before = busy_seconds()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    all_after, own_after = busy_seconds()
    if done.returncode != 0:
        raise SystemExit(f"compare_llama: {' '.join(command)} ended with {done.returncode}\n{done.stderr}")
    seconds = (datetime.datetime.now() - start).total_seconds()
    others = ((all_after - all_before) - (own_after - own_before)) / seconds
    return json.loads(done.stdout), max(0.0, others)


def commands(model, options):
    lengths = ",".join(map(str, options.lengths))
    common = ["--depths", lengths, "--repeats", "1", "--decode-tokens", str(options.decode_tokens), "--threads",
              str(options.threads)]
    ours = [options.longscroll, "bench", model, "--json", "--lengths", f"{WARM_UP},{lengths}", *common,
            *options.flags]
    worker = str(pathlib.Path(__file__).with_name("time_llama.py"))
    llama = {name: [options.llama_python, worker, model, "--lengths", lengths, *common, *flags]
             for name, flags in LLAMA.items()}
    return {OURS: ours, **llama}


def times(result, lengths):
    """(prefill seconds, decode milliseconds) of each length."""
    prefill = {row["length"]: row["seconds"] for row in result["prefill"]}
    decode = {row["depth"]: row["ms_per_token"] for row in result["decode"]}
    return {length: (prefill[length], decode[length]) for length in lengths}


def measure(model, options):
    """Rounds of {program: {"others": cores, "times": {length: (s, ms)}}}, and the last outputs whole."""
    sides, rounds, outputs = commands(model, options), [], {}
    names = list(sides)
    for number in range(options.rounds):
        first = number % len(names)
        row = {}
        for name in names[first:] + names[:first]:
            outputs[name], others = run(sides[name])
            row[name] = {"others": others, "times": times(outputs[name], options.lengths)}
            told = "  ".join(f"{length}: {prefill:.3f} s, {decode:.2f} ms"
                             for length, (prefill, decode) in row[name]["times"].items())
            mark = "  disturbed" if others > options.idle else ""
            print(f"  round {number + 1}  {name:<13} {told}  others {others:.2f} cores{mark}", file=sys.stderr)
        rounds.append(row)
    return rounds, outputs


def summarise(rounds, lengths):
    """One row for each length and each way to run llama.cpp."""
    rows = []
    for length in lengths:
        for name in LLAMA:
            row = {"length": length, "peer": name}
            for index, kind in enumerate(("prefill", "decode")):
                ours = [round_[OURS]["times"][length][index] for round_ in rounds]
                theirs = [round_[name]["times"][length][index] for round_ in rounds]
                ratios = [their / our for our, their in zip(ours, theirs)]
                row[kind] = {"ours": statistics.median(ours), "peer": statistics.median(theirs),
                             "ratio": statistics.median(ratios), "ratios": ratios}
            rows.append(row)
    return rows


def print_table(model, rows, rounds, options):
    print(f"\n{pathlib.Path(model).name}, {options.threads} threads, median of {options.rounds} rounds")
    print(f"{'tokens':>7}  {'peer':<13} {'prefill s':>9} {'peer s':>8} {'ratio':>6} (least to most) "
          f"{'decode ms':>9} {'peer ms':>8} {'ratio':>6} (least to most)")
    for row in rows:
        cells = []
        for kind, digits in (("prefill", 3), ("decode", 2)):
            cell = row[kind]
            spread = f"({min(cell['ratios']):.2f} to {max(cell['ratios']):.2f})"
            cells.append(f"{cell['ours']:>9.{digits}f} {cell['peer']:>8.{digits}f} {cell['ratio']:>6.2f} {spread:<15}")
        print(f"{row['length']:>7}  {row['peer']:<13} {' '.join(cells)}")
    disturbed = sum(any(run_["others"] > options.idle for run_ in round_.values()) for round_ in rounds)
    if disturbed:
        print(f"{disturbed} of {len(rounds)} rounds were disturbed by other processes: provisional at best")


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def parse_options():
    arguments = sys.argv[1:]
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL.gguf")
    parser.add_argument("--longscroll", default="build/release/bin/longscroll")
    parser.add_argument("--llama-python", default=sys.executable, help="the Python that has llama_cpp")
    parser.add_argument("--lengths", type=lambda text: [int(part) for part in text.split(",")], default=[2048])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--decode-tokens", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--idle", type=float, default=0.1, help="cores that others may use in a clean round")
    parser.add_argument("--json", metavar="OUT", help="everything measured, into this file")
    options = parser.parse_args(arguments[:cut])
    options.flags = arguments[cut + 1:]
    if WARM_UP in options.lengths:
        parser.error(f"{WARM_UP} tokens are the warm-up: choose other lengths")
    return options


def main():
    options = parse_options()
    started = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    print(f"{started}, {processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}")
    report = {"started": started, "processor": processor(), "cores": os.cpu_count(), "load": os.getloadavg()[0],
              "threads": options.threads, "flags": options.flags, "models": []}
    for model in options.models:
        rounds, outputs = measure(model, options)
        rows = summarise(rounds, options.lengths)
        print_table(model, rows, rounds, options)
        report["models"].append({"model": model, "rows": rows, "rounds": rounds, "last_outputs": outputs})
    last = report["models"][-1]["last_outputs"]
    print(f"\nllama-cpp-python {last['llama.cpp']['version']}: {last['llama.cpp']['build']}")
    print(f"longscroll: kernels {last[OURS]['kernels']}, compute {last[OURS]['compute']}, KV {last[OURS]['kv']}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
