#!/usr/bin/env bash
# From raw texts to packed token shards and a page about them, in under three minutes after the build:
#   1. installs the packages that are missing   2. builds the program   3. downloads a small model, for its tokenizer
#   4. import, clean, dedupe, paragraphs, mix   5. the page             6. the token shards
# The raw texts are this project's documentation and the licences that Debian and Ubuntu come with (some of them twice,
# under two names), or a folder that is given.
# Usage: scripts/demo_data.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/demo_steps.sh

model=smollm2-135m
out=build/demo-data

build_and_pull 6 "$model"
. scripts/demo_corpus.sh "$@"
printf '\nOpen %s/%s/corpus.html in a browser; the shards lie in %s/packed.\n' "$PWD" "$out" "$out" >&2
