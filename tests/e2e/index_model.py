"""A random model of Index's kind as a Hugging Face directory, made with the standard library alone: tiny for
the tests of hostile files, or of the published model's shape. It has no tokenizer."""
import json
import os
import pathlib
import struct

BLOCK_VALUES = (1 << 19) + 1  # an odd number of values: rows of a matrix do not repeat


def config(*, hidden, layers, heads, ffn, vocab, window) -> dict:
    return {"architectures": ["IndexForCausalLM"], "model_type": "index", "hidden_size": hidden,
            "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": heads,
            "intermediate_size": ffn, "vocab_size": vocab, "max_position_embeddings": window,
            "rms_norm_eps": 1e-6, "rope_ratio": 32, "norm_head": 1, "hidden_act": "silu",
            "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2}


def shapes(config: dict) -> dict[str, tuple[int, ...]]:
    hidden, ffn, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    found = {"model.embed_tokens.weight": (vocab, hidden), "model.norm.weight": (hidden,),
             "lm_head.weight": (vocab, hidden)}
    for layer in range(config["num_hidden_layers"]):
        block = f"model.layers.{layer}."
        for name in "qkvo":
            found[f"{block}self_attn.{name}_proj.weight"] = (hidden, hidden)
        found[f"{block}mlp.gate_proj.weight"] = found[f"{block}mlp.up_proj.weight"] = (ffn, hidden)
        found[f"{block}mlp.down_proj.weight"] = (hidden, ffn)
        found[f"{block}input_layernorm.weight"] = found[f"{block}post_attention_layernorm.weight"] = (hidden,)
    return found


def _random_block() -> bytes:
    """Values of bfloat16 with random sign and mantissa and one exponent: between 1/64 and 1/32 in size."""
    random = int.from_bytes(os.urandom(2 * BLOCK_VALUES), "little")
    keep = int.from_bytes(b"\x7f\x80" * BLOCK_VALUES, "little")
    exponent = int.from_bytes(b"\x80\x3c" * BLOCK_VALUES, "little")
    return (random & keep | exponent).to_bytes(2 * BLOCK_VALUES, "little")


def safetensors_header(shapes: dict, dtype="BF16", bytes_each=2) -> bytes:
    header, offset = {}, 0
    for name, shape in shapes.items():
        size = bytes_each
        for dim in shape:
            size *= dim
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def write(directory, config: dict, tensor_shapes: dict | None = None) -> None:
    directory = pathlib.Path(directory)
    directory.mkdir(exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config))
    tensor_shapes = tensor_shapes or shapes(config)
    block = _random_block()
    with open(directory / "model.safetensors", "wb") as file:
        file.write(safetensors_header(tensor_shapes))
        for shape in tensor_shapes.values():
            left = 2 * shape[0] * (shape[1] if len(shape) == 2 else 1)
            if len(shape) == 1:
                file.write(b"\x80\x3f" * shape[0])  # a norm's ones
                continue
            while left > 0:
                file.write(block[:left])
                left -= len(block)
