#!/usr/bin/env bash
# A small model through all three stages on a CPU, in under ten minutes after the build:
#   1. packages, LibTorch          2. both programs          3. the model, once
#   4. the project's own documentation and licences, cleaned and packed: what `make demo-data` makes
#   5. continued pre-training      6. instructions           7. preferences, each from the model before
#   8. a question to the model that came out, and to the one that went in
#   9. the curves of all three, as a page
# Runs lie in build/demo-train; one that was stopped goes on where it was.
# Usage: scripts/demo_train.sh [--set KEY=VALUE …]   (settings for every stage)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/demo_steps.sh

model=smollm2-135m
work=build/demo-train
corpus=build/demo-data/packed
bin=build/release/bin
question="The harbour office is open from 6 to 14. Boats longer than twelve metres pay double. Showers are beside the café.

What do long boats pay?"

# Stage, recipe, model to begin with, then further settings.
train() {
  local stage=$1 recipe=$2 from=$3
  shift 3
  run "$bin/longscroll-train" "$stage" "$recipe" --resume --set "model.path=$from" --set "run.out=$work/$stage" "$@"
}

step "1 of 9: packages and LibTorch"
run scripts/setup_train.sh
step "2 of 9: the programs"
run cmake --preset release -DLONGSCROLL_TRAIN=ON
run cmake --build --preset release -j "$(nproc)" --target longscroll longscroll-train
step "3 of 9: the model, $model"
run "$bin/longscroll" pull "$model"
step "4 of 9: a corpus of token shards, from raw texts (make demo-data)"
if [ ! -d "$corpus" ]; then (out=build/demo-data; set --; . scripts/demo_corpus.sh); fi
step "5 of 9: continued pre-training, 6 steps of 2,048 tokens"
train pt recipes/smollm2-135m/pt.toml "$model" --set "data.sources.0.path=$corpus" --set evaluation.path= \
  --set evaluation.every=0 --set length.steps=6 --set optimizer.warmup_steps=2 "$@"
step "6 of 9: instructions, loss on the answers alone"
train sft recipes/smollm2-135m/sft.toml "$work/pt/model" "$@"
step "7 of 9: preferences"
train dpo recipes/smollm2-135m/dpo.toml "$work/sft/model" --set length.epochs=2 "$@"
step "8 of 9: a question"
for asked in "$model" "$work/dpo/model"; do
  run "$bin/longscroll" generate "$asked" --chat --prompt "$question" --max-new-tokens 48
  printf '\n'
done
step "9 of 9: curves"
run "$bin/longscroll" report "$work/pt" "$work/sft" "$work/dpo" --out "$work/report"
