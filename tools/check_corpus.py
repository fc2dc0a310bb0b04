#!/usr/bin/env python3
"""Compares what `longscroll data run` left of a corpus of tools/make_corpus.py with what should be left.

Usage: tools/check_corpus.py FOLDER   (the one that make_corpus.py made, after `longscroll data run FOLDER/plan.toml`)
Needs nothing but Python and libzstd. Exit 1 when one of the bounds below does not hold.

Exact duplicates: all are dropped. Near duplicates: of pairs at a similarity of 0.8 and above at most one stays
(recall at least 0.95). A removal is false when the document was dropped by dedupe and no other of its family is at
0.7 or above: under 0.5% of the documents that should stay. Contamination: all is dropped. The funnel's counts are
those of the documents in the folders.
"""
import collections
import gzip
import json
import pathlib
import sys

import document_shards

STEPS = ("01-import", "02-clean", "03-dedupe", "04-decontaminate")


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    with gzip.open(folder / "truth.jsonl.gz", "rt", encoding="utf-8") as file:
        truth = {entry["id"]: entry for entry in map(json.loads, file)}
    texts = {step: {document["id"]: document["text"] for document in document_shards.read_documents(folder / "steps" / step)}
             for step in STEPS}
    imported, cleaned, deduped, last = (set(texts[step]) for step in STEPS)
    faults = []

    def expect(what: str, holds: bool, found: str):
        print(f"{'ok  ' if holds else 'FAIL'} {what}: {found}")
        if not holds:
            faults.append(what)

    expect("every document is imported", imported == set(truth), f"{len(imported)} of {len(truth)}")
    for reason in ("gopher-few-words", "gopher-hashes", "broken-encoding"):
        wanted = {i for i, entry in truth.items() if entry["fate"] == reason}
        expect(f"clean drops {reason}", not wanted & cleaned, f"{len(wanted - cleaned)} of {len(wanted)}")
    clean = {i for i, entry in truth.items() if entry["kind"] != "clean"}
    expect("clean drops nothing else", len(clean - cleaned) <= 0.002 * len(clean),
           f"{len(clean - cleaned)} of {len(clean)}")
    mojibake = [entry for i, entry in truth.items() if entry["kind"] == "mojibake" and i in cleaned]
    mended = sum(texts["02-clean"][entry["id"]].startswith(entry["mended"][:50]) for entry in mojibake)
    expect("mojibake is mended", mended == len(mojibake), f"{mended} of {len(mojibake)}")
    navigation = [i for i, entry in truth.items() if entry["kind"] == "navigation" and i in cleaned]
    left = sum("| Contact" in texts["02-clean"][i] or "| 联系" in texts["02-clean"][i] for i in navigation)
    expect("navigation is taken out", left == 0, f"left in {left} of {len(navigation)}")

    pairs = [(i, entry) for i, entry in truth.items() if "original" in entry and {i, entry["original"]} <= cleaned]
    exact = [pair for pair in pairs if pair[1]["fate"] == "exact"]
    found = sum(not (i in deduped and entry["original"] in deduped) for i, entry in exact)
    expect("exact duplicates", found == len(exact), f"{found} of {len(exact)}")
    near = [pair for pair in pairs if pair[1]["fate"] == "near"]
    found = sum(not (i in deduped and entry["original"] in deduped) for i, entry in near)
    expect("near duplicates at 0.8 and above, recall at least 0.95", found >= 0.95 * len(near),
           f"{found} of {len(near)}, {found / max(1, len(near)):.4f}")
    by_similarity = collections.Counter()
    dropped_at = collections.Counter()
    for i, entry in pairs:
        if "similarity" in entry:
            step = min(19, int(entry["similarity"] * 20)) / 20
            by_similarity[step] += 1
            dropped_at[step] += not (i in deduped and entry["original"] in deduped)
    for step in sorted(by_similarity):
        print(f"       similarity {step:.2f} and above: {dropped_at[step]} of {by_similarity[step]} dropped")
    has_near = {i for i, entry in pairs if entry.get("similarity", 1) >= 0.7}
    has_near |= {entry["original"] for i, entry in pairs if entry.get("similarity", 1) >= 0.7}
    removed = (cleaned - deduped) - has_near
    expect("false removals, under 0.5%", len(removed) < 0.005 * len(cleaned), f"{len(removed)} of {len(cleaned)}")

    contaminated = {i for i, entry in truth.items() if entry["fate"] == "contaminated" and i in deduped}
    expect("contamination", not contaminated & last, f"{len(contaminated - last)} of {len(contaminated)}")
    others = deduped - contaminated
    expect("nothing else is taken for contaminated", others <= last, f"{len(others - last)} of {len(others)}")

    for before, step in zip((None,) + STEPS, STEPS):
        manifest = json.loads((folder / "steps" / step / "manifest.json").read_text(encoding="utf-8"))
        out = sum(tally["documents"] for tally in manifest["out"].values())
        dropped = sum(tally["documents"] for tally in manifest["dropped"].values())
        came = len(texts[before]) if before else len(truth)
        expect(f"funnel of {step}", out == len(texts[step]) and dropped == came - out, f"{came} - {dropped} = {out}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
