#!/usr/bin/env python3
"""Speed of `longscroll data clean` and `data dedupe` beside datatrove's pipelines for the same, a core each, in turn.

Usage: bench/corpus_datatrove.py DATA --work FOLDER [--megabytes 3] [--rounds 3] [--binary build/release/bin/longscroll]
Needs datatrove with its text processing (pip install "datatrove[processing]" nltk spacy). DATA is a folder of text and
JSONL files (../shared/data), cut into documents as tools/compare_gopher.py does; the first that make up so many MB of text
are taken. Clean is Gopher's rules of quality and repetition, in longscroll all else that clean does by itself too (repair,
navigation, language). Dedupe is MinHash over 5-grams of words, with each program's own number of hashes. Both read and
write compressed JSON lines. Time is the processor's, of the whole process from its start: what a core to itself would
take but for waiting for the disk, also where others compute beside it.
"""
import argparse
import gzip
import json
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
from compare_gopher import documents_of  # noqa: E402


def datatrove(step: str, source: pathlib.Path, out: pathlib.Path):
    """In a process of its own: the pipeline on one worker."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter,
                                          MinhashDedupSignature)
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    def run(name: str, *steps, tasks: int = 1):
        LocalPipelineExecutor(pipeline=list(steps), tasks=tasks, workers=1, logging_dir=str(out / "logs" / name)).run()

    reader = JsonlReader(str(source))
    writer = JsonlWriter(str(out / "kept"))
    if step == "clean":
        run("clean", reader, GopherRepetitionFilter(), GopherQualityFilter(max_doc_words=None), writer)
        return
    folder = {name: str(out / name) for name in ("signatures", "buckets", "remove")}
    run("signatures", reader, MinhashDedupSignature(output_folder=folder["signatures"]))
    run("buckets", MinhashDedupBuckets(input_folder=folder["signatures"], output_folder=folder["buckets"]), tasks=14)
    run("cluster", MinhashDedupCluster(input_folder=folder["buckets"], output_folder=folder["remove"]))
    run("filter", reader, MinhashDedupFilter(input_folder=folder["remove"]), writer)


def processor_seconds(command: list) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*map(str, command)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    if sys.argv[1] == "--pipeline":
        return datatrove(sys.argv[2], *map(pathlib.Path, sys.argv[3:]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--megabytes", type=float, default=3)
    parser.add_argument("--steps", nargs="+", default=["clean", "dedupe"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--binary", default="build/release/bin/longscroll")
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    (options.work / "raw").mkdir(parents=True)
    size, count = 0, 0
    with gzip.open(options.work / "raw" / "0.jsonl.gz", "wt", encoding="utf-8") as file:
        for number, text in enumerate(documents_of(options.data, 1 << 30)):
            if size >= options.megabytes * 1e6:
                break
            file.write(json.dumps({"id": str(number), "text": text}) + "\n")
            size, count = size + len(text.encode()), count + 1
    print(f"{count} documents, {size / 1e6:.2f} MB of text")
    processor_seconds([options.binary, "data", "import", options.work / "raw", "--out", options.work / "import"])
    for step in options.steps:
        seconds = {"longscroll": [], "datatrove": []}
        for _ in range(options.rounds):
            out = options.work / "ours"
            shutil.rmtree(out, ignore_errors=True)
            seconds["longscroll"].append(processor_seconds([options.binary, "data", step, options.work / "import",
                                                            "--out", out, "--workers", 1]))
            out = options.work / "theirs"
            shutil.rmtree(out, ignore_errors=True)
            seconds["datatrove"].append(processor_seconds([sys.executable, __file__, "--pipeline", step,
                                                           options.work / "raw", out]))
        rounded = {name: [round(one, 2) for one in found] for name, found in seconds.items()}
        ours, theirs = (statistics.median(found) for found in seconds.values())
        print(f"{step}: longscroll {size / 1e6 / ours:.2f} MB/s, datatrove {size / 1e6 / theirs:.3f} MB/s, "
              f"{theirs / ours:.1f} times; seconds {rounded}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
