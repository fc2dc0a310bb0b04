"""Runs longscroll-train on the tiny model. The binary is $LONGSCROLL_TRAIN_BIN."""
import hashlib
import json
import os
import pathlib
import subprocess
import time
import unittest

import harness

BINARY = os.environ.get("LONGSCROLL_TRAIN_BIN", "")
TIMEOUT = 300
# Containers run as root, which Open MPI refuses unless told twice.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1",
               "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

RECIPE = """
[model]
path = "{model}"
compute = "f32"
device = "cpu"
[data]
sequence_length = 128
seed = 3
[[data.sources]]
path = "{data}"
[batch]
tokens = 512
[length]
steps = {steps}
[optimizer]
learning_rate = 5e-3
warmup_steps = 2
[run]
out = "{out}"
checkpoint_every = {every}
keep = 2
save_type = "f32"
"""


def text(seed: int) -> str:
    words = "river boat salt stone winter letter harbour lantern bread window".split()
    return " ".join(words[(i * i + 7 * i + seed * 3) % len(words)] for i in range(150 + 40 * seed))


class TestCase(harness.TestCase):
    """With token shards of twelve small documents."""

    @classmethod
    def setUpClass(cls):
        if not BINARY:
            raise unittest.SkipTest("LONGSCROLL_TRAIN_BIN is not set")
        super().setUpClass()
        corpus = cls.folder / "corpus"
        corpus.mkdir()
        for seed in range(12):
            (corpus / f"{seed:02}.txt").write_text(text(seed))
        cls.shards = cls.folder / "shards"
        harness.run("data", "pack", cls.model, corpus, "--out", cls.shards, check=0)

    def recipe(self, name: str, steps=20, every=5, data=None, model=None) -> pathlib.Path:
        return self.write(f"{name}.toml", RECIPE.format(model=model or self.model, data=data or self.shards, steps=steps,
                                                        every=every, out=self.folder / name))

    def out(self, name: str) -> pathlib.Path:
        return self.folder / name

    def start(self, stage: str, recipe: pathlib.Path, *arguments, processes=1) -> subprocess.Popen:
        launcher = ["mpirun", "--oversubscribe", "-n", str(processes)] if processes > 1 else []
        return subprocess.Popen([*launcher, BINARY, stage, str(recipe), *map(str, arguments)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)

    def train(self, stage: str, recipe: pathlib.Path, *arguments, check=0, processes=1) -> str:
        """What it said, on both streams."""
        process = self.start(stage, recipe, *arguments, processes=processes)
        try:
            out, err = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        said = out.decode(errors="replace") + err.decode(errors="replace")
        self.assertEqual(process.returncode, check, said)
        return said


def steps(out: pathlib.Path) -> list[dict]:
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if "loss" in line]


def wait_for_step(out: pathlib.Path, step: int):
    """Until metrics.jsonl has a line of that step."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        if (out / "metrics.jsonl").exists() and f'{{"step":{step},' in (out / "metrics.jsonl").read_text():
            return
        time.sleep(0.01)
    raise AssertionError(f"no step {step} came")


def weights_hash(directory: pathlib.Path) -> str:
    return hashlib.sha256((directory / "model.safetensors").read_bytes()).hexdigest()


def checkpoints(out: pathlib.Path) -> list[str]:
    folder = out / "checkpoints"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []
