#!/usr/bin/env python3
"""The pocket experiments: trains and asks what experiments.py lists. What is done is not done again, what was stopped
goes on.

Usage: recipes/pocket/run.py [--comparisons 1,2,3,4,5,6,7] [--seeds 1,2,3] [--work build/pocket] [--base-steps 4000]
                             [--size 1.0] [--questions 40] [--device auto] [--jobs 2] [--threads N] [--only train|ask]
                             [--list]

Comparison 1 takes the base model, Long PT and SFT (which all others use), of every seed; the others take the first two
seeds. --size 0.1 makes a tenth of the texts and trains a tenth of the steps after the base model. --jobs runs so many
programs at a time, each with its share of the cores. Needs `make build-train`.
"""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import threading
import time
from typing import NamedTuple

import experiments
from experiments import Run

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROGRAM = os.environ.get("LONGSCROLL_BIN", str(ROOT / "build/release/bin/longscroll"))
TRAINER = os.environ.get("LONGSCROLL_TRAIN_BIN", str(ROOT / "build/release/bin/longscroll-train"))
SHARDS = [f"{length}-{kind}" for length in ("short", "middle", "top", "long") for kind in ("made", "text")]
HELD_OUT = "held-out"
MAP_LENGTHS = "128,256,512,1024,2048,4096"
MAPPED_METHODS = ("ntk:2", "ntk:4", "ntk:8", "dynamic-ntk:2", "dynamic-ntk:4", "dynamic-ntk:8", "linear:8", "yarn:8")
ASKED_WINDOW = experiments.LONG_WINDOW + experiments.WINDOW  # with a conversation's marks and the answer
ASKED_MOST = ("base", "long", "sft")
FAR_TIMES = 2  # so many more questions where they are told apart by distance


class Step(NamedTuple):
    name: str
    needs: tuple[str, ...]  # names of steps
    product: pathlib.Path  # there when the step is done
    command: list[str]


def model_of(arguments, name: str) -> pathlib.Path:
    """Of a run, or an untrained one: a training's is there when it is over."""
    return arguments.work / "runs" / name / "run" / "model"


def is_base(run: Run) -> bool:
    return run.name.endswith("/base")


def recipe_text(run: Run, arguments, model: pathlib.Path, out: pathlib.Path) -> str:
    """A recipe as longscroll-train reads it; docs/formats/recipe.md."""
    steps = run.steps if is_base(run) else max(2, round(run.steps * arguments.size))
    corpus, shards = arguments.work / "corpus", arguments.work / "shards"
    share = "weight" if run.stage == "pt" else "count"
    sources = "".join(
        f'[[data.sources]]\npath = "{shards / name if run.stage == "pt" else corpus / (name + ".jsonl")}"\n'
        f"{share} = {amount if run.stage == 'pt' else max(1, round(amount * arguments.size))}\n"
        for name, amount in run.sources.items())
    held_out = f'path = "{shards / HELD_OUT}"\nevery = {max(1, steps // 6)}\npacks = 32\nbucket = {experiments.WINDOW}\n'
    return f"""[model]
path = "{model}"
compute = "{'f32' if arguments.device == 'cpu' else 'bf16'}"
device = "{arguments.device}"
checkpointing = false
rope_base = {run.rope_base}
window = {run.window}
[lora]
rank = {run.lora_rank}
[data]
sequence_length = {run.window}
packing = "{run.packing}"
document_mask = {str(run.document_mask).lower()}
{'too_long = "leave-out"' if run.stage == 'sft' else ''}
seed = {int(run.name.partition('/')[0])}
{sources}[batch]
tokens = {experiments.BATCH}
micro_tokens = {experiments.BATCH}
[length]
steps = {steps}
[optimizer]
learning_rate = {run.rate}
final_learning_rate = {run.final_rate}
warmup_steps = {min(run.warmup, steps // 4)}
[evaluation]
{held_out if run.stage == 'pt' else ''}[run]
out = "{out}"
checkpoint_every = {max(1, steps // 4)}
keep = 1
save_type = "{'f32' if arguments.device == 'cpu' else 'bf16'}"
"""


def corpus_steps(arguments) -> list[Step]:
    corpus, shards = arguments.work / "corpus", arguments.work / "shards"
    steps = [Step("corpus", (), corpus / "made.json",
                  [sys.executable, str(HERE / "make_corpus.py"), "--out", str(corpus), "--size", str(arguments.size)])]
    for seed in arguments.seeds:
        untrained = model_of(arguments, f"{seed}/untrained")
        steps.append(Step(f"{seed}/untrained", (), untrained / "model.safetensors",
                          [sys.executable, str(HERE / "make_model.py"), "--out", str(untrained), "--seed", str(seed)]))
    tokenizer = model_of(arguments, f"{arguments.seeds[0]}/untrained")
    for name in SHARDS + [HELD_OUT]:
        source = corpus / (HELD_OUT if name == HELD_OUT else name.replace("-", "/") + ".jsonl")
        steps.append(Step(f"shards/{name}", ("corpus", f"{arguments.seeds[0]}/untrained"), shards / name / "manifest.json",
                          [PROGRAM, "data", "pack", str(tokenizer), str(source), "--out", str(shards / name)]))
    return steps


def train_step(run: Run, arguments) -> Step:
    home = arguments.work / "runs" / run.name
    recipe = home / "recipe.toml"
    recipe.parent.mkdir(parents=True, exist_ok=True)
    recipe.write_text(recipe_text(run, arguments, model_of(arguments, run.begins_from), home / "run"), encoding="utf-8")
    shards = tuple(f"shards/{name}" for name in (*run.sources, HELD_OUT)) if run.stage == "pt" else ("corpus",)
    return Step(run.name, (run.begins_from, *shards), model_of(arguments, run.name) / "model.safetensors",
                [TRAINER, run.stage, str(recipe), "--resume"])


def map_steps(run: Run, arguments, exact: list[str]) -> list[Step]:
    """Perplexity by length on texts of both kinds; of base models by rotation too."""
    home, corpus, model = arguments.work / "runs" / run.name, arguments.work / "corpus", str(model_of(arguments, run.name))
    steps = []
    for kind in ("made", "text"):
        texts = [str(corpus / "map" / f"{kind}-{number}.txt") for number in range(4)]
        out = home / f"map-{kind}"
        resume = ["--resume"] if (out / "map.json").exists() else []
        scaling = ["--scaling", ",".join(MAPPED_METHODS)] if is_base(run) else []
        steps.append(Step(f"{run.name} map-{kind}", (run.name,), out / "index.html",
                          [PROGRAM, "rope", "map", model, *texts, "--lengths", MAP_LENGTHS, *scaling, "--max-tokens",
                           str(experiments.LONG_WINDOW + 1), *resume, "--out", str(out), *exact]))
    return steps


def suite_options(suite: str, questions: int) -> list[str]:
    """A suite's file, and which of its questions; far: begun at the longest length, more of them."""
    limits = {"needle": [], "far": ["--tasks", f"begun_{experiments.LONG_WINDOW}", "--limit", str(FAR_TIMES * questions)]}
    file = HERE / f"{'begun' if suite == 'far' else suite}.json"
    return ["--suite-file", str(file), *limits.get(suite, ["--limit", str(questions)])]


def eval_step(run: Run, arguments, suite: str, method: str, exact: list[str]) -> Step:
    out = arguments.work / "runs" / run.name / (f"{suite}-{method.replace(':', '-')}" if method else suite)
    label = " ".join([*reversed(run.name.split("/")), *([method] if method else [])])
    return Step(f"{run.name} {out.name}", (run.name,), out / "manifest.json.done",
                [PROGRAM, "eval", *suite_options(suite, arguments.questions), "--data", str(arguments.work / "corpus"),
                 "--label", label, "--model", str(model_of(arguments, run.name)), "--window", str(ASKED_WINDOW),
                 *(["--rope", method] if method else []), "--resume", "--out", str(out), *exact])


def asking_steps(run: Run, arguments) -> list[Step]:
    """Perplexity maps, facts, and the needles of what comparison 1 trains."""
    exact = ["--compute", "f32", "--threads", str(arguments.threads)]
    what = run.name.partition("/")[2]
    suites = ["begun", "far"] + ["chat"] * (run.stage == "sft") + ["facts", "needle"] * (what in ASKED_MOST)
    methods = ("", *experiments.METHODS) if is_base(run) else ("",)
    return map_steps(run, arguments, exact) + [eval_step(run, arguments, suite, method, exact)
                                               for suite in suites for method in methods]


class Schedule:
    """Carries steps out as soon as what they need is done, so many at a time."""

    def __init__(self, steps: list[Step], jobs: int, threads: int, seconds: float | None):
        self.steps, self.jobs = {step.name: step for step in steps}, jobs
        self.environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        self.done = {step.name for step in steps if step.product.exists()}
        self.failed: list[str] = []
        self.deadline = time.monotonic() + seconds if seconds else None
        self.print_lock = threading.Lock()

    def carry_out(self, step: Step) -> None:
        step.product.parent.parent.mkdir(parents=True, exist_ok=True)
        begin = time.monotonic()
        log = step.product.parent.with_name(step.product.parent.name + ".log")
        with log.open("wb") as file:
            code = subprocess.run(step.command, cwd=ROOT, env=self.environment, stdout=file,
                                  stderr=subprocess.STDOUT).returncode
        if code == 0:
            step.product.touch()  # of what leaves no file that is there only when all is done
        (self.done.add if code == 0 else self.failed.append)(step.name)
        with self.print_lock:
            print(f"{step.name}: {'done' if code == 0 else f'failed ({code}), see {log}'}, "
                  f"{time.monotonic() - begin:.0f} s; {len(self.done)} of {len(self.steps)}", flush=True)

    def ready(self, running: set[str]) -> list[Step]:
        return [step for name, step in self.steps.items()
                if name not in self.done and name not in running and name not in self.failed
                and all(need in self.done for need in step.needs)]

    def run(self) -> bool:
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            running: dict[concurrent.futures.Future, str] = {}
            while True:
                late = self.deadline is not None and time.monotonic() > self.deadline
                for step in [] if late else self.ready(set(running.values()))[:self.jobs - len(running)]:
                    running[pool.submit(self.carry_out, step)] = step.name
                if not running:
                    return not self.failed and len(self.done) >= len(self.steps)
                finished, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in finished:
                    future.result()
                    del running[future]


def all_steps(arguments) -> list[Step]:
    runs: dict[str, Run] = {}
    for number in arguments.comparisons:
        for seed in arguments.seeds if number == 1 else arguments.seeds[:2]:
            needed = [experiments.base_run(seed, arguments.base_steps), experiments.long_pt(seed, "long"),
                      experiments.sft(seed, "sft", experiments.SFT_SHARES[-1]), *experiments.comparison(number, seed)]
            runs |= {run.name: run for run in needed}
    trained = [train_step(run, arguments) for run in runs.values()]
    if arguments.only == "ask":
        there = [run for run, step in zip(runs.values(), trained, strict=True) if step.product.exists()]
        return [step._replace(needs=()) for run in there for step in asking_steps(run, arguments)]
    asked = [step for run in runs.values() for step in asking_steps(run, arguments)]
    # What others wait for comes first.
    return corpus_steps(arguments) + trained + ([] if arguments.only == "train" else asked)


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main() -> int:
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=numbers, default=[1, 2, 3, 4, 5, 6, 7])
    parser.add_argument("--seeds", type=numbers, default=[1, 2, 3])
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "pocket")
    parser.add_argument("--base-steps", type=int, default=4000)
    parser.add_argument("--size", type=float, default=1.0)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--only", choices=["train", "ask"], help="ask: of what is trained already")
    parser.add_argument("--jobs", type=int, default=min(2, cores))
    parser.add_argument("--threads", type=int, help="of each job (default: its share of the cores)")
    parser.add_argument("--seconds", type=float, help="begin nothing new after so long")
    parser.add_argument("--list", action="store_true", help="what is left to do, without doing it")
    arguments = parser.parse_args()
    arguments.work = arguments.work.resolve()
    arguments.threads = arguments.threads or max(1, cores // arguments.jobs)
    schedule = Schedule(all_steps(arguments), arguments.jobs, arguments.threads, arguments.seconds)
    if arguments.list:
        for step in schedule.steps.values():
            if step.name not in schedule.done:
                print(step.name, " ".join(step.command), sep="\t")
        return 0
    return 0 if schedule.run() else 1


if __name__ == "__main__":
    sys.exit(main())
