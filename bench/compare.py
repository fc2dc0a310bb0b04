#!/usr/bin/env python3
"""Longscroll beside other programs on this machine: reading a prompt, and decoding at that depth.

Every round runs each program once, one after the other, in processes of their own; the next round begins with
another of them. A ratio is a program's time through Longscroll's in the same round, so that a slow spell of the
machine meets both, and the median of the rounds counts: 1 is equal, 2 is Longscroll twice as fast. Each program reads
a short prompt first, untimed, and random ids: the time does not depend on them. For each family (llama.cpp, OpenVINO)
the best of its settings in each round counts.

What other processes took of the cores while a run lasted is kept with it; a round with more than --idle of a core is
marked. Such a round says nothing, and is not counted unless --count-disturbed is given: programs whose threads spin
while they wait for each other slow down far more than others.

With --keep each round is written to FILE when it ends: a run that was cut, or is given more --rounds, goes on from
there, as long as commands and our program are the same.

Usage: bench/compare.py CASE.json --out docs/benchmarks/NAME [--rounds 3] [--threads 2] [--keep FILE]
  CASE.json: {"title": …, "lengths": [2048], "depths": [2048], "longscroll": [COMMAND …], "peers": {"llama.cpp":
  {"no flash attention": [COMMAND …], …}, …}}; a command gets --lengths, --depths, --repeats 1, --decode-tokens and
  --threads, and prints an object as `longscroll bench --json` does. bench/peers.sh writes cases.
Writes NAME.md, NAME.json and NAME.svg (with gnuplot). Needs Python 3.10 and Linux's /proc.
"""
import argparse
import datetime
import hashlib
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys

OURS, WARM_UP = "longscroll", 64
ABOUT = ("kernels", "compute", "kv", "version", "build")  # of what a command prints


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
        raise SystemExit(f"compare: {' '.join(command)} ended with {done.returncode}\n{done.stderr}")
    seconds = (datetime.datetime.now() - start).total_seconds()
    return json.loads(done.stdout), max(0.0, ((all_after - all_before) - (own_after - own_before)) / seconds)


def sizes_of(case, kind, setting):
    until = case.get("until", {}).get(setting)
    return [size for size in case[kind] if until is None or size <= until]


def sides_of(case, options):
    common = ["--repeats", "1", "--decode-tokens", str(options.decode_tokens), "--threads", str(options.threads)]

    def sizes(setting, warm_up=()):
        lengths, depths = sizes_of(case, "lengths", setting), sizes_of(case, "depths", setting)
        return ["--lengths", ",".join(map(str, [*warm_up, *lengths])), "--depths", ",".join(map(str, depths)), *common]

    sides = {(OURS, ""): [*case["longscroll"], "--json", *sizes("", [WARM_UP])]}
    for family, settings in case["peers"].items():
        for name, command in settings.items():
            if sizes_of(case, "lengths", name) or sizes_of(case, "depths", name):
                sides[family, name] = [*command, *sizes(name)]
    return sides


def times(output):
    found = {("prefill", row["length"]): row["seconds"] for row in output["prefill"]}
    found.update({("decode", row["depth"]): row["ms_per_token"] for row in output["decode"]})
    return found


def measure_round(sides, number, idle):
    """What each side printed, and its times, in an order that turns with the rounds."""
    names, row = list(sides), {}
    first = number % len(names)
    for name in names[first:] + names[:first]:
        output, others = run(sides[name])
        row[name] = {"others": others, "times": times(output),
                     "about": {key: output[key] for key in ABOUT if key in output}}
        told = "  ".join(f"{kind} {size}: {value:.3g}" for (kind, size), value in row[name]["times"].items())
        mark = "  disturbed" if others > idle else ""
        print(f"  round {number + 1}  {' '.join(name):<28} {told}  others {others:.2f}{mark}", file=sys.stderr)
    return row


def as_json(round_):
    """Tuples as the text that JSON wants for keys."""
    return {" ".join(name).strip(): {**side, "times": {f"{kind} {size}": v for (kind, size), v in side["times"].items()}}
            for name, side in round_.items()}


def from_json(kept, sides):
    names = {" ".join(name).strip(): name for name in sides}
    return {names[text]: {**side, "times": {(key.split()[0], int(key.split()[1])): v for key, v in side["times"].items()}}
            for text, side in kept.items()}


def measure(case, options):
    sides = sides_of(case, options)
    program = hashlib.sha256(pathlib.Path(case["longscroll"][0]).read_bytes()).hexdigest()
    same = {"commands": list(sides.values()), "program": program}
    kept = json.loads(options.keep.read_text()) if options.keep and options.keep.exists() else {}
    if kept and kept["same"] != same:
        print(f"compare: {options.keep} is of other commands or another program: its rounds are not counted", file=sys.stderr)
    rounds = [from_json(row, sides) for row in kept["rounds"]] if kept.get("same") == same else []
    while len(rounds) < options.rounds:
        rounds.append(measure_round(sides, len(rounds), options.idle))
        if options.keep:
            options.keep.write_text(json.dumps({"same": same, "rounds": [as_json(row) for row in rounds]}) + "\n")
    return rounds


def summarise(case, rounds):
    """For each size and family: our median, the family's best setting's, and the ratios of the rounds."""
    rows = []
    sizes = [("prefill", n) for n in case["lengths"]] + [("decode", n) for n in case["depths"]]
    for size in sizes:
        ours = [round_[OURS, ""]["times"][size] for round_ in rounds]
        row = {"kind": size[0], "size": size[1], "ours": statistics.median(ours), "peers": {}}
        for family, settings in case["peers"].items():
            theirs = [min(round_[family, name]["times"].get(size, float("inf")) for name in settings)
                      for round_ in rounds]
            ratios = [their / our for our, their in zip(ours, theirs)]
            row["peers"][family] = {"best": statistics.median(theirs), "ratio": statistics.median(ratios), "ratios": ratios}
        rows.append(row)
    return rows


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def table(case, rows):
    families = list(case["peers"])
    lines = ["| | tokens | Longscroll | " + " | ".join(f"{f} | ratio" for f in families) + " |",
             "|---|---|---|" + "---|---|" * len(families)]
    for row in rows:
        unit, digits = ("s", 2) if row["kind"] == "prefill" else ("ms", 1)
        cells = [f"{row['ours']:.{digits}f} {unit}"]
        for family in families:
            peer = row["peers"][family]
            spread = f"{min(peer['ratios']):.2f} to {max(peer['ratios']):.2f}"
            cells += [f"{peer['best']:.{digits}f} {unit}", f"**{peer['ratio']:.2f}** ({spread})"]
        lines.append(f"| {row['kind']} | {row['size']:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(case, rows, path):
    """Seconds against length, for all, with gnuplot."""
    prefill = [row for row in rows if row["kind"] == "prefill"]
    if len(prefill) < 2:
        return
    families = list(case["peers"])
    curves = {"Longscroll": [row["ours"] for row in prefill]}
    curves.update({family: [row["peers"][family]["best"] for row in prefill] for family in families})
    plots = ", ".join(f"'-' with linespoints lw 2 title '{name}'" for name in curves)
    data = "".join("".join(f"{row['size']} {value}\n" for row, value in zip(prefill, values)) + "e\n"
                   for values in curves.values())
    title = case["title"].replace("'", "''")  # as gnuplot writes one within quotes
    script = (f"set terminal svg noenhanced size 720,440 font 'sans,13' background 'white'\nset output '{path}'\n"
              f"set title '{title}'\nset xlabel 'prompt, tokens'\nset ylabel 'seconds to read it'\n"
              f"set logscale xy\nset grid\nset key top left\nplot {plots}\n{data}")
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def versions(case, round_):
    outputs = {name: side["about"] for name, side in round_.items()}
    lines = [f"Longscroll: kernels {outputs[OURS, '']['kernels']}, compute {outputs[OURS, '']['compute']}, "
             f"KV {outputs[OURS, '']['kv']}."]
    for (family, name), output in outputs.items():
        if family != OURS:
            until = case.get("until", {}).get(name)
            limit = f" Measured up to {until:,} tokens: beyond, another of its settings is faster." if until else ""
            lines.append(f"{family}, {name}: {output.get('version', '?')} ({output.get('build', '').strip()}).{limit}")
    return "\n".join(f"- {line}" for line in lines)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", metavar="CASE.json")
    parser.add_argument("--out", required=True, metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--decode-tokens", type=int, default=48)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--idle", type=float, default=0.1, help="cores that others may use in a clean round")
    parser.add_argument("--count-disturbed", action="store_true")
    return parser.parse_args()


def main():
    options = parse_options()
    case = json.loads(pathlib.Path(options.case).read_text())
    started = datetime.datetime.now().astimezone().isoformat(timespec="minutes")
    rounds = measure(case, options)
    clean = [round_ for round_ in rounds if all(side["others"] <= options.idle for side in round_.values())]
    counted = rounds if options.count_disturbed else clean
    if not counted:
        raise SystemExit("compare: every round was disturbed by other processes: try again on a quiet machine")
    rows = summarise(case, counted)
    text = (f"# {case['title']}\n\n{started}, {processor()}, {options.threads} threads. Median of {len(counted)} rounds "
            f"({len(rounds) - len(clean)} of {len(rounds)} disturbed by other processes"
            f"{', counted all the same' if options.count_disturbed else ', not counted'}); a ratio above 1 means that "
            f"Longscroll is faster, in brackets least to most. Decode: milliseconds a token at that depth.\n\n"
            f"{table(case, rows)}\n\n{versions(case, rounds[0])}\n\nMade by `bench/compare.py`.\n")
    out = pathlib.Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_name(out.name + ".md").write_text(text)
    out.with_name(out.name + ".json").write_text(json.dumps(
        {"started": started, "processor": processor(), "case": case["title"], "rows": rows,
         "rounds": [as_json(round_) for round_ in rounds]}, indent=1) + "\n")
    draw(case, rows, out.with_name(out.name + ".svg"))
    print(text)


if __name__ == "__main__":
    main()
