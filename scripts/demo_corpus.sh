# Steps 4 to 6 of demo_data.sh, for demo_train.sh too, which has the program and the model already; to be sourced after
# demo_steps.sh, with $model and $out set: `. scripts/demo_corpus.sh [FOLDER]`.

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
