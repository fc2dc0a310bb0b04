#!/usr/bin/env python3
"""Times OpenVINO GenAI as `longscroll bench` times Longscroll, and prints an object of the same fields (docs/json.md).

Usage: bench/time_openvino.py MODEL_DIR --lengths 2048 --depths 2048 [--threads 2] [--repeats 1]

MODEL_DIR holds OpenVINO's form of a model, as optimum-intel writes it (bench/peers.sh). Its own defaults but for what
was found fastest: 2,048 tokens a step, keys and values in 8 bits, no prefix cache. Needs openvino-genai.
"""
import argparse
import json
import resource
import statistics
import time

import numpy
import openvino
import openvino_genai

STEP, CACHE_GB, WARM_UP, LOWEST_ID, VOCAB = 2048, 2, 64, 5, 32000


class Pipeline:
    def __init__(self, path, threads):
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.max_num_batched_tokens, scheduler.cache_size = STEP, CACHE_GB
        scheduler.enable_prefix_caching, scheduler.max_num_seqs = False, 1
        properties = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "KV_CACHE_PRECISION": "u8"}
        self.pipeline = openvino_genai.ContinuousBatchingPipeline(path, scheduler, "CPU", properties)
        self.requests = 0

    def run(self, ids, new_tokens):
        """Seconds until the first new token, and of each one after it."""
        config = openvino_genai.GenerationConfig()
        config.max_new_tokens, config.ignore_eos, config.do_sample = new_tokens, True, False
        handle = self.pipeline.add_request(self.requests, openvino.Tensor(ids.reshape(1, -1)), config)
        self.requests += 1
        prefill, decode, answering = 0.0, [], False
        while self.pipeline.has_non_finished_requests():
            start = time.perf_counter()
            self.pipeline.step()
            seconds = time.perf_counter() - start
            if answering:
                decode.append(seconds)
            else:
                prefill += seconds
            if handle.can_read():
                handle.read()
                answering = True
        return prefill, decode


def lengths(text):
    return [int(part) for part in text.split(",") if part]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--lengths", type=lengths, default=[])
    parser.add_argument("--depths", type=lengths, default=[])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--decode-tokens", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    pipeline = Pipeline(options.model, options.threads)
    wanted = sorted(set(options.lengths) | {max(depth, 1) for depth in options.depths})
    ids = numpy.random.default_rng(1).integers(LOWEST_ID, VOCAB, max(wanted), dtype=numpy.int64)
    pipeline.run(ids[:WARM_UP], 2)
    prefill, decode = [], []
    for length in wanted:
        runs = [pipeline.run(ids[:length], options.decode_tokens + 1) for _ in range(options.repeats)]
        seconds = [run[0] for run in runs]
        milliseconds = [statistics.mean(run[1]) * 1e3 for run in runs]
        if length in options.lengths:
            prefill.append({"length": length, "seconds": statistics.median(seconds), "repeats": seconds})
        for depth in options.depths:
            if max(depth, 1) == length:
                decode.append({"depth": depth, "ms_per_token": statistics.median(milliseconds), "repeats": milliseconds})
    print(json.dumps({
        "model": options.model, "threads": options.threads, "kv": "u8", "version": openvino_genai.__version__,
        "build": openvino.__version__, "prefill": prefill, "decode": decode, "decode_tokens": options.decode_tokens,
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}, indent=2))


if __name__ == "__main__":
    main()
