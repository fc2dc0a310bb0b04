#!/usr/bin/env python3
"""Checks that code compiled for one processor cannot run on a lesser one.

A function with the instructions of AVX-512 that the linker may take for another file's (an inline function, a
template of the standard library), or that runs before the program has asked what the processor is, ends it with
an illegal instruction. So an object file of a kernel set defines one symbol that others see, its table, which is
data; and nothing that runs by itself.

Usage: scripts/check_isa_symbols.py OBJECT…   (exit 1 and one line a fault; objects not named avx* are passed over)
"""
import pathlib
import re
import subprocess
import sys


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def faults(path):
    tables = 0
    for line in output_of("nm", "--demangle", "--defined-only", "--extern-only", path).splitlines():
        kind, name = line.split(maxsplit=2)[1:]
        if kind in "DR" and re.fullmatch(r"longscroll::k\w+Kernels", name):
            tables += 1
        else:
            yield f"others see `{name}` ({kind}): put it into an unnamed namespace, or have it inlined"
    if tables != 1:
        yield f"defines {tables} tables, not one"
    for section in re.findall(r"\s(\.(?:init_array|ctors)\S*)", output_of("objdump", "--section-headers", path)):
        yield f"runs code at the start of the program ({section}): make it a constant"


def main(arguments):
    paths = [path for path in arguments if pathlib.Path(path).name.startswith("avx")]
    found = [f"{path}: {fault}" for path in paths for fault in faults(path)]
    if not paths:
        found.append("no object of a kernel set among the arguments")
    print("\n".join(found) if found else f"{len(paths)} objects: each shows its table alone")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
