#!/usr/bin/env python3
"""Writes tests/golden/tokenizers: strings that try every script, and what the reference tokenizers make of them.

  strings.jsonl   one string a line; {"base64": …} where the bytes are not UTF-8 (the reference is given them
                  decoded with errors="replace")
  NAME.jsonl      a line with the facts, then one line a string:
                    [ids or their number, hash of ids, hash of ids with markup parsed or null, hash of decoded text]
                  (whole ids for the first 300, and everywhere else their number and hash: FNV-1a, 64 bits, over
                  the ids as little-endian int32, or over the text's bytes), then lines {"decode": ids, "text": …}
                  and {"messages": …, "default_system": …, "ids": …}

Usage: make_tokenizer_goldens.py OUT_DIR [GGUF …]
  Without GGUF files: the tokenizers that tools/train_index_like_spm.py made in OUT_DIR.
  With: those of the files, whose tokenizers are built as their publishers configure them (SmolLM2: Digits and
  ByteLevel; Qwen2: its pattern and NFC; Gemma: transformers' own GGUF reader).
Needs: pip install transformers tokenizers sentencepiece gguf
"""
import base64
import json
import os
import pathlib
import random
import struct
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import sentencepiece  # noqa: E402
import tokenizers  # noqa: E402
import transformers  # noqa: E402
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
FULL_IDS = 300

# First and last code point of blocks, at least one for every script with a keyboard and many without.
BLOCKS = """0020-007e 00a0-00ff 0100-017f 0180-024f 0250-02af 02b0-02ff 0300-036f 0370-03ff 0400-052f 0531-058f
0591-05f4 0600-06ff 0700-074f 0750-077f 0780-07b1 07c0-07fa 0800-083e 0840-085e 08a0-08ff 0900-097f 0980-09fe
0a01-0a76 0a81-0af1 0b01-0b77 0b82-0bfa 0c00-0c7f 0c80-0cf2 0d00-0d7f 0d81-0df4 0e01-0e5b 0e81-0edf 0f00-0fda
1000-109f 10a0-10ff 1100-11ff 1200-137c 1380-1399 13a0-13fd 1400-167f 1680-169c 16a0-16f8 1700-1736 1740-1773
1780-17f9 1800-18aa 1900-194f 1950-1974 1980-19df 1a00-1a1f 1a20-1aad 1ab0-1ace 1b00-1b7e 1b80-1bff 1c00-1c7f
1c80-1cc7 1cd0-1cfa 1d00-1dbf 1dc0-1dff 1e00-1eff 1f00-1ffe 2000-206f 2070-209c 20a0-20c0 20d0-20f0 2100-218b
2190-23ff 2400-2426 2440-244a 2460-24ff 2500-25ff 2600-27bf 27c0-2aff 2b00-2bff 2c00-2c5f 2c60-2c7f 2c80-2cff
2d00-2d2d 2d30-2d7f 2d80-2dde 2e00-2e5d 2e80-2fd5 3000-303f 3041-30ff 3105-312f 3131-318e 31a0-31e3 31f0-33ff
3400-4dbf 4e00-9fff a000-a4c6 a4d0-a62b a640-a69f a6a0-a6f7 a700-a7ff a800-a839 a840-a877 a880-a8fd a900-a95f
a960-a97c a980-a9fe aa00-aa5f aa60-aadf aae0-ab2e ab30-abf9 ac00-d7a3 d7b0-d7fb e000-f8ff f900-fad9 fb00-fb4f
fb50-fdff fe00-fe6b fe70-fefc ff01-ffee 10000-100fa 10280-1031f 10330-1034a 10380-103d5 10400-1049d 10800-1085f
10900-1093f 10a00-10a58 10b00-10b7f 10c00-10c48 11000-1106f 11080-110c2 11100-11147 11300-11374 12000-123ff
13000-1342e 16800-16a38 16f00-16f9f 1b000-1b122 1d100-1d1ea 1d400-1d7ff 1e900-1e95f 1ee00-1eef1 1f000-1f0f5
1f100-1f1ff 1f300-1f5ff 1f600-1f64f 1f680-1f6fc 1f900-1f9ff 1fa70-1faf8 20000-2a6df 2f800-2fa1d e0020-e007f"""

EMOJI = ["\U0001F600", "\u2764\ufe0f", "\U0001F468\u200d\U0001F469\u200d\U0001F467\u200d\U0001F466", "\U0001F1E9\U0001F1EA",
         "\U0001F44D\U0001F3FD", "\U0001F3F4\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F", "1\ufe0f\u20e3",
         "\u2640\ufe0f", "\U0001F9D1\u200d\U0001F4BB", "\U0001FAE0"]
SPACES = [" ", "  ", "   ", "\t", "\n", "\r\n", "\r", "\u00a0", "\u3000", "\u2003", "\u200b", "\u2028", "\u0085", "\u180e",
          "\u1680", "\u205f", "\u001c", "\u000b", "\f", "\u2581", "\ufeff"]
WORDS = ("the a reading documents summary I'll we've It'S don't SHE'D 'tis rock'n'roll naïve café cafés Straße ŒUVRE x86_64 "
         "HTTPServer snake_case 3.14 1,234,567 0xDEADBEEF 2024-11-24 12:30 ½ Ⅷ ² 一二三 你好 世界 模型 データ ひらがな カタカナ "
         "한국어 русский ελληνικά עברית العربية हिन्दी ไทย ქართული አማርኛ Tiếng e\u0301 A\u030a ﬁ ſ İ ı ǅ").split()
CODE = ["def f(x):\n    return x ** 2\n", "for (int i = 0; i < n; ++i) {\n\t\tsum += a[i];\n}\n", "<b>bold</b><td>1</td>",
        "{\"key\": [1, 2, null]}", "#include <vector>\r\n", "SELECT * FROM t WHERE a!='b';", "https://example.org/a?b=c&d=%20",
        "/* ---- */", "$x^2 + y_{i}$", "a\\nb\\\\", "```python\nprint('x')\n```", "if(x){y();}else{z();}"]
MARKUP = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<s>", "</s>", "<unk>", "<bos>", "<eos>", "<start_of_turn>",
          "<end_of_turn>", "<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<tool_call>", "</tool_call>", "<tool>",
          "<gap>", "<turn>", "reserved_0", "[multimodal]", "<unused5>", "<0x0A>", "<pad>", "<|im_start", "<|fim_prefix|>"]


def blocks():
    for item in BLOCKS.split():
        first, last = (int(part, 16) for part in item.split("-"))
        yield first, last


def sample_strings() -> list[bytes]:
    rng = random.Random(20241124)
    sentences = (HERE / "bilingual_text.txt").read_text(encoding="utf-8").splitlines()
    out: list[bytes] = []

    def put(text: str) -> None:
        out.append(text.encode("utf-8"))

    for text in ["", " ", "\n", "a", "Hello, world!", "  two leading spaces", "trailing  ", "\u4f60\u597d\uff0c\u4e16\u754c\uff01"]:
        put(text)
    for text in sentences:
        put(text)
    for text in CODE + EMOJI + MARKUP + WORDS + SPACES:
        put(text)
        put(f"a{text}b")
    for _ in range(5):
        for first, last in blocks():
            chars = [chr(rng.randint(first, last)) for _ in range(rng.randint(4, 14))]
            put(rng.choice(["", " ", "x"]).join(chars))
    for _ in range(350):
        put(rng.choice(["", " "]).join(rng.choice(WORDS) for _ in range(rng.randint(2, 9))))
    for _ in range(250):
        parts = [rng.choice(rng.choice([WORDS, SPACES, SPACES, EMOJI, CODE])) for _ in range(rng.randint(2, 10))]
        put("".join(parts))
    for _ in range(200):
        parts = [rng.choice(rng.choice([WORDS, SPACES, MARKUP])) for _ in range(rng.randint(2, 8))]
        put("".join(parts))
    for code_point in [*range(0x20), *range(0x7F, 0xA1)]:
        put(f"a{chr(code_point)}b {chr(code_point)}{chr(code_point)}1")
    for run in [*range(1, 40), 47, 62, 63, 64, 65, 93, 100, 128, 200]:
        put(" " * run)
        put("x" + " " * run + "the")
        put("\n" * run + "a")
        put("\t" * run + " b")
        put("1" * run)
        put("a" * run + "\u4f60" * run)
        put(" \n" * run)
        put("=" * run + "-" * (run // 2))
    for text in ["ab" * 2000, "\u4f60" * 1500, "\U0001F600" * 600, "x" * 5000, "\u0e01\u0e34" * 1000, "9" * 3000, "\u2581" * 40,
                 "The" * 900, "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(4000))]:
        put(text)
    for _ in range(250):
        out.append(bytes(rng.randint(0, 255) for _ in range(rng.randint(1, 24))))
    for _ in range(150):
        raw = bytearray(rng.choice(sentences).encode("utf-8"))
        for _ in range(rng.randint(1, 4)):
            raw[rng.randrange(len(raw))] = rng.randint(0x80, 0xFF)
        out.append(bytes(raw[: rng.randint(1, len(raw))]))
    for _ in range(250):
        place = [rng.choice(list(blocks())) for _ in range(3)]
        put("".join(chr(rng.randint(*rng.choice(place))) for _ in range(rng.randint(3, 20))))
    return out


def fnv(raw: bytes) -> str:
    value = 0xCBF29CE484222325
    for byte in raw:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def hash_ids(ids: list[int]) -> str:
    return fnv(struct.pack(f"<{len(ids)}i", *ids))


class HuggingFace:
    """A tokenizers.Tokenizer as the reference."""

    def __init__(self, tokenizer: Tokenizer, template: str | None, **names: str):
        self.tokenizer = tokenizer
        self.template = template
        self.names = names

    def version(self) -> str:
        return f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}"

    def encode(self, text: str, markup: bool) -> list[int]:
        self.tokenizer.encode_special_tokens = not markup
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def encode_default(self, text: str) -> list[int]:
        self.tokenizer.encode_special_tokens = True
        return self.tokenizer.encode(text).ids

    def decode(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=True)

    def size(self) -> int:
        return self.tokenizer.get_vocab_size()

    def decodable(self, token_id: int) -> bool:
        # tokenizers shows a run of byte pieces as U+FFFD as a whole when any of it is invalid; ours is the
        # sentencepiece library's rule, byte by byte.
        token = self.tokenizer.id_to_token(token_id)
        return token is not None and not token.startswith("<0x")

    def chat(self, messages: list[dict]) -> list[int]:
        self.tokenizer.encode_special_tokens = False
        wrapped = transformers.PreTrainedTokenizerFast(tokenizer_object=self.tokenizer, **self.names)
        return wrapped.apply_chat_template(messages, chat_template=self.template, add_generation_prompt=True,
                                           tokenize=True, return_dict=False)


class SentencePiece:
    def __init__(self, path: pathlib.Path):
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        self.template = None

    def version(self) -> str:
        return f"sentencepiece {sentencepiece.__version__}"

    def encode(self, text: str, markup: bool) -> list[int] | None:
        return None if markup else self.processor.encode(text)

    def encode_default(self, text: str) -> list[int]:
        return self.processor.encode(text)

    def decode(self, ids: list[int]) -> str:
        return self.processor.decode([i for i in ids if not self.processor.is_unknown(i)])

    def size(self) -> int:
        return self.processor.get_piece_size()

    def decodable(self, token_id: int) -> bool:
        return True


def template_of(form: str) -> str:
    """The form as its publisher describes it, in our own words."""
    forms = {
        "gemma": "{{ bos_token }}{% set ns = namespace(prefix='', turns=messages) %}"
                 "{% if messages[0]['role'] == 'system' %}{% set ns.prefix = messages[0]['content'] + '\n\n' %}"
                 "{% set ns.turns = messages[1:] %}{% endif %}{% for m in ns.turns %}"
                 "{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\n' }}"
                 "{% if loop.first %}{{ ns.prefix }}{% endif %}{{ m['content'] | trim }}{{ '<end_of_turn>\n' }}{% endfor %}"
                 "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}",
        "llama3": "{{ bos_token }}{% for m in messages %}"
                  "{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim + '<|eot_id|>' }}"
                  "{% endfor %}{% if add_generation_prompt %}"
                  "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
        "chatml": "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}"
                  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    }
    return forms[form]


def conversations() -> list[list[dict]]:
    def say(role: str, content: str) -> dict:
        return {"role": role, "content": content}

    return [
        [say("user", "Hello")],
        [say("system", "Answer in Chinese."), say("user", "  What is a token?\n")],
        [say("user", "\u4f60\u597d"), say("assistant", "\u4f60\u597d\uff01"), say("user", "\n\n1 + 1 = ?\t")],
        [say("system", "\u4f60\u662f\u52a9\u624b\u3002 "), say("user", "a\u3000"), say("assistant", " b "), say("user", "<b>c</b>")],
        [say("user", ""), say("assistant", ""), say("user", "\u00a0x\u2003")],
    ]


def byte_level(tokens: list[str], merges: list[str], types: list[int], pre, nfc: bool) -> Tokenizer:
    pairs = [tuple(merge.split(" ")) for merge in merges]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=pairs))
    if nfc:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    special = [token for token, kind in zip(tokens, types) if kind == 3]
    plain = [token for token, kind in zip(tokens, types) if kind == 4]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in plain])
    return tokenizer


def from_gguf(path: pathlib.Path):
    import gguf
    fields = gguf.GGUFReader(path).fields

    def get(key: str):
        return fields[key].contents() if key in fields else None

    pre = get("tokenizer.ggml.pre")
    template = get("tokenizer.chat_template")
    if get("tokenizer.ggml.model") == "llama":
        loaded = transformers.AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
        return HuggingFace(loaded.backend_tokenizer, template or template_of("gemma"), bos_token="<bos>")
    tables = [get("tokenizer.ggml.tokens"), get("tokenizer.ggml.merges"), get("tokenizer.ggml.token_type")]
    if pre == "smollm":
        steps = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                         pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
        return HuggingFace(byte_level(*tables, steps, False), template)
    if pre == "qwen2":
        from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX
        steps = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated"),
                                         pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        return HuggingFace(byte_level(*tables, steps, True), template)
    raise SystemExit(f"{path}: no reference for the pre-tokenizer {pre!r}")


def default_system(reference) -> str:
    """What the template inserts on its own, found by asking it."""
    env = transformers.utils.chat_template_utils._compile_jinja_template(reference.template)
    rendered = env.render(messages=[{"role": "user", "content": "x"}], add_generation_prompt=False, bos_token="")
    head = rendered.split("<|im_start|>user")[0]
    return head.removeprefix("<|im_start|>system\n").removesuffix("<|im_end|>\n") if "<|im_start|>" in head else ""


def write_golden(out: pathlib.Path, name: str, reference, strings: list[bytes]) -> None:
    rng = random.Random(7)
    lines = [{"made_by": "tools/make_tokenizer_goldens.py", "reference": reference.version(), "name": name,
              "default_ids": reference.encode_default("Hello")}]
    for number, raw in enumerate(strings):
        text = raw.decode("utf-8", errors="replace")
        ids = reference.encode(text, markup=False)
        marked = reference.encode(text, markup=True)
        lines.append([ids if number < FULL_IDS else len(ids), hash_ids(ids), None if marked is None else hash_ids(marked),
                      fnv(reference.decode(ids).encode("utf-8"))])
    usable = [i for i in range(reference.size()) if reference.decodable(i)]
    for _ in range(150):
        ids = [rng.choice(usable) for _ in range(rng.randint(1, 12))]
        lines.append({"decode": ids, "text": reference.decode(ids)})
    if reference.template:
        system = default_system(reference)
        for messages in conversations():
            lines.append({"messages": messages, "default_system": system, "ids": reference.chat(messages)})
    with open(out / f"{name}.jsonl", "w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def write_strings(out: pathlib.Path, strings: list[bytes]) -> None:
    with open(out / "strings.jsonl", "w", encoding="utf-8") as file:
        for raw in strings:
            try:
                line = json.dumps(raw.decode("utf-8"), ensure_ascii=False)
            except UnicodeDecodeError:
                line = json.dumps({"base64": base64.b64encode(raw).decode("ascii")})
            file.write(line + "\n")


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    out = pathlib.Path(sys.argv[1])
    strings = sample_strings()
    write_strings(out, strings)
    if len(sys.argv) > 2:
        for path in map(pathlib.Path, sys.argv[2:]):
            write_golden(out, path.stem, from_gguf(path), strings)
        return 0
    write_golden(out, "index_like", SentencePiece(out / "index_like.model"), strings)
    write_golden(out, "unigram_nfkc", SentencePiece(out / "unigram_nfkc.model"), strings)
    chatml = HuggingFace(Tokenizer.from_file(str(out / "bpe_qwen2_like.json")), template_of("chatml"))
    write_golden(out, "bpe_qwen2_like", chatml, strings)
    llama3 = HuggingFace(Tokenizer.from_file(str(out / "bpe_llama3_like.json")), template_of("llama3"),
                         bos_token="<|begin_of_text|>")
    write_golden(out, "bpe_llama3_like", llama3, strings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
