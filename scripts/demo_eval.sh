#!/usr/bin/env bash
# From a fresh Debian or Ubuntu machine to a needle heat map of a small model, in under ten minutes after the build:
#   1. installs the packages that are missing   2. builds the program
#   3. downloads the default model, once        4. asks nine needle questions, three lengths by three depths
#   5. writes the report
# The haystack is this project's own documentation, the needles are the ones that come with the program. A run that
# was stopped goes on where it was; one that is whole is only shown again.
# Usage: scripts/demo_eval.sh [OPTION of `longscroll eval` …]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/demo_steps.sh

model=qwen2.5-coder-0.5b
# The documentation's own, so that a run over what it was before stays another run.
run=build/demo-eval/run-$(cat docs/*.md | sha256sum | cut -c1-12)
report=build/demo-eval/report

build_and_pull 5 "$model"
step "4 of 5: nine questions"
# NeedleBench keeps 3,000 tokens of each length free in English: the haystacks are 1,000, 3,000 and 5,000 long.
run build/release/bin/longscroll eval needle --model "$model" --data docs --languages en \
  --lengths 4000,6000,8000 --depths 0,50,100 --repeats 1 --out "$run" --resume "$@"
step "5 of 5: the report"
rm -rf "$report"
run build/release/bin/longscroll report "$run" --out "$report"
printf '\nOpen %s/%s/index.html in a browser.\n' "$PWD" "$report" >&2
