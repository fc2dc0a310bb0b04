"""convert: both forms and back, what it says, what it refuses, and that nothing is left of what was stopped."""
import pathlib
import resource
import shutil
import signal
import subprocess
import time
import unittest

import harness
import tiny_model
from harness import run, run_json

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "tiny"
GREEDY = ["--ids", "1,2,3,40,50", "--max-new-tokens", "24", "--ignore-stop", "--compute", "f32"]


def greedy(model) -> list[int]:
    return run_json("generate", model, *GREEDY)["ids"]


def without_limit_signal():
    """In the child: files of at most 64 KiB, as on a disk that is nearly full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))


class Convert(harness.TestCase):
    def setUp(self):
        self.out = self.folder / "out"
        self.addCleanup(self.leave_nothing)

    def leave_nothing(self):
        for path in self.folder.iterdir():
            if path != self.model:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def test_gguf_to_directory_and_back_gives_the_same_tokens_and_text(self):
        found = run_json("convert", self.model, self.out, "--to", "hf", "--type", "f32")
        self.assertEqual((found["to"], found["type"], found["tokenizer"]), ("hf", "f32", "bpe"))
        self.assertEqual(set(found["files"]), {"config.json", "model.safetensors", "tokenizer.json",
                                               "tokenizer_config.json", "generation_config.json"})
        self.assertEqual(set(found["files"]), {path.name for path in self.out.iterdir()})
        back = self.folder / "back.gguf"
        run("convert", self.out, back, "--to", "gguf", "--type", "f32", check=0)
        want = greedy(self.model)
        self.assertEqual(greedy(self.out), want)
        self.assertEqual(greedy(back), want)
        text = "aab 读完，<|im_end|>"
        ids = run_json("tokenize", self.model, "--text", text, "--parse-special")["ids"]
        for model in (self.out, back):
            self.assertEqual(run_json("tokenize", model, "--text", text, "--parse-special")["ids"], ids)
            self.assertEqual(run_json("inspect", model)["chat_form"], "chatml")

    def test_index_is_written_as_llama_and_says_so(self):
        for arguments in (["--to", "gguf"], ["--to", "hf", "--as", "llama"]):
            found = run_json("convert", GOLDEN / "index_ratio", self.out, *arguments, "--type", "f32", "--force")
            self.assertEqual((found["source_architecture"], found["architecture"]), ("index", "llama"))
            self.assertTrue(any("norm head baked in" in remark for remark in found["remarks"]))
            self.assertEqual(greedy(self.out), greedy(GOLDEN / "index_ratio"))
            self.leave_nothing()

    def test_every_type_is_told_with_what_it_costs(self):
        for name in ("f16", "bf16", "q8_0", "q4_0"):
            done = run("convert", GOLDEN / "llama", self.out, "--to", "gguf", "--type", name, "--force", check=0)
            self.assertIn(f"note: precision lowered: 16 tensors from f32 to {name}", done.stderr)
            self.assertIn(f"{name:<6}16 tensors", done.stdout)
            self.assertIn(name.upper(), run_json("inspect", self.out)["types"])

    def test_wrong_usage_is_exit_2_and_writes_nothing(self):
        for arguments in ([], [self.model], [self.model, self.out], [self.model, self.out, "--to", "gguf"],
                          [self.model, self.out, "--to", "onnx", "--type", "f32"],
                          [self.model, self.out, "--to", "gguf", "--type", "q4_k"],
                          [self.model, self.out, "--to", "hf", "--type", "q8_0"],
                          [self.model, self.out, "--to", "hf", "--type", "f32", "--as", "index"]):
            done = run("convert", *arguments, check=2)
            self.assertEqual(done.stdout, "")
        self.assertEqual(self.names(), ["tiny.gguf"])

    def test_nothing_is_overwritten_unless_forced(self):
        run("convert", self.model, self.out, "--to", "gguf", "--type", "f32", check=0)
        before = self.out.read_bytes()
        again = ["convert", self.model, self.out, "--to", "gguf", "--type", "f16"]
        self.assert_one_error(run(*again), "out", "--force")
        self.assertEqual(self.out.read_bytes(), before)
        run(*again, "--force", check=0)
        self.assertNotEqual(self.out.read_bytes(), before)
        self.assert_one_error(run("convert", self.out, self.out, "--to", "gguf", "--type", "f16", "--force"),
                              "must not be the input")

    def test_faulty_input_is_one_line(self):
        self.assert_one_error(run("convert", self.folder / "none", self.out, "--to", "gguf", "--type", "f32"), "none")
        text = self.write("text.gguf", "not a model")
        self.assert_one_error(run("convert", text, self.out, "--to", "hf", "--type", "f32"), "text.gguf")
        self.assert_one_error(run("convert", self.model, self.folder / "no" / "out", "--to", "hf", "--type", "f32"),
                              "must be writable")
        self.assertEqual(self.names(), ["text.gguf", "tiny.gguf"])

    def test_a_full_disk_is_one_line_and_leaves_nothing(self):
        for form in ("gguf", "hf"):
            done = subprocess.run([harness.BINARY, "convert", self.model, self.out, "--to", form, "--type", "f32"],
                                  capture_output=True, text=True, timeout=harness.TIMEOUT,
                                  preexec_fn=without_limit_signal)
            self.assert_one_error(done, "must be written to disk")
            self.assertEqual(self.names(), ["tiny.gguf"])


class Interrupted(harness.TestCase):
    model_options = {"hidden": 512, "layers": 4, "ffn": 1024, "heads": 4}

    def test_ctrl_c_leaves_nothing_under_the_final_name(self):
        for form in ("gguf", "hf"):
            codes = set()
            while 130 not in codes:  # the signal may come too late: then the whole is there, and once more
                codes.add(self.interrupted_run(form))
                self.assertLessEqual(codes, {0, 130})

    def interrupted_run(self, form: str) -> int:
        out = self.folder / "out"
        process = subprocess.Popen([harness.BINARY, "convert", self.model, out, "--to", form, "--type", "f32"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while len(list(self.folder.iterdir())) < 2 and process.poll() is None:
            time.sleep(0.0005)  # until there is something to leave behind
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=harness.TIMEOUT)
        if process.returncode == 0:
            shutil.rmtree(out) if out.is_dir() else out.unlink()
        else:
            self.assertIn("stopped", errors)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["tiny.gguf"])
        return process.returncode


if __name__ == "__main__":
    unittest.main()
