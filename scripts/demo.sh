#!/usr/bin/env bash
# From a fresh Debian or Ubuntu machine to a small model that has read a whole document:
#   1. installs the packages that are missing   2. builds the program
#   3. downloads the default model, once        4. reads the document, sums it up, answers two questions
# Run again, the first three take seconds; the reading is done anew.
# Usage: scripts/demo.sh [OPTION of `longscroll read` …]
set -euo pipefail
cd "$(dirname "$0")/.."

document=docs/readers.md
model=qwen2.5-coder-0.5b
# Each has one right answer, in one place of the text: Miriam Okafor, 1987; and the first word, porphyras, purple.
questions=(
  "Who wrote the Harrow Lane Flood Survey, and in which year?"
  "What did Luke Farritor make out, and what does the word mean?"
)

step() { printf '\n== %s\n' "$*" >&2; }

# Shows a command as it can be typed again, then runs it.
run() {
  printf '$' >&2
  local word
  for word in "$@"; do
    if [[ "$word" =~ ^[A-Za-z0-9_./:=+-]+$ ]]; then printf ' %s' "$word" >&2; else printf " %s" "${word@Q}" >&2; fi
  done
  printf '\n' >&2
  "$@"
}

step "1 of 4: packages that the build needs"
run scripts/setup.sh
step "2 of 4: the program"
run make --no-print-directory build
step "3 of 4: the model, $model"
run build/release/bin/longscroll pull "$model"
step "4 of 4: reading $document: a summary, then two answers"
run build/release/bin/longscroll read "$document" --model "$model" --no-interactive \
  --question "${questions[0]}" --question "${questions[1]}" "$@"
