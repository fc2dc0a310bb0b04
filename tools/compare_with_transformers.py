#!/usr/bin/env python3
"""How close Longscroll's logits on a real model come to transformers', which reads the same GGUF file widened to
float32. Run by hand; docs/benchmarks/accuracy.md holds the figures.

Both sides get the ids that `longscroll tokenize` makes of a text, in the windows of `longscroll perplexity`
(docs/json.md). Compared over every position that predicts a token of the text:
  exact path (--compute f32)  the largest difference of a logit as a share of the largest logit (at most 1e-3), and
                              perplexity, equal to 4 digits: by the command, from our logits, from transformers'
  default path                the same figures, the share of positions with the same likeliest token (at least 97%)
                              and the mean KL divergence from transformers' distribution to ours, in nats
With --float64, transformers runs once more in float64 throughout, rotary angles included, and says which side's
rounding a difference comes from. With --bf16-embedding-scale, for Gemma, transformers multiplies embeddings by the
square root of the width rounded to bfloat16: so does the published model, and so does Longscroll for what was
quantised from it, whereas transformers that reads a GGUF file as float32 does not.

Usage: tools/compare_with_transformers.py MODEL TEXT … [--longscroll PATH] [--tokens 2001] [--ctx 2048]
           [--stride 1024] [--float64] [--bf16-embedding-scale] [--json] [-- FLAG …]

MODEL is a .gguf file or a name from `longscroll models` that was pulled. TEXT is a text file, or a .jsonl file of
which the field --field of the first rows is read. Flags after -- go to the default path. Exit code 1: a bound was
missed. Needs torch, transformers 5, gguf, sentencepiece and accelerate; up to 12 GB of memory for a vocabulary of
152,000 and 2,001 tokens, without --float64.
"""
import argparse
import contextlib
import datetime
import json
import math
import os
import pathlib
import sys
import tempfile
from unittest import mock

os.environ["TQDM_DISABLE"] = "1"  # read when transformers is imported

import gguf
import numpy
import torch
import transformers

from longscroll_program import CHARACTERS_A_TOKEN, Longscroll, log_softmax
from make_tiny_checkpoints import exact_rotary

MAX_DIFFERENCE, MIN_TOP1, PERPLEXITY_DIGITS = 1e-3, 0.97, 4
ROWS = 128  # positions compared at once: float64 copies of all would not fit


class Transformers:
    def __init__(self, path, bf16_embedding_scale):
        # True float32: no bfloat16 or TF32 inside a product.
        torch.set_float32_matmul_precision("highest")
        torch.backends.mkldnn.matmul.fp32_precision = "ieee"
        self.path = path
        self.model = transformers.AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="sdpa").eval()
        self.check_rope_base()
        if bf16_embedding_scale:
            embedding = self.model.model.embed_tokens
            embedding.embed_scale = embedding.embed_scale.to(torch.bfloat16).float()

    def check_rope_base(self):
        """Keys of the file that transformers does not know are dropped without a word."""
        field = next(f for name, f in gguf.GGUFReader(self.path).fields.items() if name.endswith("rope.freq_base"))
        parameters = self.model.config.rope_parameters
        parameters = parameters.get("full_attention", parameters)
        if parameters["rope_theta"] != field.contents() or parameters["rope_type"] != "default":
            raise SystemExit(f"{self.path}: transformers reads its rope as {parameters}, base {field.contents()}")

    def ids(self, text):
        tokenizer = transformers.AutoTokenizer.from_pretrained(self.path.parent, gguf_file=self.path.name)
        return tokenizer(text.read_bytes().decode("utf-8"), verbose=False)["input_ids"]

    def logits(self, ids):
        with torch.inference_mode():
            return self.model(torch.tensor([ids]), use_cache=False).logits[0].numpy()

    @contextlib.contextmanager
    def in_float64(self):
        """Where the model's code asks for float32 (norms, softmax, angles), it gets float64."""
        self.model.double()
        rotary = type(self.model.model.rotary_emb)
        with mock.patch.object(rotary, "forward", exact_rotary), mock.patch.object(torch, "float32", torch.float64), \
                mock.patch.object(torch.Tensor, "float", torch.Tensor.double):
            yield
        # Loses nothing: the weights came from float32. transformers' own float() refuses a model read from GGUF.
        torch.nn.Module.float(self.model)


def windows(count, ctx, stride):
    """(first id read, ids read, first token predicted): as `longscroll perplexity` reads a text."""
    target = 1
    while target < count:
        last = min(ctx if target == 1 else target + stride - 1, count - 1)
        begin = max(0, last - ctx)
        yield begin, last - begin, target
        target = last + 1


class Comparison:
    """Sums over positions. Differences are those of `ours` from `reference`, float arrays [T, vocabulary]."""

    def __init__(self):
        self.count = self.same_top = 0
        self.difference = self.largest = self.divergence = self.nll = self.reference_nll = 0.0

    def add(self, ours, reference, targets):
        for start in range(0, len(targets), ROWS):
            rows = slice(start, min(start + ROWS, len(targets)))
            self.add_rows(ours[rows].astype(numpy.float64), reference[rows].astype(numpy.float64), targets[rows])

    def add_rows(self, ours, reference, targets):
        self.difference = max(self.difference, float(numpy.abs(ours - reference).max()))
        self.largest = max(self.largest, float(numpy.abs(reference).max()))
        self.same_top += int((ours.argmax(axis=1) == reference.argmax(axis=1)).sum())
        log_p, log_q = log_softmax(reference), log_softmax(ours)
        self.divergence += float((numpy.exp(log_p) * (log_p - log_q)).sum())
        each = numpy.arange(len(targets))
        self.nll -= float(log_q[each, targets].sum())
        self.reference_nll -= float(log_p[each, targets].sum())
        self.count += len(targets)

    def figures(self):
        return {"positions": self.count, "difference": self.difference / self.largest,
                "perplexity": math.exp(self.nll / self.count),
                "reference_perplexity": math.exp(self.reference_nll / self.count),
                "top1": self.same_top / self.count, "kl": self.divergence / self.count}


def compare(ids, options, ours, reference):
    """`ours` maps a name to a function from ids to logits; so is `reference` one. A Comparison for each name."""
    comparisons = {name: Comparison() for name in ours}
    for begin, length, target in windows(len(ids), options.ctx, options.stride):
        read = ids[begin:begin + length]
        first = target - begin - 1  # the position that predicts the first target
        targets = numpy.array(ids[target:begin + length + 1])
        expected = reference(read)[first:]
        for name, logits in ours.items():
            comparisons[name].add(logits(read)[first:], expected, targets)
    return {name: comparison.figures() for name, comparison in comparisons.items()}


def equal_digits(a, b):
    return abs(a - b) <= 0.5 * 10.0 ** (1 - PERPLEXITY_DIGITS) * 10.0 ** math.floor(math.log10(b))


def missed_bounds(exact, default):
    missed = []
    if exact["difference"] > MAX_DIFFERENCE:
        missed.append(f"exact path: largest difference {exact['difference']:.2e}, must be at most {MAX_DIFFERENCE:g}")
    for name in ("perplexity", "command_perplexity"):
        if not equal_digits(exact[name], exact["reference_perplexity"]):
            missed.append(f"exact path: {name} {exact[name]:.6g}, transformers' {exact['reference_perplexity']:.6g}")
    if not equal_digits(default["command_perplexity"], default["perplexity"]):
        missed.append(f"default path: perplexity {default['command_perplexity']:.6g} by the command, "
                      f"{default['perplexity']:.6g} from logits")
    if default["top1"] < MIN_TOP1:
        missed.append(f"default path: top-1 agreement {default['top1']:.4f}, must be at least {MIN_TOP1}")
    return missed


def text_file(path, options, folder):
    """The text as a file that both sides can read whole."""
    path = pathlib.Path(path)
    if path.suffix != ".jsonl":
        return path
    parts, length = [], 0
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            parts.append(json.loads(line)[options.field])
            length += len(parts[-1])
            if length >= options.tokens * CHARACTERS_A_TOKEN:
                break
    out = folder / (path.stem + ".txt")
    out.write_text("\n\n".join(parts), encoding="utf-8")
    return out


def tokenizer_note(ours, theirs):
    if ours == theirs:
        return "the same ids"
    first = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
    return f"other ids from position {first} on ({len(ours)} ids here, {len(theirs)} there)"


def compare_text(path, options, longscroll, reference, folder):
    text = text_file(path, options, folder)
    all_ids = longscroll.ids(text)
    ids = all_ids[:options.tokens]
    if len(ids) < options.tokens:
        raise SystemExit(f"{path}: must have {options.tokens} tokens, found {len(ids)}")
    flags = {"exact": ["--compute", "f32"], "default": options.flags}
    ours = {name: lambda read, flags=flags[name]: longscroll.logits(read, flags) for name in flags}
    row = {"text": pathlib.Path(path).name, "tokens": len(ids),
           "tokenizer": tokenizer_note(all_ids, reference.ids(text)),
           **compare(ids, options, ours, reference.logits)}
    for name in flags:
        row[name]["command_perplexity"] = longscroll.perplexity(text, options, flags[name])["perplexity"]
    if options.float64:
        float32 = {}  # by window, since in_float64 changes the model
        for begin, length, _ in windows(len(ids), options.ctx, options.stride):
            read = ids[begin:begin + length]
            float32[tuple(read)] = reference.logits(read)
        with reference.in_float64():
            against = compare(ids, options, {"exact": ours["exact"], "transformers": lambda r: float32[tuple(r)]},
                              reference.logits)
        row["from_float64"] = {name: figures["difference"] for name, figures in against.items()}
    row["missed"] = missed_bounds(row["exact"], row["default"])
    return row


def print_rows(report):
    for key in ("model", "date", "command", "longscroll", "versions"):
        print(f"{key}: {report[key]}")
    print(f"\n{'text':<24} {'path':<8} {'difference':>10} {'perplexity':>10} {'command':>10} {'transformers':>12} "
          f"{'top-1':>7} {'mean KL':>9}")
    for row in report["texts"]:
        for path in ("exact", "default"):
            cells = row[path]
            print(f"{row['text'][:24]:<24} {path:<8} {cells['difference']:>10.2e} {cells['perplexity']:>#10.5g} "
                  f"{cells['command_perplexity']:>#10.5g} {cells['reference_perplexity']:>#12.5g} "
                  f"{cells['top1']:>7.2%} {cells['kl']:>9.2e}")
    print()
    for row in report["texts"]:
        print(f"{row['text']}: {row['exact']['positions']} positions; transformers' own tokenizer gives "
              f"{row['tokenizer']}")
        for name, difference in row.get("from_float64", {}).items():
            print(f"  {name} from float64: {difference:.2e}")
        for missed in row["missed"]:
            print(f"  MISSED: {missed}")


def parse_options():
    arguments = sys.argv[1:]
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("texts", nargs="+", metavar="TEXT")
    parser.add_argument("--longscroll", default="build/release/bin/longscroll")
    parser.add_argument("--tokens", type=int, default=2001, help="of each text; the first has nothing to predict it")
    parser.add_argument("--ctx", type=int, default=2048)
    parser.add_argument("--stride", type=int, default=1024)
    parser.add_argument("--field", default="context", help="of a .jsonl file's rows")
    parser.add_argument("--float64", action="store_true")
    parser.add_argument("--bf16-embedding-scale", action="store_true")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = parser.parse_args(arguments[:cut])
    options.flags = arguments[cut + 1:]
    return options


def main():
    options = parse_options()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        longscroll = Longscroll(options.longscroll, options.model, folder)
        reference = Transformers(longscroll.path(), options.bf16_embedding_scale)
        rows = [compare_text(text, options, longscroll, reference, folder) for text in options.texts]
        versions = {module.__name__: module.__version__ for module in (torch, transformers, numpy)}
        report = {"model": options.model, "date": datetime.date.today().isoformat(),
                  "command": " ".join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]),
                  "longscroll": longscroll.version(), "versions": versions, "ctx": options.ctx,
                  "stride": options.stride, "texts": rows}
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        print_rows(report)
    return 1 if any(row["missed"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
