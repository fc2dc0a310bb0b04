"""data pack and data stats: what they write and say, what they refuse, and that a fault leaves nothing."""
import gzip
import json
import pathlib
import resource
import shutil
import signal
import struct
import subprocess
import unittest

import harness
import tiny_model
from harness import run, run_json

SHARED = pathlib.Path(__file__).resolve().parents[3] / "shared"


def documents_of(shard: pathlib.Path) -> list[list[int]]:
    """By docs/formats/token-shards.md; checksums are the program's own to check."""
    data = shard.read_bytes()
    magic, version, id_bytes, answers, vocabulary = struct.unpack_from("<8s4I", data)
    assert (magic, version, data[-8:]) == (b"LSTOKENS", 1, b"LSTOKEND")
    documents, ids, table, size = struct.unpack_from("<4Q", data, len(data) - 64)
    assert size == len(data) and table == -(-(128 + ids * id_bytes) // 8) * 8
    values = struct.unpack_from(f"<{ids}{'H' if id_bytes == 2 else 'I'}", data, 128)
    ends = [struct.unpack_from("<Q", data, table + 16 * i)[0] for i in range(documents)]
    assert ends[-1] == ids and all((value & 0x7fffffff) < vocabulary for value in values)
    return [list(values[begin:end]) for begin, end in zip([0] + ends, ends)]


def with_small_files():
    """In the child: files of at most 64 KiB, as on a disk that is nearly full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))


class Data(harness.TestCase):
    def setUp(self):
        self.corpus = self.folder / "corpus"
        self.out = self.folder / "packed"
        self.corpus.mkdir()
        self.addCleanup(self.leave_nothing)

    def leave_nothing(self):
        for path in self.folder.iterdir():
            if path != self.model:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def lines(self, name: str, records: list) -> pathlib.Path:
        return self.write(f"corpus/{name}", "".join(json.dumps(record) + "\n" for record in records))

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def test_a_corpus_of_every_kind_of_file(self):
        self.lines("a.jsonl", [{"text": "b" * 5000}, {"text": ""}, {"text": "aab"}])
        self.write("corpus/b.txt", "b" * 9)
        (self.corpus / "c.jsonl.gz").write_bytes(gzip.compress(b'{"text": "b"}\n'))
        self.write("corpus/picture.png", b"\x89PNG")
        found = run_json("data", "pack", self.model, self.corpus, "--out", self.out)
        self.assertEqual(found["eos"], 258)  # the tiny tokenizer's
        self.assertIsNone(found["bos"])
        self.assertEqual(found["empty"], 1)
        self.assertEqual(found["lengths"]["documents"], 4)
        self.assertEqual(found["lengths"]["tokens"], 5001 + 3 + 10 + 2)
        self.assertEqual(found["learnt"], 5000 + 2 + 9 + 1)
        self.assertIn("picture.png", found["remarks"][0])
        self.assertEqual(found["shards"][0]["first"], "a.jsonl line 1")
        self.assertEqual(found["shards"][0]["last"], "c.jsonl.gz line 1")
        self.assertEqual({path.name for path in self.out.iterdir()}, {"00000.tokens", "manifest.json"})

        stats = run_json("data", "stats", self.out, "--window", "1000", "--check")
        self.assertEqual(stats["lengths"], found["lengths"])
        self.assertEqual(stats["tokenizer"], found["tokenizer"])
        self.assertTrue(stats["checked"])
        steps = {(step["above"], step["up_to"]): step for step in stats["lengths"]["steps"]}
        self.assertEqual(steps[(4096, 8192)]["documents"], 1)
        self.assertAlmostEqual(steps[(0, 4096)]["document_share"], 0.75)
        self.assertAlmostEqual(sum(step["token_share"] for step in steps.values()), 1)
        packing = {mode["mode"]: mode for mode in stats["packing"]}
        self.assertEqual(packing["best-fit"]["packs"], 6)
        self.assertEqual(packing["concatenate"]["packs"], 6)
        self.assertEqual(packing["padded"]["packs"], 5 + 3)

    def test_a_shard_is_laid_out_as_the_docs_say(self):
        texts = ["aab", "读完，<|im_end|>\n", "b" * 70]
        self.lines("a.jsonl", [{"text": text} for text in texts])
        run("data", "pack", self.model, self.corpus, "--out", self.out, check=0)
        want = [run_json("tokenize", self.model, "--text", text)["ids"] + [258] for text in texts]
        self.assertEqual(documents_of(self.out / "00000.tokens"), want)

    def test_a_shard_of_instructions_marks_what_is_learnt(self):
        self.lines("a.jsonl", [{"human": "q", "assistant": "aab"}])
        run("data", "pack", self.model, self.corpus, "--instructions", "--out", self.out, check=0)
        (document,) = documents_of(self.out / "00000.tokens")
        answer = run_json("tokenize", self.model, "--text", "aab")["ids"] + [258]
        prompt = run_json("generate", self.model, "--chat", "--prompt", "q", "--max-new-tokens", "1")["prompt_ids"]
        self.assertEqual(document, prompt + [id | 1 << 31 for id in answer])

    def test_the_table_and_the_picture_are_for_people(self):
        self.lines("a.jsonl", [{"text": "b" * 100}, {"text": "b" * 6000}])
        text = run("data", "pack", self.model, self.corpus, "--out", self.out, check=0).stdout
        for line in ("0-4K", "4K-8K", "above 128K", "bpe, 260 tokens", "tiny.gguf"):
            self.assertIn(line, text)
        picture = self.folder / "lengths.svg"
        text = run("data", "stats", self.out, "--svg", picture, "--window", "512", check=0).stdout
        self.assertIn("50.0%", text)
        self.assertIn("best-fit", text)
        svg = picture.read_text()
        self.assertTrue(svg.startswith("<svg"))
        for word in ("documents", "tokens", "0-4K"):
            self.assertIn(word, svg)

    def test_threads_do_not_change_a_byte_and_forms_of_one_model_agree(self):
        self.lines("a.jsonl", [{"text": f"a{'b' * (i * 37 % 501)}"} for i in range(600)])
        directory = self.folder / "hf"
        run("convert", self.model, directory, "--to", "hf", "--type", "f32", check=0)
        hashes = set()
        shards = set()
        for model, threads in ((self.model, 1), (self.model, 3), (directory, 2)):
            found = run_json("data", "pack", model, self.corpus, "--out", self.out, "--force", "--threads", threads,
                             "--eos", "<|endoftext|>")
            hashes.add(found["tokenizer"]["sha256"])
            if model == self.model:
                shards.add((self.out / "00000.tokens").read_bytes())
        self.assertEqual(len(hashes), 1)
        self.assertEqual(len(shards), 1)

    def test_instructions_of_every_form(self):
        self.lines("a.jsonl", [
            {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "bb"}]},
            {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "bbb"}]},
            {"instruction": "i", "input": "x", "output": "bbbb"},
            {"human": "q", "assistant": "bbbbb", "system": "s"}])
        self.write("corpus/b.json", json.dumps([{"human": "q", "assistant": "b"}], indent=2))
        found = run_json("data", "pack", self.model, self.corpus, "--instructions", "--out", self.out)
        self.assertEqual(found["chat_form"], "chatml")
        self.assertEqual(found["lengths"]["documents"], 5)
        self.assertEqual(found["learnt"], sum(count + 1 for count in (2, 3, 4, 5, 1)))
        stats = run_json("data", "stats", self.out, "--window", "30")
        self.assertTrue(stats["instructions"])
        self.assertEqual([mode["mode"] for mode in stats["packing"]], ["best-fit", "padded"])
        self.assertEqual(stats["packing"][0]["too_long"], 1)  # the one with a system message
        self.assert_one_error(run("data", "pack", self.model, self.corpus, "--instructions", "--form", "alpaca", "--out",
                                  self.folder / "other"), "a.jsonl", "line 1", "'instruction'")

    def test_faults_are_named_and_leave_nothing(self):
        self.lines("a.jsonl", [{"text": "b"}, {"txt": "b"}])
        before = self.left()
        self.assert_one_error(run("data", "pack", self.model, self.corpus, "--out", self.out), "a.jsonl", "line 2",
                              "'text'", "'txt'")
        self.lines("a.jsonl", [{"messages": [{"role": "user", "content": "q"}]}])
        self.assert_one_error(run("data", "pack", self.model, self.corpus, "--instructions", "--out", self.out),
                              "a.jsonl", "line 1", "must end with an answer")
        (self.corpus / "a.jsonl").write_bytes(b'{"text": "\xff"}\n')
        self.assert_one_error(run("data", "pack", self.model, self.corpus, "--out", self.out), "UTF-8", "0xFF")
        self.assert_one_error(run("data", "pack", self.model, self.folder / "none", "--out", self.out), "none")
        self.assert_one_error(run("data", "pack", self.model, self.model, "--out", self.out), "tiny.gguf", ".jsonl")
        self.assert_one_error(run("data", "pack", self.model, self.corpus, "--out", self.out, "--eos", "</s>"),
                              "--eos", "'</s>'")
        self.assertEqual(self.left(), before)

    def test_a_full_disk_leaves_nothing(self):
        self.lines("a.jsonl", [{"text": "b" * 100_000}])
        done = subprocess.run([harness.BINARY, "data", "pack", str(self.model), str(self.corpus), "--out", str(self.out)],
                              capture_output=True, text=True, timeout=harness.TIMEOUT, preexec_fn=with_small_files)
        self.assert_one_error(done, "00000.tokens", "written to disk")
        self.assertEqual(self.left(), ["corpus", "tiny.gguf"])

    def test_an_output_that_is_there_is_replaced_only_when_told_so(self):
        self.lines("a.jsonl", [{"text": "bb"}])
        self.out.mkdir()
        self.assert_one_error(run("data", "pack", self.model, self.corpus, "--out", self.out), "packed", "--force")
        run("data", "pack", self.model, self.corpus, "--out", self.out, "--force", check=0)
        self.assertTrue((self.out / "manifest.json").exists())

    def test_a_broken_shard_is_named(self):
        self.lines("a.jsonl", [{"text": "bbb"}, {"text": "bb"}])
        run("data", "pack", self.model, self.corpus, "--out", self.out, check=0)
        shard = self.out / "00000.tokens"
        good = shard.read_bytes()
        shard.write_bytes(good[:-10])
        self.assert_one_error(run("data", "stats", self.out), "00000.tokens", "cut short")
        shard.write_bytes(good[:130] + b"\x07" + good[131:])  # an id of the first document
        run("data", "stats", self.out, check=0)
        self.assert_one_error(run("data", "stats", self.out, "--check"), "00000.tokens", "document 0")
        self.assert_one_error(run("data", "stats", self.corpus), "corpus", "*.tokens")
        self.assert_one_error(run("data", "stats", self.corpus / "a.jsonl"), "a.jsonl", "must be a token shard")

    def test_a_base_model_has_no_form_for_instructions(self):
        base = self.folder / "base.gguf"
        tiny_model.write(base, chat=False)
        self.lines("a.jsonl", [{"human": "q", "assistant": "a"}])
        self.assert_one_error(run("data", "pack", base, self.corpus, "--instructions", "--out", self.out), "chat form")

    def test_wrong_usage_is_exit_2(self):
        for arguments in (["data"], ["data", "pack", self.model], ["data", "pack", self.model, self.corpus],
                          ["data", "pack", self.model, self.corpus, "--out", self.out, "--form", "alpaca"],
                          ["data", "stats"], ["data", "stats", self.out, "--window", "0"]):
            run(*arguments, check=2)

    @unittest.skipUnless((SHARED / "data").is_dir(), "needs ../shared")
    def test_real_texts(self):
        essays = SHARED / "data" / "paul_graham_essays"
        found = run_json("data", "pack", self.model, essays, "--out", self.out)
        self.assertEqual(found["lengths"]["documents"], len(list(essays.glob("*.txt"))))
        whole = sum(len(path.read_bytes()) for path in essays.glob("*.txt"))
        self.assertLessEqual(found["lengths"]["tokens"], whole + found["lengths"]["documents"])  # "aa" is one token
        for mode in run_json("data", "stats", self.out, "--window", "2048")["packing"]:
            if mode["mode"] != "padded":
                self.assertGreater(mode["filled"], 0.98)


if __name__ == "__main__":
    unittest.main()
