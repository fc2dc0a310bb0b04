#!/usr/bin/env python3
"""Writes evaluation runs with invented answers and scores, to look at report pages with.

Usage: tools/make_example_runs.py DIR     (then: longscroll report DIR/* --out PAGES)

Nothing in them was measured: the label says so. The layout is docs/formats/eval-records.md. Runs: needle (8 lengths,
11 depths, 2 languages, 10 repeats), longbench (21 tasks of 20 items) twice, leval (18 tasks), perplexity, and a run
that has not ended.
"""
import hashlib
import json
import pathlib
import random
import sys

LABEL = "invented-1.9b"
LENGTHS = [9000, 13000, 17000, 21000, 25000, 29000, 31000, 32000]
DEPTHS = [0, 10, 21, 31, 42, 52, 63, 73, 84, 94, 100]
LONGBENCH = {
    "longbench.qa_f1": "narrativeqa qasper multifieldqa_en hotpotqa 2wikimqa musique",
    "longbench.qa_f1.first_line": "triviaqa",
    "longbench.qa_f1_zh": "multifieldqa_zh",
    "longbench.rouge_zh": "dureader vcsum",
    "longbench.rouge": "gov_report qmsum multi_news",
    "longbench.rouge.first_line": "samsum",
    "longbench.classification.first_line": "trec lsht",
    "longbench.count": "passage_count",
    "longbench.retrieval": "passage_retrieval_en",
    "longbench.retrieval_zh": "passage_retrieval_zh",
    "longbench.code_sim": "lcc repobench-p",
}
LEVAL = {
    "coursera": 172, "gsm100": 100, "quality": 202, "tpo": 269, "topic_retrieval_longchat": 150, "financial_qa": 68,
    "gov_report_summ": 14, "legal_contract_qa": 154, "meeting_summ": 177, "multidoc_qa": 158, "narrative_qa": 200,
    "natural_question": 109, "news_summ": 12, "paper_assistant": 69, "patent_summ": 14, "review_summ": 144,
    "scientific_qa": 184, "tv_show_summ": 14,
}
WORDS = "the river committee of long memory found that seven reports were late and no one had read page forty".split()


def record(rng, task, ident, metric, score, **more):
    tokens = more.pop("prompt_tokens", rng.randint(1500, 40000))
    kept = min(tokens, 32768 - 128)
    generated = rng.randint(3, 120)
    prediction = " ".join(rng.choices(WORDS, k=rng.randint(3, 60)))
    made = {
        "task": task, "id": ident, "index": 0,
        "prompt_sha256": hashlib.sha256(f"{task}/{ident}".encode()).hexdigest(),
        "prompt_tokens": kept, "dropped_tokens": tokens - kept,
        "truncation": {"mode": "middle", "kept_first": kept // 2, "kept_last": kept // 2} if kept < tokens else None,
        "prediction": prediction + "\n", "finish": rng.choice(["stop", "stop", "length"]),
        "references": [" ".join(rng.choices(WORDS, k=8)) for _ in range(rng.choice([1, 1, 3]))], "classes": [],
        "metric": metric, "score": round(score, 4), "scored_prediction": prediction, "scored_references": [],
        "parts": {}, "fields": {}, "generated_tokens": generated, "reused_tokens": rng.choice([0, kept // 2, kept - 40]),
        "times": {"prefill_seconds": round(kept / 900, 3), "decode_seconds": round(generated / 14, 3)},
    }
    made.update(more)
    return made


def write(folder, suite, records, **more):
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "format": 1, "program": {"version": "0.1.0 (example)", "kernels": "avx512vnni"},
        "suite": {"name": suite, "version": "1", "sha256": hashlib.sha256(suite.encode()).hexdigest()},
        "protocol": "opencompass", "tasks": list(dict.fromkeys(r["task"] for r in records)), "limit": None, "seed": 0,
        "max_seq_len": 32768, "truncate": "middle", "length_tokenizer": None, "shard": {"index": 0, "count": 1},
        "label": LABEL,
        "model": {"name": LABEL, "sha256": "00" * 32, "architecture": "llama", "parameters": 1900000000,
                  "quantisation": "Q4_K_M", "kv": "q8", "compute": "default",
                  "rope": {"form": "plain", "base": 320000}, "window": 32768, "template": "index"},
        "data": [], "machine": {"cpu": "an example", "threads": 2}, "items": len(records), "state": "complete",
    }
    manifest.update(more)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    with open(folder / "records.jsonl", "w", encoding="utf-8", newline="\n") as file:
        for at, item in enumerate(records):
            file.write(json.dumps({**item, "index": at}, ensure_ascii=False) + "\n")


def needle(rng):
    for language in ("en", "zh"):
        for length in LENGTHS:
            for depth in DEPTHS:
                weak = 0.02 + (0.5 if length == 32000 and depth == 0 else 0.1 if length == 32000 and depth < 50 else 0)
                for repeat in range(10):
                    score = rng.uniform(0.02, 0.2) if rng.random() < weak else 1.0
                    yield record(rng, "single", f"{language}-{length}-{depth}-{repeat}", "needle.v1", score,
                                 prompt_tokens=length + rng.randint(-300, 1200),
                                 fields={"language": language, "length": length, "depth": depth, "repeat": repeat})


def longbench(rng, shift):
    for metric, tasks in LONGBENCH.items():
        for task in tasks.split():
            for i in range(20):
                score = min(1.0, max(0.0, rng.betavariate(1.2, 2) + shift))
                yield record(rng, task, f"{i + 1}", metric, score)


def leval(rng):
    for task, items in LEVAL.items():
        exact = items in (172, 100, 202, 269, 150)
        for i in range(items):
            score = float(rng.random() < 0.42) if exact else rng.betavariate(3, 7)
            metric = "leval.topic" if task.startswith("topic") else "leval.rouge"
            parts = {} if exact else {"rouge1": score, "rouge2": score / 2, "rougeL": score * 0.8}
            yield record(rng, task, f"{i // 5 + 1}.{i % 5 + 1}", "choice.first_capital" if exact else metric, score,
                         parts=parts)


def perplexity(rng):
    for length in (1024, 2048, 4096, 8192, 16384, 32768):
        for window in range(4):
            nats = (2.9 - 0.05 * length.bit_length() + rng.uniform(-0.02, 0.02)) * (length // 2)
            yield record(rng, "perplexity", f"{length}.{window}", "perplexity", 0.0, prompt_tokens=length,
                         choice_log_likelihoods=[-nats], choice_tokens=[length // 2],
                         fields={"length": length, "window": window})


def main():
    folder = pathlib.Path(sys.argv[1])
    write(folder / "needle", "needle", list(needle(random.Random(1))))
    write(folder / "longbench", "longbench", list(longbench(random.Random(2), 0.0)), limit=20)
    write(folder / "longbench-b", "longbench", list(longbench(random.Random(3), 0.04)), limit=20,
          label="invented-1.9b-long-context-chat (KV q4, other template)")
    write(folder / "leval", "leval", list(leval(random.Random(4))))
    write(folder / "perplexity", "perplexity", list(perplexity(random.Random(5))))
    write(folder / "running", "needle", list(needle(random.Random(6)))[:700], state="running", items=1760,
          label="not-ended")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
