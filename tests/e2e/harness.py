"""Runs the built program as a person or a script would. The binary is $LONGSCROLL_BIN."""
import json
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest

import tiny_model

BINARY = os.environ.get("LONGSCROLL_BIN", "")
TIMEOUT = 120


def run(*arguments, stdin: str | bytes = b"", env=None, check=None,
        timeout=TIMEOUT) -> subprocess.CompletedProcess:
    """Output as text; `check` is the exit code that must come."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run([BINARY, *map(str, arguments)], input=data, capture_output=True, timeout=timeout,
                          env={**os.environ, **(env or {})})
    done.stdout, done.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    if check is not None and done.returncode != check:
        raise AssertionError(f"{arguments}: exit {done.returncode}, not {check}\n{done.stderr}\n{done.stdout}")
    return done


def run_json(*arguments, **options) -> dict:
    return json.loads(run(*arguments, "--json", check=0, **options).stdout)


def read_npy(path) -> list[list[float]]:
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00"
    length = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + length].decode(), {"__builtins__": {}})  # a literal dictionary, by the format
    assert header["descr"] == "<f4" and not header["fortran_order"]
    rows, cols = header["shape"]
    values = struct.unpack(f"<{rows * cols}f", data[10 + length:])
    return [list(values[row * cols:(row + 1) * cols]) for row in range(rows)]


class TestCase(unittest.TestCase):
    """A folder that is gone afterwards, with the tiny model in it."""
    model_options: dict = {}

    @classmethod
    def setUpClass(cls):
        if not BINARY:
            raise unittest.SkipTest("LONGSCROLL_BIN is not set")
        cls._folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls._folder.cleanup)
        cls.folder = pathlib.Path(cls._folder.name)
        cls.model = cls.folder / "tiny.gguf"
        tiny_model.write(cls.model, **cls.model_options)

    def write(self, name: str, content: str | bytes) -> pathlib.Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def assert_one_error(self, done: subprocess.CompletedProcess, *words: str):
        """Exit 1, and one line on standard error that says it, with at most its hint."""
        self.assertEqual(done.returncode, 1, done.stderr)
        errors = [line for line in done.stderr.splitlines() if line.startswith("longscroll: [")]
        self.assertEqual(len(errors), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
