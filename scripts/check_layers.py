#!/usr/bin/env python3
"""Checks that every #include in src/ follows the table of allowed edges between layers.

Usage: scripts/check_layers.py   (exit 1 and one line a fault)
"""
import pathlib
import re
import sys

# layer: the layers below it that it may include. docs/architecture.md says why.
ALLOWED = {
    "base": set(),
    "kernels": {"base"},
    "rope": {"base"},
    "formats": {"base"},
    "text": {"base"},
    "hub": {"base"},
    "metrics": {"base"},
    "model": {"base", "formats", "rope", "text", "kernels"},
    "engine": {"base", "kernels", "rope", "model"},
    "library": {"base", "text"},
    "doctor": {"base", "formats", "text", "kernels", "rope", "model", "engine"},
    "data": {"base", "formats", "text", "model", "library"},
    "corpus": {"base", "formats", "library", "data"},
    "suites": {"base", "formats", "text"},
    "eval": {"base", "formats", "hub", "text", "metrics", "suites", "model", "engine", "library"},
    "report": {"base", "formats", "metrics", "suites", "eval"},
    "console": {"base"},
    "apps": {"base", "console", "formats", "hub", "text", "rope", "model", "engine", "library", "kernels", "metrics",
             "suites", "eval", "report", "data", "corpus", "doctor"},
    "train": {"base", "formats", "text", "rope", "model", "data"},
    "train_app": {"base", "console", "formats", "text", "rope", "model", "data", "hub", "train"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def faults(root: pathlib.Path):
    for path in sorted(root.rglob("*")):
        if path.suffix not in {".h", ".cc"}:
            continue
        layer = path.relative_to(root).parts[0]
        if layer not in ALLOWED:
            yield f"{path}: layer '{layer}' is not in the table"
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            target = match.group(1).split("/")[0]
            if target != layer and target not in ALLOWED[layer]:
                yield f"{path}:{number}: '{layer}' may not include '{match.group(1)}'"


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent / "src"
    found = list(faults(root))
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
