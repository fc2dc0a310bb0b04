"""The corpus chain: a corpus whose every document has a known fate, many processes, kills, bad input, a full disk."""
import json
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
import unittest

import harness
from harness import run, run_json

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
import document_shards  # noqa: E402

DOCUMENTS = 1000


WRITE_PARQUET = """
import datetime, sys
import pyarrow, pyarrow.parquet
numbers = range(5000)
pyarrow.parquet.write_table(pyarrow.table({
    "id": [f"n{i}" for i in numbers], "text": [None] + [f"text {i}" for i in numbers[1:]],
    "score": [i / 2 for i in numbers], "at": [datetime.datetime(2024, 1, 1)] * 5000,
    "vector": [[i] for i in numbers]}), sys.argv[1], row_group_size=700)
"""


def arrow_python() -> str:
    """The Python with which scripts/setup_parquet.sh installed pyarrow, else this one."""
    installed = TOOLS.parent / "build" / "arrow-venv" / "bin" / "python"
    return str(installed) if installed.exists() else sys.executable


def with_small_files():
    """In the child: files of at most 64 KiB, as on a disk that is nearly full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))


def shards_of(steps: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(steps)): path.read_bytes() for path in sorted(steps.glob("*/*.jsonl.zst"))}


class Corpus(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.made = cls.folder / "made"
        subprocess.run([sys.executable, str(TOOLS / "make_corpus.py"), str(cls.made), "--documents", str(DOCUMENTS)],
                       check=True, capture_output=True)
        cls.plan = cls.made / "plan.toml"
        run("data", "run", cls.plan, "--workers", "1", check=0)
        cls.expected = shards_of(cls.made / "steps")

    def started(self, out: pathlib.Path, workers: int = 1) -> subprocess.Popen:
        return subprocess.Popen([harness.BINARY, "data", "run", str(self.plan), "--set", f"out={out}", "--workers",
                                 str(workers)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def new_folder(self, name: str) -> pathlib.Path:
        folder = self.folder / name
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def test_every_document_has_its_fate(self):
        done = subprocess.run([sys.executable, str(TOOLS / "check_corpus.py"), str(self.made)], capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_processes_share_the_work_and_change_no_byte(self):
        for processes in (2, 4):
            out = self.new_folder(f"steps-{processes}")
            for process in [self.started(out) for _ in range(processes)]:
                errors = process.communicate()[1]
                self.assertEqual(process.returncode, 0, errors)
            self.assertEqual(shards_of(out), self.expected)

    def test_killed_and_given_again_it_goes_on(self):
        out = self.new_folder("steps-killed")
        source = random.Random(5)
        for _ in range(5):
            process = self.started(out, 2)
            time.sleep(source.uniform(0.05, 0.6))
            process.kill()
            process.communicate()
        run("data", "run", self.plan, "--set", f"out={out}", check=0)
        self.assertEqual(shards_of(out), self.expected)
        left = [path.name for path in out.rglob("*") if ".tmp-" in path.name]
        self.assertEqual(left, [])

    def test_interrupted_it_leaves_what_can_be_gone_on_with(self):
        out = self.new_folder("steps-interrupted")
        process = self.started(out)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        process.communicate()
        self.assertIn(process.returncode, (0, 130))  # 0: it was faster
        run("data", "run", self.plan, "--set", f"out={out}", check=0)
        self.assertEqual(shards_of(out), self.expected)

    def test_a_full_disk_ends_it_and_it_goes_on(self):
        out = self.new_folder("steps-full")
        done = subprocess.run([harness.BINARY, "data", "run", str(self.plan), "--set", f"out={out}"],
                              capture_output=True, text=True, preexec_fn=with_small_files)
        self.assert_one_error(done, "must be written")
        run("data", "run", self.plan, "--set", f"out={out}", check=0)
        self.assertEqual(shards_of(out), self.expected)

    def test_bad_input_costs_what_is_bad(self):
        raw = self.new_folder("raw")
        raw.mkdir()
        good = json.dumps({"text": "good"}) + "\n"
        (raw / "a.jsonl").write_bytes(good.encode() + b"\xff\xfe\n" + b'{"text": "nul \x00"}\n' +
                                      b'{"id": "x", "text": "one"}\n{"id": "x", "text": "two"}\n')
        (raw / "b.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd no frame")
        (raw / "c.txt").write_bytes(b"")
        (raw / "d.txt").symlink_to(raw / "nothing")
        with open(raw / "e.jsonl", "wb") as file:  # a line of 2 GiB that takes no room on the disk
            file.truncate(2 << 30)
            file.seek(0, 2)
            file.write(b"\n" + good.encode())
        found = run_json("data", "import", raw, "--out", self.new_folder("imported"))
        self.assertEqual(found["out"]["raw"]["documents"], 4)
        self.assertEqual(found["faults"], {"duplicate-id": 1, "no-text": 1, "not-json": 1, "not-utf8": 1,
                                           "too-long": 1, "unreadable": 1})
        self.assertEqual(found["other_kinds"], 1)
        faults = json.loads((self.folder / "imported" / "faults.json").read_text())
        self.assertEqual([(fault["file"], fault["line"]) for fault in faults if fault["kind"] == "too-long"],
                         [("e.jsonl", 1)])
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 1 << 20)  # KiB

    def import_with_parquet(self, name: str, content: bytes) -> subprocess.CompletedProcess:
        raw = self.new_folder(f"raw-{name}")
        raw.mkdir()
        (raw / name).write_bytes(content)
        return run("data", "import", raw / name, "--out", self.new_folder(f"imported-{name}"), "--json")

    def test_parquet_is_read_or_refused_by_name(self):
        done = self.import_with_parquet("a.parquet", b"PAR1 and no more")
        if done.returncode == 0:
            self.assertEqual(json.loads(done.stdout)["faults"], {"unreadable": 1})
        else:
            self.assert_one_error(done, "a.parquet] must be", "-DLONGSCROLL_PARQUET=ON")
            self.assertFalse((self.folder / "imported-a.parquet").exists())

    def test_parquet_of_pyarrow_is_read(self):
        if self.import_with_parquet("a.parquet", b"").returncode != 0:
            self.skipTest("this program was built without LONGSCROLL_PARQUET")
        made = self.folder / "made.parquet"
        if subprocess.run([arrow_python(), "-c", WRITE_PARQUET, str(made)], capture_output=True).returncode != 0:
            self.skipTest("pyarrow is not installed: scripts/setup_parquet.sh")
        whole = made.read_bytes()
        found = json.loads(self.import_with_parquet("b.parquet", whole).stdout)
        size = sum(len(f"text {i}") for i in range(1, 5000))
        self.assertEqual(found["out"], {"b": {"documents": 4999, "bytes": size}})
        self.assertEqual(found["faults"], {"no-text": 1})
        self.assertEqual(found["changes"], {"columns left out: list": 1})
        last = list(document_shards.read_documents(self.folder / "imported-b.parquet"))[-1]
        self.assertEqual(last["id"], "n4999")
        self.assertEqual(last["meta"], {"score": 2499.5, "at": "2024-01-01 00:00:00.000000", "file": "b.parquet",
                                        "line": 5000})
        found = json.loads(self.import_with_parquet("c.parquet", whole[:len(whole) // 2]).stdout)
        self.assertEqual(found["faults"], {"unreadable": 1})

    def test_the_end_of_the_chain_is_packed(self):
        mix = self.new_folder("mixed")
        last = self.made / "steps" / "04-decontaminate"
        found = run_json("data", "mix", last, "--out", mix, "--tokenizer", self.model, "--set", "tokens=100000")
        self.assertEqual(len(found["cells"]), 1)
        taken = found["cells"][0]["taken_tokens"]
        page = self.folder / "corpus.html"
        stats = run_json("data", "stats", mix, "--tokenizer", self.model, "--html", page)
        self.assertEqual([step["step"] for step in stats["steps"]],
                         ["import", "clean", "dedupe", "decontaminate", "mix"])
        self.assertEqual(stats["steps"][-1]["lengths"]["tokens"], taken)
        self.assertIn("gopher-few-words", page.read_text())
        packed = run_json("data", "pack", self.model, mix, "--out", self.new_folder("packed"), "--eos", "none")
        self.assertEqual(packed["lengths"]["tokens"], taken)
        ids = [document["id"] for document in document_shards.read_documents(mix)]
        self.assertEqual(len(ids), len(set(ids)))

    def test_misspelt_settings_are_named(self):
        last = self.made / "steps" / "01-import"
        out = self.new_folder("misspelt")
        done = run("data", "clean", last, "--out", out, "--set", "min_word=3")
        self.assert_one_error(done, "did you mean clean.min_words?")
        done = run("data", "run", self.plan, "--set", "clean.min_words=3")
        self.assert_one_error(done, "must be gone on with as it was begun", "clean.min_words was 50, is 3")


if __name__ == "__main__":
    unittest.main()
