"""eval: runs that are cut, killed, sharded, resumed; what is refused; what it prints."""
import json
import pathlib
import random
import shutil
import signal
import subprocess
import time

import harness
from harness import run, run_json

# Tokens are bytes here. NeedleBench leaves 3,000 tokens of a length free, so the haystacks are a few hundred long.
GRID = ["--languages", "en", "--lengths", "3500,3800", "--depths", "0,50,100", "--repeats", "2"]
ITEMS = 12


def records(folder, times=False) -> list[dict]:
    lines = (pathlib.Path(folder) / "records.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    for record in found:
        if not times:
            del record["times"]
    return found


def count_lines(path) -> int:
    return path.read_bytes().count(b"\n")


def manifest(folder) -> dict:
    return json.loads((pathlib.Path(folder) / "manifest.json").read_text(encoding="utf-8"))


class EvalCase(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = cls.folder / "data"
        cls.data.mkdir()
        words = random.Random(5)
        for name in ("a.txt", "b.txt"):
            text = " ".join(words.choice(["sand", "ferry", "lamp", "river", "stone", "cloud"]) for _ in range(400))
            (cls.data / name).write_text(text + ".\n", encoding="utf-8")

    def needle(self, out, *more):
        return ["eval", "needle", "--model", self.model, "--data", self.data, "--out", out, *GRID, *more]

    def out(self, name) -> pathlib.Path:
        return self.folder / f"{self.id().rsplit('.', 1)[1]}-{name}"


class Runs(EvalCase):
    def test_records_manifest_and_table(self):
        out = self.out("run")
        done = run(*self.needle(out), check=0)
        self.assertIn("score", done.stdout.splitlines()[0])
        self.assertIn("found in the KV cache", done.stderr)
        found, about = records(out), manifest(out)
        self.assertEqual(len(found), ITEMS)
        self.assertEqual([record["index"] for record in found], list(range(ITEMS)))
        self.assertEqual({record["fields"]["length"] for record in found}, {3500, 3800})
        self.assertTrue(all(0 <= record["score"] <= 1 for record in found))
        self.assertTrue(any(record["reused_tokens"] > 0 for record in found))
        self.assertEqual(about["state"], "complete")
        self.assertEqual(about["items"], ITEMS)
        self.assertEqual(about["suite"]["name"], "needle")
        self.assertEqual(about["model"]["template"], "chatml")
        self.assertEqual(len(about["model"]["sha256"]), 64)

    def test_two_runs_of_the_same_thing_are_equal_but_for_times(self):
        run(*self.needle(self.out("1")), check=0)
        run(*self.needle(self.out("2"), "--threads", "1"), check=0)
        self.assertEqual(records(self.out("1")), records(self.out("2")))

    def test_json_has_tasks_and_totals(self):
        found = run_json(*self.needle(self.out("run")))
        self.assertEqual(found["items"], ITEMS)
        self.assertEqual(found["tasks"][0]["items"] + sum(task["items"] for task in found["tasks"][1:]), ITEMS)
        self.assertGreater(found["totals"]["prompt_tokens"], 1000)
        self.assertEqual(found["protocol"], "opencompass")

    def test_what_is_longer_than_the_window_is_cut_and_said(self):
        out = self.out("run")
        done = run(*self.needle(out, "--max-seq-len", "600"), check=0)
        self.assertIn("prompts were cut", done.stderr)
        for record in records(out):
            self.assertLessEqual(record["prompt_tokens"] + 256, 600)
            if record["dropped_tokens"]:
                self.assertEqual(record["truncation"]["kept_first"] + record["truncation"]["kept_last"],
                                 record["prompt_tokens"])
        done = run(*self.needle(self.out("refuse"), "--max-seq-len", "600", "--truncate", "refuse"))
        self.assert_one_error(done, "must fit into")

    def test_ways_to_cut_stand_side_by_side(self):
        out = self.out("run")
        done = run(*self.needle(out, "--max-seq-len", "600", "--compare-truncation"), check=0)
        self.assertEqual(done.stdout.split()[:5], ["task", "middle", "left", "right", "cut"])
        prompts = []
        for mode in ("middle", "left", "right"):
            self.assertEqual(manifest(out / mode)["truncate"], mode)
            prompts.append([record["prompt_sha256"] for record in records(out / mode)])
        self.assertNotEqual(prompts[0], prompts[1])
        self.assertNotEqual(prompts[1], prompts[2])

    def test_texts_are_scored_by_length(self):
        out = self.out("run")
        done = run("eval", "perplexity", "--model", self.model, "--data", self.data, "--out", out, "--lengths",
                   "100,300", check=0)
        self.assertIn("perplexity", done.stdout)
        for record in records(out):
            self.assertEqual(record["parts"]["tokens"] + record["prompt_tokens"], record["fields"]["length"])
            self.assertGreater(record["parts"]["perplexity"], 1)

    def test_a_pair_of_questions_is_scored_as_one(self):
        folder = self.out("data") / "Closed-ended-tasks"
        folder.mkdir(parents=True)
        line = {"input": "The sky of Orm is green.", "instructions": ["The sky is green.", "Water is dry."],
                "outputs": ["True [fact: False]", "False [fact: False]"], "source": "own", "evaluation": "exam"}
        (folder / "sci_fi.jsonl").write_text(json.dumps(line) + "\n")
        out = self.out("run")
        run("eval", "leval", "--model", self.model, "--data", folder.parent, "--tasks", "sci_fi", "--protocol",
            "official", "--out", out, check=0)
        found = records(out)
        self.assertEqual([record["score"] is None for record in found], [True, False, True, False])
        for earlier, later in zip(found[::2], found[1::2]):
            self.assertEqual(earlier["metric"], "")
            self.assertTrue(later["prediction"].startswith(earlier["prediction"].strip()))
            self.assertIn("[fact: ", later["prediction"])


class Cut(EvalCase):
    """Proof 7: whatever ends a run, --resume makes the records of a run that was not ended."""

    def start(self, *arguments):
        return subprocess.Popen([harness.BINARY, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait_for_records(self, child, out, count):
        written = out / "records.jsonl"
        while child.poll() is None and (count > 0 and not (written.exists() and count_lines(written) >= count)):
            time.sleep(0.002)

    def test_killed_at_ten_random_moments(self):
        whole = self.out("whole")
        began = time.monotonic()
        run(*self.needle(whole), check=0)
        seconds_an_item = (time.monotonic() - began) / ITEMS
        moments = random.Random(20241126)
        inside = 0
        for round_ in range(10):
            out = self.out(f"killed-{round_}")
            child = self.start(*self.needle(out))
            self.wait_for_records(child, out, moments.randrange(ITEMS))
            time.sleep(moments.uniform(0, seconds_an_item))
            child.send_signal(signal.SIGKILL)
            child.communicate()
            inside += (out / "records.jsonl").exists() and 0 < count_lines(out / "records.jsonl") < ITEMS
            run(*self.needle(out, "--resume"), check=0)
            for found, expected in zip(records(out), records(whole), strict=True):
                self.assertEqual(found, expected)
            self.assertEqual(manifest(out), manifest(whole))
        self.assertGreaterEqual(inside, 5, "too few of the moments were within the run to say anything")

    def test_killed_again_and_again(self):
        whole, out = self.out("whole"), self.out("killed")
        run(*self.needle(whole), check=0)
        for _ in range(60):
            child = self.start(*self.needle(out, "--resume"))
            before = (out / "records.jsonl").stat().st_size if (out / "records.jsonl").exists() else 0
            while child.poll() is None:  # as soon as something was written
                if (out / "records.jsonl").exists() and (out / "records.jsonl").stat().st_size > before:
                    child.send_signal(signal.SIGKILL)
                    break
            child.communicate()
            if child.returncode == 0:
                break
        run(*self.needle(out, "--resume"), check=0)
        self.assertEqual(records(out), records(whole))

    def test_ctrl_c_says_how_to_go_on(self):
        out = self.out("run")
        child = self.start(*self.needle(out))
        written = out / "records.jsonl"
        while child.poll() is None and not (written.exists() and written.stat().st_size > 0):
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        errors = child.communicate(timeout=60)[1].decode()
        self.assertEqual(child.returncode, 130, errors)
        self.assertIn("--resume", errors)
        self.assertEqual(manifest(out)["state"], "running")

    def test_another_run_is_not_gone_on_with(self):
        out = self.out("run")
        run(*self.needle(out), check=0)
        self.assert_one_error(run(*self.needle(out)), "--resume")
        self.assert_one_error(run(*self.needle(out, "--seed", "3", "--resume")), "seed: 0 and 3")
        changed = self.folder / "changed"
        shutil.copytree(self.data, changed, dirs_exist_ok=True)
        (changed / "a.txt").write_text("something else\n" * 200)
        done = run("eval", "needle", "--model", self.model, "--data", changed, "--out", out, *GRID, "--resume")
        self.assert_one_error(done, "another data")


class Shards(EvalCase):
    def test_merged_they_are_the_whole_run(self):
        run(*self.needle(self.out("whole")), check=0)
        shards = [self.out(f"shard-{i}") for i in range(3)]
        for i, shard in enumerate(shards):
            run(*self.needle(shard, "--shard", f"{i}/3"), check=0)
        merged = self.out("merged")
        run("eval", "merge", *shards, "--out", merged, check=0)
        self.assertEqual(records(merged), records(self.out("whole")))
        self.assertEqual(manifest(merged), manifest(self.out("whole")))
        self.assert_one_error(run("eval", "merge", *shards[1:], "--out", self.out("no")), "found none of index 0")

    def test_ranks_of_mpirun_are_shards(self):
        out = self.out("ranks")
        for rank in ("0", "1"):
            environment = {"OMPI_COMM_WORLD_RANK": rank, "OMPI_COMM_WORLD_SIZE": "2"}
            done = run(*self.needle(out), env=environment, check=0)
            self.assertIn(f"shard-{rank}-of-2", done.stderr)
        found = run_json("eval", "merge", out / "shard-0-of-2", out / "shard-1-of-2", "--out", self.out("merged"))
        self.assertEqual(found["items"], ITEMS)


class BadData(EvalCase):
    GOOD = {"input": "", "context": "News.", "answers": ["A summary."], "length": 1, "dataset": "multi_news",
            "language": "en", "all_classes": None, "_id": "x1"}

    def refused(self, content: bytes, *words: str):
        folder = self.folder / "bad" / "longbench"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "multi_news.jsonl").write_bytes(content)
        out = self.out("run")
        done = run("eval", "longbench", "--model", self.model, "--data", folder.parent, "--tasks", "multi_news",
                   "--out", out)
        self.assert_one_error(done, "multi_news.jsonl", *words)
        self.assertFalse((out / "records.jsonl").exists(), "nothing is counted")

    def line(self, **changes) -> bytes:
        return json.dumps({**self.GOOD, **changes}).encode() + b"\n"

    def test_each_fault_is_named_by_file_and_line(self):
        good = self.line()
        self.refused(good + b'{"input": "cut\n', "2")
        missing = dict(self.GOOD, _id="x2")
        del missing["context"]
        self.refused(good + json.dumps(missing).encode() + b"\n", "2", "context")
        self.refused(good + self.line(_id="x2", context="caf\u00e9").replace(b"\\u00e9", b"\xe9"), "2", "UTF-8")
        self.refused(good + self.line(_id="x2") + good, "x1")

    def test_unknown_tasks_and_missing_files(self):
        done = run("eval", "longbench", "--model", self.model, "--data", self.folder, "--tasks", "nonsense", "--out",
                   self.out("run"))
        self.assert_one_error(done, "nonsense")
        empty = self.folder / "empty"
        empty.mkdir(exist_ok=True)
        done = run("eval", "longbench", "--model", self.model, "--data", empty, "--tasks", "multi_news", "--out",
                   self.out("run"))
        self.assert_one_error(done, "multi_news")


class Usage(EvalCase):
    def test_wrong_usage_is_exit_2(self):
        for arguments in (["eval"], ["eval", "needle"], ["eval", "needle", "--out", "x"],
                          ["eval", "needle", "--out", "x", "--model", self.model, "--endpoint", "http://x"],
                          ["eval", "needle", "--out", "x", "--endpoint", "http://x"],
                          ["eval", "needle", "--out", "x", "--model", self.model, "--truncate", "guess"]):
            done = run(*arguments, check=2)
            self.assertEqual(done.stdout, "")

    def test_suites_and_shards_that_are_none_are_refused_before_a_model_is_loaded(self):
        nowhere = self.folder / "nowhere.gguf"
        for arguments, word in ((["nonsense"], "nonsense"), (["needle", "--shard", "4/4"], "--shard")):
            done = run("eval", *arguments, "--model", nowhere, "--data", self.data, "--out", self.out("run"))
            self.assert_one_error(done, word)


class Endpoint(EvalCase):
    def test_nobody_there_is_one_line(self):
        done = run("eval", "needle", "--endpoint", "http://127.0.0.1:1/v1", "--endpoint-model", "m", "--tokenizer",
                   self.model, "--data", self.data, "--out", self.out("run"), *GRID,
                   env={"no_proxy": "127.0.0.1", "OPENAI_API_KEY": "k"})
        self.assert_one_error(done, "must be reachable")
