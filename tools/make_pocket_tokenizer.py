"""Writes recipes/pocket/model/tokenizer.json: byte-level BPE of 1,024 tokens for the pocket experiments.

Usage: python tools/make_pocket_tokenizer.py CORPUS   (what recipes/pocket/make_corpus.py made; needs `tokenizers`)
"""
import json
import pathlib
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY = 1024
MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def texts(corpus: pathlib.Path):
    for name in ("short/made.jsonl", "short/text.jsonl"):
        for line in (corpus / name).read_text(encoding="utf-8").splitlines():
            yield json.loads(line)["text"]


def main() -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=MARKS,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts(pathlib.Path(sys.argv[1])), trainer)
    out = pathlib.Path(__file__).resolve().parent.parent / "recipes" / "pocket" / "model" / "tokenizer.json"
    tokenizer.save(str(out), pretty=False)


if __name__ == "__main__":
    main()
