#!/usr/bin/env python3
"""clang-tidy with the checks of .clang-tidy over the .cc files of src/; exit 1 when it finds anything.

Usage: scripts/tidy.py [--jobs N] [--train] [FILE.cc …]   (default: all but tests, training and what the build writes)

Tests are left out because they take as long as all the rest: the compiler's own warnings must do there. So does what
trains, for LibTorch's headers: --train looks at that alone.
The compile database of build/release says how each is compiled. A file that was clean is not looked at
again until it, anything that it includes, its command or the checks change: build/tidy has a stamp for
it. What a file includes is what the last build noted down, so a file never built is always looked at.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
STAMPS = ROOT / "build" / "tidy"
DATABASE = BUILD / "tidy"  # the compile database without precompiled headers
TOOL = ROOT / "build" / "lint" / "bin" / "clang-tidy"
SETTINGS = [ROOT / ".clang-tidy", ROOT / "tools" / "lint-requirements.txt", pathlib.Path(__file__).resolve()]


def noted_includes() -> dict[str, list[pathlib.Path]]:
    """For each object file, the files that it was made from."""
    listing = subprocess.run(["ninja", "-C", BUILD, "-t", "deps"], capture_output=True, text=True, check=True).stdout
    includes, current = {}, None
    for line in listing.splitlines():
        if line.startswith("    "):
            current.append(BUILD / line.strip())
        elif ": #deps" in line:
            # A note older than its object is stale, and ninja says so.
            current = includes.setdefault(line.split(":")[0], []) if line.endswith("(VALID)") else []
    return includes


def digest(path: pathlib.Path, known: dict[pathlib.Path, bytes]) -> bytes:
    if path not in known:
        known[path] = hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b"none"
    return known[path]


def stamps_of(entries: list[dict]) -> dict[str, pathlib.Path | None]:
    """Where the stamp of each source is once it was found clean as it is now; None without a note."""
    includes, known, stamps = noted_includes(), {}, {}
    for entry in entries:
        words = shlex.split(entry["command"])
        sources = includes.get(words[words.index("-o") + 1])
        if not sources:
            stamps[entry["file"]] = None
            continue
        key = hashlib.sha256(entry["command"].encode())
        for path in [*SETTINGS, pathlib.Path(entry["file"]), *sorted(sources)]:
            key.update(digest(path, known))
        stamps[entry["file"]] = STAMPS / key.hexdigest()
    return stamps


def tidy(source: str) -> subprocess.CompletedProcess:
    # The commands are GCC's: clang must not mind the names of GCC's own warnings. It has the compiler's
    # headers in its wheel, and finds the standard library where GCC has it. Without the precompiled headers, a
    # file has to include what it uses.
    return subprocess.run([TOOL, "-p", DATABASE, "--quiet", "--extra-arg=-Wno-unknown-warning-option",
                           "--extra-arg=-Wno-deprecated-declarations", source],
                          capture_output=True, text=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--train", action="store_true")
    parser.add_argument("files", nargs="*", metavar="FILE.cc")
    return parser.parse_args()


def is_default(file: str, train: bool) -> bool:
    trains = file.startswith((f"{ROOT}/src/train/", f"{ROOT}/src/train_app/"))
    return file.startswith(f"{ROOT}/src/") and not file.endswith("_test.cc") and trains == train


def taken_apart(entry: dict) -> list[dict]:
    """A file of CMake's that includes several sources, as they would be compiled each for itself."""
    if "/Unity/unity_" not in entry["file"]:
        return [entry]
    sources = re.findall(r'#include "(.+)"', pathlib.Path(entry["file"]).read_text())
    return [{**entry, "file": source, "command": entry["command"].replace(entry["file"], source)} for source in sources]


def wanted_entries(files: list[str], train: bool) -> list[dict]:
    if subprocess.run([ROOT / "scripts" / "lint_tools.sh"]).returncode != 0:
        sys.exit("tidy: clang-tidy could not be installed")
    database = BUILD / "compile_commands.json"
    if not database.is_file():
        subprocess.run(["cmake", "--preset", "release"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    chosen = {str(pathlib.Path(file).resolve()) for file in files}
    commands = [part for entry in json.loads(database.read_text()) for part in taken_apart(entry)]
    for entry in commands:
        entry["command"] = re.sub(r" -Winvalid-pch -include \S+", "", entry["command"])
    DATABASE.mkdir(exist_ok=True)
    (DATABASE / database.name).write_text(json.dumps(commands))
    entries = [entry for entry in commands
               if (entry["file"] in chosen if chosen else is_default(entry["file"], train))]
    if missing := chosen - {entry["file"] for entry in entries}:
        sys.exit(f"tidy: not in the compile database: {', '.join(sorted(missing))}")
    return entries


def main() -> int:
    arguments = parse_arguments()
    entries = wanted_entries(arguments.files, arguments.train)
    stamps = stamps_of(entries)
    STAMPS.mkdir(parents=True, exist_ok=True)
    waiting = [source for source, stamp in stamps.items() if stamp is None or not stamp.exists()]
    start, faulty = time.monotonic(), 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for source, done in zip(waiting, pool.map(tidy, waiting)):
            if done.returncode != 0:
                faulty += 1
                print(done.stdout or done.stderr, end="", flush=True)
            elif stamps[source] is not None:
                stamps[source].touch()
    if not arguments.files and not arguments.train:
        for stamp in set(STAMPS.iterdir()) - set(stamps.values()):
            stamp.unlink()
    if waiting:
        print(f"tidy: {len(waiting)} of {len(entries)} files looked at in {time.monotonic() - start:.0f} s, "
              f"{faulty} with faults", file=sys.stderr)
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
