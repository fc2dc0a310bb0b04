#!/usr/bin/env python3
"""Writes jieba's dictionary and HMM as the one table that src/metrics/jieba_table.h describes.

Usage: make_jieba_table.py JIEBA_FOLDER OUT   (the folder of the Python package jieba 0.42.1, e.g. of Debian's
python3-jieba; nothing of it is run, the tables are read as literals)
"""
import ast
import hashlib
import pathlib
import struct
import sys

# Scores depend on every entry, so another version is refused.
SHA256 = {
    "dict.txt": "7197c3211ddd98962b036cdf40324d1ea2bfaa12bd028e68faa70111a88e12a8",
    "finalseg/prob_emit.py": "27d46b1c9efe4dd148fde8be042a21be40e3562d0c7f1273f9de7abae12ebb8d",
    "finalseg/prob_start.py": "14c5706ced5cd3b42eb4873d4b88f7f52a7bdf80fbd767bc4423d361e20c5330",
    "finalseg/prob_trans.py": "54dfbc252ed71480d4f0cdfdf516ecfbe44efd0f6c3c64b158e7039f2906c91b",
}
STATES = "BEMS"
NEVER = -3.14e100  # jieba's logarithm of 0


def checked_bytes(folder: pathlib.Path, name: str) -> bytes:
    data = (folder / name).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256[name]:
        sys.exit(f"make_jieba_table: {folder / name} must be jieba 0.42.1's, with SHA-256 {SHA256[name]}, found {found}")
    return data


def assigned_literal(source: bytes):
    """The value of the one assignment `P = …`."""
    values = [node.value for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    assert len(values) == 1
    return ast.literal_eval(values[0])


def frequencies(text: str) -> tuple[dict[str, int], int]:
    """Each word's frequency, 0 for what only begins words; and the sum over the lines."""
    frequency: dict[str, int] = {}
    total = 0
    for line in text.split("\n"):
        if not line:
            continue
        word, count = line.strip().split(" ")[:2]
        frequency[word] = int(count)
        total += int(count)
    for word in list(frequency):
        for end in range(1, len(word)):
            frequency.setdefault(word[:end], 0)
    return frequency, total


def trie(frequency: dict[str, int]) -> tuple[list[int], list[int], list[int]]:
    """Code point, frequency and first child of each node, breadth first; node 0 is the root."""
    children: dict[str, list[str]] = {}
    for word in sorted(frequency):
        children.setdefault(word[:-1], []).append(word)
    nodes, first_child = [""], []
    for word in nodes:  # grows while it is walked
        first_child.append(len(nodes))
        nodes.extend(children.get(word, ()))
    first_child.append(len(nodes))
    return [ord(word[-1]) if word else 0 for word in nodes], [frequency.get(word, 0) for word in nodes], first_child


def main() -> int:
    folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    frequency, total = frequencies(checked_bytes(folder, "dict.txt").decode("utf-8"))
    emit, start, trans = (assigned_literal(checked_bytes(folder, f"finalseg/prob_{name}.py"))
                          for name in ("emit", "start", "trans"))
    codes, counts, first_child = trie(frequency)
    seen = sorted({c for state in STATES for c in emit[state]})
    data = bytearray(struct.pack("<8sIIQ", b"LSJIEBA1", len(codes), len(seen), total))
    data += struct.pack("<4d", *(start[state] for state in STATES))
    data += struct.pack("<16d", *(trans[a].get(b, NEVER) for a in STATES for b in STATES))
    data += struct.pack(f"<{4 * len(seen)}d", *(emit[state].get(c, NEVER) for c in seen for state in STATES))
    for numbers in ([ord(c) for c in seen], codes, counts, first_child):
        data += struct.pack(f"<{len(numbers)}I", *numbers)
    out.write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
