#!/usr/bin/env python3
"""Serves a GGUF file by llama.cpp (xllamacpp, of tests/interop/requirements.txt) as an OpenAI-style endpoint, greedy
requests one at a time, until it is stopped. For runs of `longscroll eval --endpoint URL` beside our own engine.

Usage: tools/llama_server.py MODEL.gguf [--port 8089] [--context 32768] [--threads 2]
Prints the URL when the model is loaded.
"""
import argparse
import signal

import xllamacpp


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--port", type=int, default=8089)
    parser.add_argument("--context", type=int, default=32768)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.n_ctx = options.context
    params.n_parallel = 1
    params.warmup = False
    params.fit_params = False
    params.verbosity = 0
    params.port = options.port
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)
    signal.sigwait([signal.SIGINT, signal.SIGTERM])


if __name__ == "__main__":
    main()
