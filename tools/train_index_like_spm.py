#!/usr/bin/env python3
"""Trains the small tokenizers of tests/golden/tokenizers on our own text, tools/bilingual_text.txt.

  index_like.model       SentencePiece BPE with byte fallback and Index's reserved ids 0 to 4
  bpe_qwen2_like.json    byte-level BPE, Qwen2's pattern and NFC
  bpe_llama3_like.json   byte-level BPE, Llama 3's pattern, ignore_merges, BOS

Usage: train_index_like_spm.py OUT_DIR    (needs: pip install sentencepiece tokenizers)
"""
import pathlib
import sys

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TEXT = pathlib.Path(__file__).resolve().parent / "bilingual_text.txt"

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = CONTRACTIONS + r"\p{N}" + REST
LLAMA3 = CONTRACTIONS + r"\p{N}{1,3}" + REST


def train_index_like(out: pathlib.Path) -> None:
    sentencepiece.SentencePieceTrainer.train(
        input=str(TEXT), model_prefix=str(out / "index_like"), model_type="bpe", vocab_size=2000,
        byte_fallback=True, character_coverage=1.0, split_digits=True, normalization_rule_name="identity",
        remove_extra_whitespaces=False, add_dummy_prefix=True, allow_whitespace_only_pieces=True,
        unk_id=0, bos_id=1, eos_id=2, pad_id=-1, control_symbols=["reserved_0", "reserved_1"],
        num_threads=1, minloglevel=2)
    (out / "index_like.vocab").unlink()


def train_nfkc(out: pathlib.Path) -> None:
    """Unigram with SentencePiece's own defaults: NFKC table, dummy prefix, extra white space removed."""
    sentencepiece.SentencePieceTrainer.train(
        input=str(TEXT), model_prefix=str(out / "unigram_nfkc"), model_type="unigram", vocab_size=1000,
        character_coverage=0.98, user_defined_symbols=["<turn>"], num_threads=1, minloglevel=2)
    (out / "unigram_nfkc.vocab").unlink()


def train_bpe(out: pathlib.Path, name: str, pattern: str, special: list, *, nfc: bool, ignore_merges: bool,
              bos: str | None) -> None:
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if nfc:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=1500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  show_progress=False)
    tokenizer.train([str(TEXT)], trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    # One that takes white space along, and one that is matched after normalisation.
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False), AddedToken("<gap>", lstrip=True, rstrip=True,
                                                                             normalized=False),
                          AddedToken("caf\u00e9s", normalized=True)])
    if bos:
        tokenizer.post_processor = processors.Sequence([
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))])])
    (out / f"{name}.json").write_text(tokenizer.to_str(pretty=False), encoding="utf-8")


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    out = pathlib.Path(sys.argv[1])
    train_index_like(out)
    train_nfkc(out)
    train_bpe(out, "bpe_qwen2_like", QWEN2, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], nfc=True,
              ignore_merges=False, bos=None)
    train_bpe(out, "bpe_llama3_like", LLAMA3,
              ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], nfc=False,
              ignore_merges=True, bos="<|begin_of_text|>")
    return 0


if __name__ == "__main__":
    sys.exit(main())
