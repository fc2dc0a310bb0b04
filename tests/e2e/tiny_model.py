"""A random model in one GGUF file, made with the standard library alone: small enough to run in
milliseconds, with everything that the program needs (a token for each byte, ChatML's marks)."""
import array
import random
import struct

F32 = 0
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
NORMAL, CONTROL = 1, 3
CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' "
    "+ '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


def byte_characters() -> list[str]:
    """GPT-2's printable character for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    characters, spare = {}, 256
    for byte in range(256):
        if byte in plain:
            characters[byte] = chr(byte)
        else:
            characters[byte] = chr(spare)
            spare += 1
    return [characters[byte] for byte in range(256)]


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(kind: int, value) -> bytes:
    if kind == STRING:
        return _string(value)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[kind], value)


def _field(key: str, kind: int, value) -> bytes:
    return _string(key) + struct.pack("<I", kind) + _value(kind, value)


def _array_field(key: str, kind: int, values) -> bytes:
    head = _string(key) + struct.pack("<IIQ", ARRAY, kind, len(values))
    return head + b"".join(_value(kind, value) for value in values)


def _tokenizer_fields(chat: bool, further_tokens: list[str]) -> list[bytes]:
    tokens = byte_characters() + ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "aa"] + further_tokens
    types = [NORMAL] * 256 + [CONTROL] * 3 + [NORMAL] * (1 + len(further_tokens))
    fields = [
        _field("tokenizer.ggml.model", STRING, "gpt2"),
        _field("tokenizer.ggml.pre", STRING, "qwen2"),
        _array_field("tokenizer.ggml.tokens", STRING, tokens),
        _array_field("tokenizer.ggml.token_type", INT32, types),
        _array_field("tokenizer.ggml.merges", STRING, ["a a"]),
        _field("tokenizer.ggml.eos_token_id", UINT32, 258),
        _field("tokenizer.ggml.add_bos_token", BOOL, False),
    ]
    if chat:
        fields.append(_field("tokenizer.chat_template", STRING, CHATML))
    return fields


def write(path, *, window=4096, hidden=32, layers=2, heads=2, ffn=48, seed=1, chat=True, tokenizer=True,
          vocab=260, further_tokens=(), alter=None) -> None:
    """A llama of `layers` layers over 260 tokens and further ones. `alter` may change the dictionary of shapes first."""
    vocab += len(further_tokens)
    fields = [
        _field("general.architecture", STRING, "llama"),
        _field("general.name", STRING, "tiny"),
        _field("llama.context_length", UINT32, window),
        _field("llama.embedding_length", UINT32, hidden),
        _field("llama.block_count", UINT32, layers),
        _field("llama.feed_forward_length", UINT32, ffn),
        _field("llama.attention.head_count", UINT32, heads),
        _field("llama.attention.head_count_kv", UINT32, heads),
        _field("llama.attention.layer_norm_rms_epsilon", FLOAT32, 1e-6),
        _field("llama.rope.dimension_count", UINT32, hidden // heads),
        _field("llama.rope.freq_base", FLOAT32, 10000.0),
        _field("llama.vocab_size", UINT32, vocab),
    ]
    if tokenizer:
        fields += _tokenizer_fields(chat, list(further_tokens))
    shapes = {"token_embd.weight": (hidden, vocab), "output_norm.weight": (hidden,),
              "output.weight": (hidden, vocab)}
    for layer in range(layers):
        block = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes[f"{block}{name}.weight"] = (hidden, hidden)
        shapes[f"{block}ffn_gate.weight"] = shapes[f"{block}ffn_up.weight"] = (hidden, ffn)
        shapes[f"{block}ffn_down.weight"] = (ffn, hidden)
        shapes[f"{block}attn_norm.weight"] = shapes[f"{block}ffn_norm.weight"] = (hidden,)
    if alter:
        alter(shapes)
    _write_file(path, fields, shapes, random.Random(seed))


def _write_file(path, fields, shapes, rng) -> None:
    infos, data = b"", b""
    for name, shape in shapes.items():
        infos += _string(name) + struct.pack("<I", len(shape))
        infos += b"".join(struct.pack("<Q", dim) for dim in shape) + struct.pack("<IQ", F32, len(data))
        count = 1
        for dim in shape:
            count *= dim
        is_norm = len(shape) == 1
        values = array.array("f", (1.0 if is_norm else rng.gauss(0, 0.3) for _ in range(count)))
        data += values.tobytes()
        data += b"\0" * (-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(fields)) + b"".join(fields) + infos
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % 32) + data)
