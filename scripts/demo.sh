#!/usr/bin/env bash
# From a fresh Debian or Ubuntu machine to a small model that has read a whole document:
#   1. installs the packages that are missing   2. builds the program
#   3. downloads the default model, once        4. reads the document, sums it up, answers two questions
# Run again, the first three take seconds; the reading is done anew.
# Usage: scripts/demo.sh [OPTION of `longscroll read` …]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/demo_steps.sh

document=docs/readers.md
model=qwen2.5-coder-0.5b
# Each has one right answer, in one place of the text: Miriam Okafor, 1987; and the first word, porphyras, purple.
questions=(
  "Who wrote the Harrow Lane Flood Survey, and in which year?"
  "What did Luke Farritor make out, and what does the word mean?"
)

build_and_pull 4 "$model"
step "4 of 4: reading $document: a summary, then two answers"
run build/release/bin/longscroll read "$document" --model "$model" --no-interactive \
  --question "${questions[0]}" --question "${questions[1]}" "$@"
