"""Files from outside that are damaged, lie, or do not fit together, as the whole program meets them: one
clear line and exit 1, also under the address sanitizer. src/formats/bad_files_test.cc has many more of the
first two kinds; here is one of each, and what only shows when the parts meet."""
import json
import os
import pathlib
import pickle
import shutil
import struct
import subprocess
import unittest
import zipfile

import harness
import index_model
import tiny_model
from harness import run

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny"
TEXT = "The river carries the boats. " * 20


class HostileCase(harness.TestCase):
    def assert_refused(self, path, *words: str):
        """By the command that only looks and by the one that reads."""
        document = self.write("document.txt", TEXT)
        for arguments in (["inspect", path], ["read", document, "--model", path, "--no-interactive"]):
            done = run(*arguments)
            self.assert_one_error(done, *words)
            self.assertEqual(done.stdout, "")


class Gguf(HostileCase):
    def changed(self, old: bytes, new: bytes) -> bytes:
        good = self.model.read_bytes()
        self.assertEqual(good.count(old), 1)
        return good.replace(old, new)

    def test_cut_files(self):
        good = self.model.read_bytes()
        for name, size in {"nothing": 0, "magic": 4, "header": 17, "metadata": 200, "tensors": 9000,
                           "half": len(good) // 2, "last byte": len(good) - 1}.items():
            with self.subTest(name):
                self.assert_refused(self.write("cut.gguf", good[:size]), "cut.gguf")

    def test_lies_in_the_header(self):
        good = self.model.read_bytes()
        cases = {"magic": (b"GGML" + good[4:], "GGUF"),
                 "version": (good[:4] + struct.pack("<I", 9) + good[8:], "version must be 2 or 3"),
                 "tensors": (good[:8] + struct.pack("<Q", 1 << 60) + good[16:], "number of tensors"),
                 "metadata": (good[:16] + struct.pack("<Q", 1 << 60) + good[24:], "metadata entries")}
        for name, (content, words) in cases.items():
            with self.subTest(name):
                self.assert_refused(self.write("lie.gguf", content), words)

    def test_lies_about_a_tensor(self):
        name = b"blk.0.attn_q.weight"
        info = name + struct.pack("<I", 2) + struct.pack("<QQ", 32, 32) + struct.pack("<I", tiny_model.F32)
        cases = {"dimension": (info[:-12] + struct.pack("<Q", 1 << 62) + info[-4:], "a size that fits 64 bits"),
                 "size": (info[:-12] + struct.pack("<Q", 1 << 40) + info[-4:], "must end inside the file"),
                 "unknown type": (info[:-4] + struct.pack("<I", 9999), "known type, found type id 9999"),
                 "type without a kernel": (info[:-4] + struct.pack("<I", 24), "of a type that we compute with, is I8")}
        for case, (content, words) in cases.items():
            with self.subTest(case):
                self.assert_refused(self.write("lie.gguf", self.changed(info, content)), words, name.decode())

    def test_tensors_that_are_missing_or_of_another_shape(self):
        path = self.folder / "shapes.gguf"
        tiny_model.write(path, alter=lambda shapes: shapes.pop("blk.1.ffn_up.weight"))
        self.assert_refused(path, "blk.1.ffn_up.weight: must be there, is missing")
        tiny_model.write(path, alter=lambda shapes: shapes.update({"blk.1.ffn_up.weight": (32, 64)}))
        self.assert_refused(path, "blk.1.ffn_up.weight: must have shape [48, 32], has [64, 32]")
        tiny_model.write(path, alter=lambda shapes: shapes.update({"output_norm.weight": (31,)}))
        self.assert_refused(path, "output_norm.weight: must have shape [32], has [31]")

    def test_a_tokenizer_that_does_not_match(self):
        path = self.folder / "tokenizer.gguf"
        tiny_model.write(path, vocab=200)
        self.assert_refused(path, "must be at most the embedding's 200 rows, are 260")

    def test_an_architecture_or_tokenizer_that_nobody_knows(self):
        key = b"general.architecture" + struct.pack("<IQ", tiny_model.STRING, 5)
        for old, new in ((key + b"llama", key + b"mamba"), (b"qwen2", b"qwen9")):
            with self.subTest(new):
                self.assert_refused(self.write("unknown.gguf", self.changed(old, new)), new[-5:].decode())


class Directory(HostileCase):
    def setUp(self):
        self.directory = self.folder / "index"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.config = index_model.config(hidden=32, layers=2, heads=2, ffn=48, vocab=260, window=4096)
        self.weights = self.directory / "model.safetensors"
        index_model.write(self.directory, self.config)

    def assert_refused(self, *words: str):
        """`logits` too: the commands that need no tokenizer."""
        for arguments in (["inspect", self.directory],
                          ["logits", self.directory, "--ids", "1,2", "--out", self.folder / "out.npy"]):
            self.assert_one_error(run(*arguments), *words)
        self.assertFalse((self.folder / "out.npy").exists())

    def test_the_directory_is_good_before_it_is_changed(self):
        self.assertEqual(harness.run_json("inspect", self.directory)["architecture"], "index")

    def test_a_configuration_that_is_missing_or_nonsense(self):
        config = self.directory / "config.json"
        for content, words in (("", "JSON"), ('{"model_type": "index"', "JSON"), ("[]", "object"),
                               ("{}", "architectures"), (json.dumps({**self.config, "architectures": ["Mamba"]}), "Mamba"),
                               (json.dumps({**self.config, "hidden_size": -1}), "hidden_size"),
                               (json.dumps({**self.config, "num_hidden_layers": 1 << 40}), "num_hidden_layers")):
            with self.subTest(content):
                config.write_text(content)
                self.assert_refused(words)
        config.unlink()
        self.assert_refused("config.json")

    def test_safetensors_cut_or_lying(self):
        good = self.weights.read_bytes()
        for content, words in ((good[:7], "header length"), (good[:100], "header must lie inside"),
                               (good[:-1], "must end inside the file"), (b"\xff" * 8 + good[8:], "at most 100000000"),
                               (good + b"\0\0", "2 bytes after the last"),
                               (good.replace(b'"BF16"', b'"BF99"', 1), "known dtype, found 'BF99'")):
            with self.subTest(words):
                self.weights.write_bytes(content)
                self.assert_refused("model.safetensors", words)
        self.weights.unlink()
        self.assert_refused("must hold model.safetensors or pytorch_model.bin")

    def test_tensors_that_are_missing_of_another_shape_or_of_a_type_without_a_kernel(self):
        name = "model.layers.1.mlp.up_proj.weight"
        shapes = index_model.shapes(self.config)
        index_model.write(self.directory, self.config, {key: shapes[key] for key in shapes if key != name})
        self.assert_refused(f"{name}: must be there, is missing")
        index_model.write(self.directory, self.config, {**shapes, name: (32, 48)})
        self.assert_refused(f"{name}: must have shape [48, 32], has [32, 48]")
        index_model.write(self.directory, self.config)
        self.weights.write_bytes(self.weights.read_bytes().replace(b'"BF16"', b'"I16" ', 1))
        self.assert_refused("model.embed_tokens.weight: must be of a type that we compute with, is I16")

    def test_an_index_whose_shard_is_missing_or_elsewhere(self):
        self.weights.rename(self.directory / "one.safetensors")
        index = self.directory / "model.safetensors.index.json"
        for shard, words in (("two.safetensors", "the shard must be there"), ("../x", "plain file names")):
            index.write_text(json.dumps({"weight_map": {"lm_head.weight": shard}}))
            self.assert_refused(words)

    def test_a_tokenizer_that_is_nonsense_or_does_not_match(self):
        for name, content in (("tokenizer.json", b"{"), ("tokenizer.json", b'{"model":{"type":"Magic"}}'),
                              ("tokenizer.model", b"\x0a\xff\xff\xff\xff\x0f")):
            path = self.directory / name
            path.write_bytes(content)
            self.assert_refused(name)
            path.unlink()
        shutil.copy(GOLDEN.parent / "tokenizers" / "index_like.model", self.directory / "tokenizer.model")
        self.assert_refused("must fit the embedding's 260 rows")


class TorchBin(HostileCase):
    def setUp(self):
        self.directory = self.folder / "bin"
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.copytree(GOLDEN / "index_base", self.directory)
        self.weights = self.directory / "pytorch_model.bin"

    def assert_refused(self, *words: str):
        self.assert_one_error(run("inspect", self.directory), "pytorch_model.bin", *words)

    def test_cut_files_and_no_archive(self):
        good = self.weights.read_bytes()
        for content in (b"", b"weights", good[:1000], good[:-1], good[:len(good) // 2]):
            self.weights.write_bytes(content)
            self.assert_refused("must")

    def test_a_pickle_that_calls_something_is_refused_and_calls_nothing(self):
        witness = self.folder / "called"

        class Call:
            def __reduce__(self):
                return os.system, (f"touch {witness}",)

        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            with zipfile.ZipFile(self.weights, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr("archive/data.pkl", pickle.dumps({"lm_head.weight": Call()}, protocol))
            self.assert_refused("system")
        self.assertFalse(witness.exists())


class ChangingFiles(HostileCase):
    def test_a_document_that_changes_while_it_is_read(self):
        path = self.folder / "growing.txt"
        with open(path, "wb") as file:
            file.truncate(128 << 20)  # long to read, at once to make: a hole
        # Its own process, so that nothing here keeps it from writing; it ends with its standard input. On a busy
        # machine the whole reading may fall between two of its writes: then once more.
        for _ in range(20):
            writer = subprocess.Popen(["python3", "-c", GROW, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            with writer:
                writer.stdout.readline()
                done = run("read", path, "--model", self.model, "--no-interactive")
                writer.stdin.close()
            if "must stay as it is" in done.stderr:
                break
        self.assert_one_error(done, "growing.txt", "must stay as it is while it is read")
        self.assertEqual(done.stdout, "")

    def test_a_model_that_is_cut_short_while_it_is_used(self):
        path = self.folder / "cut.gguf"
        tiny_model.write(path, window=131072)
        process = subprocess.Popen([harness.BINARY, "generate", path, "--prompt", "aa", "--ignore-stop",
                                    "--max-new-tokens", "100000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with process:
            process.stdout.read(1)
            os.truncate(path, 0)
            process.stdout.read()
            errors = process.stderr.read().decode()
        self.assertEqual(process.returncode, 1, errors)
        self.assertIn("must stay as it is while it is used", errors)


GROW = """
import os, select, sys
file = os.open(sys.argv[1], os.O_WRONLY)
size = os.fstat(file).st_size
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    size += 1
    os.ftruncate(file, size)
"""


if __name__ == "__main__":
    unittest.main()
