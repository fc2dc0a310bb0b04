"""What `longscroll convert` writes, as the programs that it is written for read it: llama.cpp (xllamacpp) and
transformers. Run it with `make interop`, which makes the environment of requirements.txt.

The tiny checkpoints of tools/make_tiny_checkpoints.py have no tokenizer and llama.cpp needs a vocabulary, so
they get one of single characters first.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import numpy
import sentencepiece
import torch
import transformers
import xllamacpp
from safetensors.torch import load_file, save_file

BINARY = os.environ["LONGSCROLL_BIN"]
GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
TINY = sorted(path.name for path in (GOLDEN / "tiny").iterdir())
EOS, NEW, LENGTH = 2, 64, 300
TEXTS = ["The scroll is long.", "它 is 读完一卷长文的小模型，\n\nand 3 numbers: 12345."]
QWEN2_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
                 r"|\s+(?!\S)|\s+")


def longscroll(*arguments) -> str:
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def our_logits(model, ids, folder) -> numpy.ndarray:
    (folder / "ids.txt").write_text(" ".join(map(str, ids)))
    longscroll("logits", model, "--ids-file", folder / "ids.txt", "--out", folder / "logits.npy", "--compute", "f32")
    return numpy.load(folder / "logits.npy")


def our_greedy(model, ids) -> list[int]:
    found = json.loads(longscroll("generate", model, "--ids", ",".join(map(str, ids)), "--max-new-tokens", NEW,
                                  "--ignore-stop", "--compute", "f32", "--json"))["ids"]
    return found[:found.index(EOS)] if EOS in found else found


def our_ids(model, text: str) -> list[int]:
    return json.loads(longscroll("tokenize", model, "--text", text, "--json"))["ids"]


def hash_ids(ids) -> int:
    value = 0xcbf29ce484222325
    for byte in numpy.array(ids, dtype="<i4").tobytes():
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return value


def character_tokenizer(size: int) -> dict:
    """A byte-level BPE without a merge: three marks and the printable ASCII characters, then others."""
    marks = ["<pad>", "<s>", "</s>"]
    characters = [chr(code) for code in range(33, 127)] + [chr(code) for code in range(256, 256 + size)]
    tokens = (marks + characters)[:size]
    split = {"type": "Split", "pattern": {"Regex": QWEN2_PATTERN}, "behavior": "Isolated", "invert": False}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    return {
        "version": "1.0", "normalizer": {"type": "NFC"}, "decoder": byte_level, "post_processor": byte_level,
        "added_tokens": [{"id": i, "content": mark, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for i, mark in enumerate(marks)],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "model": {"type": "BPE", "vocab": {token: i for i, token in enumerate(tokens)}, "merges": []}}


class Llamacpp:
    """llama.cpp with everything in float32 that can be."""

    def __init__(self, path):
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx = 1024
        params.warmup = False
        params.fit_params = False
        params.verbosity = 0
        params.cpuparams.n_threads = 2
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.cache_type_k = xllamacpp.ggml_type.GGML_TYPE_F32
        params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        self.server = xllamacpp.Server(params)

    def greedy(self, prompt: list[int] | str, count: int = NEW) -> list[int]:
        answer = self.server.handle_completions(
            {"prompt": prompt, "max_tokens": count, "temperature": 0.0, "repeat_penalty": 1.0, "logprobs": 1,
             "cache_prompt": False})
        ids = [token["id"] for token in answer["choices"][0]["logprobs"]["content"]]
        return ids[:ids.index(EOS)] if EOS in ids else ids


class TestCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def convert(self, source, name: str, form: str, *more) -> pathlib.Path:
        longscroll("convert", source, self.folder / name, "--to", form, "--type", "f32", "--force", *more)
        return self.folder / name

    def checkpoint_with(self, tiny: str, files: dict[str, str | bytes], rows: int | None = None, answers=()):
        """A copy of a tiny checkpoint with a tokenizer's files. With `rows`, seeded random ones for another
        vocabulary, of which the ids `answers` can win."""
        out = self.folder / "checkpoint"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        for name in ("config.json", "model.safetensors", "pytorch_model.bin"):
            if (GOLDEN / "tiny" / tiny / name).exists():
                shutil.copy(GOLDEN / "tiny" / tiny / name, out / name)
        for name, content in files.items():
            (out / name).write_bytes(content.encode() if isinstance(content, str) else content)
        if rows:
            config = json.loads((out / "config.json").read_text())
            config["vocab_size"] = rows
            (out / "config.json").write_text(json.dumps(config))
            tensors = load_file(out / "model.safetensors")
            seeded = torch.Generator().manual_seed(1)
            for name in ("model.embed_tokens.weight", "lm_head.weight"):
                tensors[name] = torch.randn(rows, tensors[name].shape[1], generator=seeded)
            never = torch.ones(rows, dtype=torch.bool)
            never[list(answers)] = False
            tensors["lm_head.weight"][never] = 0
            save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
        return out


class LlamacppReadsOurGguf(TestCase):
    def test_every_tiny_checkpoint_gives_our_greedy_tokens(self):
        for name in TINY:
            with self.subTest(name):
                files = {"tokenizer.json": json.dumps(character_tokenizer(128)),
                         "tokenizer_config.json": json.dumps({"bos_token": "<s>", "eos_token": "</s>"})}
                source = self.checkpoint_with(name, files)
                golden = json.loads((GOLDEN / "tiny" / name / "golden.json").read_text())
                want = our_greedy(source, golden["prompt"])
                self.assertGreater(len(want), 8)
                gguf = self.convert(source, "model.gguf", "gguf")
                self.assertEqual(our_greedy(gguf, golden["prompt"]), want)
                self.assertEqual(Llamacpp(gguf).greedy(golden["prompt"]), want)

    def check_text(self, source):
        gguf = self.convert(source, "model.gguf", "gguf")
        peer = Llamacpp(gguf)
        for text in TEXTS:
            ids = our_ids(source, text)
            want = our_greedy(source, ids)[:16]
            self.assertEqual(peer.greedy(ids, 16), want, "from ids")
            self.assertEqual(peer.greedy(text, 16), want, f"from the text {text}")

    # Answers in ASCII only: the server's list of ids leaves out those that end inside a character.
    def test_an_index_with_its_tokenizer_reads_the_same_text(self):
        model = (GOLDEN / "tokenizers" / "index_like.model").read_bytes()
        pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
        answers = [i for i in range(pieces.vocab_size())
                   if pieces.id_to_piece(i).replace("\u2581", " ").isascii() and not pieces.is_byte(i)
                   and not pieces.is_control(i)]
        self.check_text(self.checkpoint_with("index_theta", {
            "tokenizer.model": model, "tokenizer_config.json": '{"add_bos_token": false}'}, 2048, answers))

    def test_a_byte_level_bpe_reads_the_same_text(self):
        text = (GOLDEN / "tokenizers" / "bpe_qwen2_like.json").read_text()
        tokenizer = json.loads(text)
        added = {token["id"] for token in tokenizer["added_tokens"]}
        answers = [i for token, i in tokenizer["model"]["vocab"].items() if token.isascii() and i not in added]
        self.check_text(self.checkpoint_with("llama", {"tokenizer.json": text}, 1600, answers))


class TransformersReadsOurDirectories(TestCase):
    def check_logits(self, name: str, directory, model_class: str):
        golden = json.loads((GOLDEN / "tiny" / name / "golden.json").read_text())
        ids = golden["ids"][:LENGTH]
        want = our_logits(GOLDEN / "tiny" / name, ids, self.folder)
        model = transformers.AutoModelForCausalLM.from_pretrained(directory, attn_implementation="eager").eval()
        self.assertEqual(type(model).__name__, model_class)
        self.assertEqual(model.dtype, torch.float32)
        with torch.no_grad():
            found = model(torch.tensor([ids]), use_cache=False).logits[0].numpy()
        away = float(numpy.abs(found - want).max() / numpy.abs(want).max())
        print(f"{name} as {model_class}: {away:.1e} of the largest logit")
        self.assertLess(away, 2e-5)

    def test_every_tiny_checkpoint_through_gguf(self):
        classes = {"qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM", "gemma3": "Gemma3ForCausalLM"}
        for name in TINY:
            with self.subTest(name):
                gguf = self.convert(GOLDEN / "tiny" / name, f"{name}.gguf", "gguf")
                self.check_logits(name, self.convert(gguf, name, "hf"), classes.get(name, "LlamaForCausalLM"))

    def test_an_index_as_llama(self):
        for name in TINY:
            if name.startswith("index"):
                with self.subTest(name):
                    directory = self.convert(GOLDEN / "tiny" / name, name, "hf", "--as", "llama")
                    self.check_logits(name, directory, "LlamaForCausalLM")


class TokenizersThatWeWrite(TestCase):
    def strings(self, name: str, column: int):
        """Texts and the hash of their ids by the reference, as tools/make_tokenizer_goldens.py lays them out: in
        column 1 without and in column 2 with markup read as such."""
        folder = GOLDEN / "tokenizers"
        texts = [json.loads(line) for line in (folder / "strings.jsonl").read_text().strip("\n").split("\n")]
        lines = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().strip("\n").split("\n")]
        for text, line in zip(texts, lines[1:]):
            if isinstance(text, str) and line[column] is not None and "<gap>" not in text:
                yield text, int(line[column], 16)

    def through_gguf(self, files: dict, rows: int):
        source = self.checkpoint_with("llama", files, rows)
        return self.convert(self.convert(source, "model.gguf", "gguf"), "back", "hf")

    def test_bpe_in_transformers(self):
        for name in ("bpe_qwen2_like", "bpe_llama3_like"):
            with self.subTest(name):
                back = self.through_gguf({"tokenizer.json": (GOLDEN / "tokenizers" / f"{name}.json").read_text()}, 1600)
                tokenizer = transformers.AutoTokenizer.from_pretrained(back)
                self.check(name, 2, lambda text: tokenizer.encode(text, add_special_tokens=False))
                self.assertEqual(tokenizer.encode("Hello"), our_ids(self.folder / "checkpoint", "Hello"), "with BOS")

    def test_sentencepiece_in_its_library(self):
        model = (GOLDEN / "tokenizers" / "index_like.model").read_bytes()
        back = self.through_gguf({"tokenizer.model": model}, 4096)
        processor = sentencepiece.SentencePieceProcessor(model_file=str(back / "tokenizer.model"))
        self.assertEqual(processor.vocab_size(), sentencepiece.SentencePieceProcessor(model_proto=model).vocab_size())
        self.check("index_like", 1, processor.encode)

    def check(self, name: str, column: int, encode):
        compared = 0
        for text, want in self.strings(name, column):
            self.assertEqual(hash_ids(encode(text)), want, text)
            compared += 1
        print(f"{name}: {compared} strings")
        self.assertGreater(compared, 2500)


if __name__ == "__main__":
    unittest.main(verbosity=2)
