"""longscroll extend on the tiny model: four times its window, killed twice, given again, and what is left at the end."""
import fcntl
import json
import os
import pathlib
import random
import signal
import subprocess
import time
import unittest

import harness
import training

WINDOW, LONGER = 128, 512
STEPS = 24
STAGES = ["corpus", "shards", "map-before", "needle-before", "long-pt", "long-sft", "model", "map-after", "needle-after",
          "report"]
ENVIRONMENT = {**training.ENVIRONMENT, "LONGSCROLL_TRAIN": training.BINARY}

OWN_RECIPE = f"""
[model]
compute = "f32"
[data]
sequence_length = {LONGER}
[batch]
tokens = {LONGER}
[length]
steps = 3
[optimizer]
learning_rate = 1e-3
"""


def instructions(count: int) -> str:
    return "".join(json.dumps({"messages": [{"role": "user", "content": f"Number {i}? {training.text(i)[:200]}"},
                                            {"role": "assistant", "content": f"It is {i}."}]}) + "\n"
                   for i in range(count))


class TestCase(harness.TestCase):
    """With sixteen texts of 800 to 4,500 bytes, a token each, and a dozen instructions."""
    model_options = {"window": WINDOW}

    @classmethod
    def setUpClass(cls):
        if not training.BINARY:
            raise unittest.SkipTest("LONGSCROLL_TRAIN_BIN is not set")
        super().setUpClass()
        cls.corpus = cls.folder / "corpus"
        cls.corpus.mkdir()
        for seed in range(16):
            (cls.corpus / f"{seed:02}.txt").write_text(training.text(seed))
        cls.sft = cls.folder / "chat.jsonl"
        cls.sft.write_text(instructions(12))

    def arguments(self, out: pathlib.Path, changed: dict) -> list[str]:
        options = {"window": LONGER, "corpus": self.corpus, "sft": self.sft, "tokens": STEPS * 1024, "batch-tokens": 1024,
                   "learning-rate": "5e-3", "texts": 2, "held-out": "0.1", "needle-repeats": 1, "threads": 1, "out": out,
                   **changed}
        return ["extend", str(self.model)] + [word for name, value in options.items() for word in (f"--{name}", str(value))]

    def start(self, out: pathlib.Path, changed: dict, *further) -> subprocess.Popen:
        process = subprocess.Popen([harness.BINARY, *self.arguments(out, changed), *further], env=ENVIRONMENT,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def finish(self, process: subprocess.Popen, check=0) -> tuple[str, str]:
        """What it said on standard output and standard error."""
        out, errors = (stream.decode() for stream in process.communicate(timeout=training.TIMEOUT))
        self.assertEqual(process.returncode, check, errors)
        return out, errors

    def extend(self, out: pathlib.Path, **changed) -> dict:
        """The object; an option's dashes are underscores here."""
        options = {name.replace("_", "-"): value for name, value in changed.items()}
        return json.loads(self.finish(self.start(out, options, "--json"))[0])

    def refuse(self, out: pathlib.Path, **changed) -> str:
        options = {name.replace("_", "-"): value for name, value in changed.items()}
        return self.finish(self.start(out, options), check=1)[1]

    def wait_until(self, holds):
        deadline = time.monotonic() + training.TIMEOUT
        while not holds():
            self.assertLess(time.monotonic(), deadline, "it never came")
            time.sleep(0.002)


class Runs(TestCase):
    def test_killed_twice_it_goes_on_to_the_end(self):
        out, chance = self.folder / "out", random.Random()
        moments = {"corpus": lambda: (out / "extend.json").exists(),
                   "map-before": lambda: (out / "before/map/map.json").exists(),
                   "needle-before": lambda: (out / "before/needle/records.jsonl").exists(),
                   "long-pt": lambda: (out / "long-pt/metrics.jsonl").exists(),
                   "map-after": lambda: (out / "model/config.json").exists()}
        chosen = sorted(chance.sample(list(moments), 2), key=list(moments).index)
        for stage in chosen:
            with self.subTest(killed_in=stage):
                process = self.start(out, {})
                self.wait_until(lambda: moments[stage]() or process.poll() is not None)
                time.sleep(chance.uniform(0, 0.3))
                process.kill()
                process.communicate(timeout=training.TIMEOUT)
        done = self.extend(out)
        self.assertEqual([stage["name"] for stage in done["stages"]], STAGES)
        self.check_outcome(out, done)
        self.check_that_nothing_is_done_again(out, done)

    def check_outcome(self, out: pathlib.Path, done: dict):
        self.assertEqual((done["trained_window"], done["window"], done["trained_base"]), (WINDOW, LONGER, 10000))
        self.assertEqual(done["base"], done["suggested_base"])
        inspected = harness.run_json("inspect", out / "model")
        self.assertEqual(inspected["window"], LONGER)
        self.assertAlmostEqual(inspected["rope"]["base"], done["base"])
        self.assertEqual([at["length"] for at in done["perplexity"]], [32, 64, 128, 256, 512])
        for at in done["perplexity"]:  # a random model learns these texts' few words in no time
            self.assertLess(at["after"], 0.7 * at["before"])
        self.assertEqual(done["needle"][-1]["length"], LONGER - 32)
        page = (out / "report/index.html").read_text()
        for words in ("within the old window of 128", "up to the new window of 512", "Perplexity at the new window",
                      "2310.05209", "2405.14591", "Training loss", "long-pt", "long-sft", "Needle in a haystack"):
            self.assertIn(words, page)
        # No text is trained on and measured with.
        split = json.loads((out / "corpus/split.json").read_text())
        packed = [json.loads((out / f"shards/{name}/manifest.json").read_text())["documents"]
                  for name in ("held-out", "train")]
        self.assertEqual(packed, [split["kept_apart"], split["documents"] - split["kept_apart"]])
        self.assertEqual([step["step"] for step in training.steps(out / "long-pt")], list(range(1, STEPS + 1)))

    def check_that_nothing_is_done_again(self, out: pathlib.Path, done: dict):
        before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
        again = self.extend(out)
        self.assertTrue(all(stage["before"] for stage in again["stages"]))
        self.assertEqual(again["perplexity"], done["perplexity"])
        self.assertEqual({path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}, before)
        self.assertIn("[--base] must be 0", self.refuse(out, base=20000))

    def test_ctrl_c_saves_the_step_and_the_same_command_goes_on(self):
        out, changed = self.folder / "stopped", {"needle-repeats": 0}
        process = self.start(out, changed)
        training.wait_for_step(out / "long-pt", 5)
        process.send_signal(signal.SIGINT)
        _, errors = self.finish(process, check=130)
        self.assertIn("the same command goes on", errors)
        last = max(step["step"] for step in training.steps(out / "long-pt"))
        self.assertIn(f"step-{last:08}", training.checkpoints(out / "long-pt"))
        _, errors = self.finish(self.start(out, changed))
        self.assertIn(f"going on after step {last}", errors)
        self.assertNotIn("Token shards", errors)

    def test_own_recipes_are_taken_with_model_folder_and_window_set(self):
        recipe = self.write("own.toml", OWN_RECIPE)
        out = self.folder / "recipes"
        done = self.extend(out, needle_repeats=0, base=30000, pt_recipe=recipe, sft_recipe=recipe)
        self.assertEqual(done["base"], 30000)
        for stage in ("long-pt", "long-sft"):
            self.assertEqual(len(training.steps(out / stage)), 3)
        self.assertEqual(harness.run_json("inspect", out / "model")["rope"]["base"], 30000)


class Faults(TestCase):
    def test_a_window_that_is_there_already_is_no_extension(self):
        said = self.refuse(self.folder / "same", window=WINDOW)
        self.assertIn("must be above the model's own 128 tokens, found 128", said)

    def test_a_folder_is_worked_in_by_one_call_at_a_time(self):
        out = self.folder / "held"
        out.mkdir()
        held = os.open(out, os.O_RDONLY)
        self.addCleanup(os.close, held)
        fcntl.flock(held, fcntl.LOCK_EX)
        self.assertIn("one run at a time", self.refuse(out))

    def test_documents_must_be_longer_than_the_window(self):
        said = self.refuse(self.folder / "short", window=8192, batch_tokens=8192)
        self.assertIn("must hold 3 documents of more than 8192 tokens", said)

    def test_a_trainer_that_is_not_there_is_said_with_what_builds_it(self):
        if pathlib.Path(harness.BINARY).with_name("longscroll-train").exists():
            self.skipTest("the trainer lies beside the program")
        environment = {name: value for name, value in ENVIRONMENT.items() if name != "LONGSCROLL_TRAIN"}
        done = subprocess.run([harness.BINARY, *self.arguments(self.folder / "untrained", {})], capture_output=True, text=True,
                              env={**environment, "PATH": "/nowhere"})
        self.assert_one_error(done, "make build-train")

    def test_a_stage_that_fails_is_named_with_its_log(self):
        recipe = self.write("wrong.toml", "[optimizer]\nlearning_rat = 1\n")
        out = self.folder / "failed"
        said = self.refuse(out, needle_repeats=0, pt_recipe=recipe)
        self.assertIn("did you mean optimizer.learning_rate?", said)
        self.assertIn("[Long PT]", said)
        self.assertIn("did you mean", (out / "logs/long-pt.log").read_text())


if __name__ == "__main__":
    unittest.main()
