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
step "4 of 6: the corpus"
rm -rf "$out"
mkdir -p "$out/raw/licences"
if [ $# -gt 0 ]; then
  inputs="\"$1\""
else
  find docs -name '*.md' -exec cp --parents -t "$out/raw" {} +
  for licence in /usr/share/common-licenses/*; do cp "$licence" "$out/raw/licences/${licence##*/}.txt"; done
  inputs="\"$out/raw/docs\", \"$out/raw/licences\""
fi
cat > "$out/plan.toml" <<PLAN
out = "$out/corpus"
inputs = [$inputs]
steps = ["import", "clean", "dedupe", "paragraphs", "mix"]
tokenizer = "$model"
[clean]
min_alphabetic_words = 0.6  # tables and code are a good part of documentation; by itself 0.8
[mix]
tokens = 1_000_000
max_epochs = 1
PLAN
run build/release/bin/longscroll data run "$out/plan.toml"
step "5 of 6: its page"
run build/release/bin/longscroll data stats "$out/corpus/05-mix" --tokenizer "$model" --html "$out/corpus.html"
step "6 of 6: token shards, as training reads them"
run build/release/bin/longscroll data pack "$model" "$out/corpus/05-mix" --out "$out/packed"
run build/release/bin/longscroll data stats "$out/packed" --window 2048 --check
printf '\nOpen %s/%s/corpus.html in a browser; the shards lie in %s/packed.\n' "$PWD" "$out" "$out" >&2
