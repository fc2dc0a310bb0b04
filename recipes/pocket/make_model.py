#!/usr/bin/env python3
"""A llama that knows nothing yet, to be trained from: config.json's shape, weights drawn from a seed.

Usage: recipes/pocket/make_model.py --out build/pocket/seed-1/untrained [--seed 1] [--hidden 128] [--layers 4]

Matrices are normal with a deviation of 0.02, those that add to the residual by 1 / sqrt(2 layers) less (as GPT-2 has
it), norms are 1. Configuration and tokenizer come from the folder `model` beside this file; with --hidden and --layers
the shape grows: heads stay 32 wide, and the feed-forward part three times the width. `safetensors` in float32.
"""
import argparse
import array
import json
import pathlib
import random
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
DEVIATION = 0.02
HEAD_WIDTH = 32


def shapes(config: dict) -> dict[str, tuple[int, ...]]:
    hidden, ffn = config["hidden_size"], config["intermediate_size"]
    found = {"model.embed_tokens.weight": (config["vocab_size"], hidden), "model.norm.weight": (hidden,)}
    for layer in range(config["num_hidden_layers"]):
        name = f"model.layers.{layer}."
        found |= {name + f"self_attn.{part}_proj.weight": (hidden, hidden) for part in "qkvo"}
        found |= {name + f"mlp.{part}_proj.weight": (ffn, hidden) for part in ("gate", "up")}
        found[name + "mlp.down_proj.weight"] = (hidden, ffn)
        found |= {name + f"{norm}_layernorm.weight": (hidden,) for norm in ("input", "post_attention")}
    return found


def drawn(name: str, shape: tuple[int, ...], layers: int, choose: random.Random) -> array.array:
    if len(shape) == 1:
        return array.array("f", [1.0]) * shape[0]
    adds_to_residual = name.endswith(("o_proj.weight", "down_proj.weight"))
    deviation = DEVIATION / (2 * layers) ** 0.5 if adds_to_residual else DEVIATION
    return array.array("f", (choose.gauss(0.0, deviation) for _ in range(shape[0] * shape[1])))


def write_safetensors(path: pathlib.Path, config: dict, seed: int) -> None:
    header, begin = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes(config).items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, begin + 4 * count]}
        begin += 4 * count
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    choose = random.Random(seed)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes(config).items():
            values = drawn(name, shape, config["num_hidden_layers"], choose)
            if sys.byteorder == "big":
                values.byteswap()
            values.tofile(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    arguments = parser.parse_args()
    if arguments.hidden % HEAD_WIDTH != 0 or arguments.hidden <= 0 or arguments.layers <= 0:
        parser.error(f"--hidden must be a multiple of {HEAD_WIDTH}, --layers at least 1")
    config = json.loads((HERE / "model" / "config.json").read_text(encoding="utf-8"))
    heads = arguments.hidden // HEAD_WIDTH
    config |= {"hidden_size": arguments.hidden, "num_hidden_layers": arguments.layers, "num_attention_heads": heads,
               "num_key_value_heads": heads, "intermediate_size": 3 * arguments.hidden}
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (arguments.out / name).write_bytes((HERE / "model" / name).read_bytes())
    write_safetensors(arguments.out / "model.safetensors", config, arguments.seed)


if __name__ == "__main__":
    main()
