"""What the measuring scripts of tools/ share: the program as a Python object, texts, and log softmax. Needs numpy."""
import json
import pathlib
import subprocess

import numpy

CHARACTERS_A_TOKEN = 8  # more than any text has: how much of a text is enough


class Longscroll:
    def __init__(self, program, model, folder):
        self.program, self.model, self.folder = program, model, folder

    def run(self, *arguments):
        done = subprocess.run([self.program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"longscroll {' '.join(arguments)}: {done.returncode}\n{done.stderr}")
        return done.stdout

    def version(self):
        return self.run("--version").strip()

    def path(self):
        if self.model.endswith(".gguf"):
            return pathlib.Path(self.model).resolve()
        for model in json.loads(self.run("models", "--json"))["models"]:
            if model["name"] == self.model and model["path"]:
                return pathlib.Path(model["path"])
        raise SystemExit(f"{self.model}: neither a .gguf file nor a model that `longscroll pull` has fetched")

    def ids(self, text):
        return json.loads(self.run("tokenize", self.model, str(text), "--json"))["ids"]

    def logits(self, ids, flags):
        """float32 [T, vocabulary]."""
        ids_file, out = self.folder / "ids.txt", self.folder / "logits.npy"
        ids_file.write_text(" ".join(map(str, ids)))
        self.run("logits", self.model, "--ids-file", str(ids_file), "--out", str(out), *flags)
        return numpy.load(out)

    def perplexity(self, text, options, flags):
        return json.loads(self.run("perplexity", self.model, str(text), "--json", "--max-tokens", str(options.tokens),
                                   "--ctx", str(options.ctx), "--stride", str(options.stride), *flags))


def read_text(paths, field, characters):
    parts, left = [], characters
    for path in map(pathlib.Path, paths):
        if path.is_dir():
            pieces = (file.read_text() for file in sorted(path.glob("*.txt")))
        elif path.suffix == ".jsonl":
            pieces = (json.loads(line)[field] for line in path.open())
        else:
            pieces = [path.read_text()]
        for piece in pieces:
            if left <= 0:
                break
            parts.append(piece[:left])
            left -= len(piece)
    return "\n\n".join(parts)


def log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - numpy.log(numpy.exp(shifted).sum(axis=1, keepdims=True))
