#!/usr/bin/env bash
# Makes what `make bench` compares with: llama.cpp and OpenVINO GenAI, each in a virtual environment of its own, and
# the same weights in the form of each; then runs bench/compare.py over the cases.
# Usage: bench/peers.sh WORK_DIR [CASE …]   (cases: index4-q4 index4-q8 qwen; 10 to 20 minutes and 8 GB at first)
# ROUNDS, LENGTHS ("512,2048,…") and DEPTHS change what is measured, LONGSCROLL the program. Needs a quiet machine.
# A run that was cut goes on with the rounds that it finished.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
"$here/scripts/setup.sh" gnuplot-nox
work=$(mkdir -p "$1" && cd "$1" && pwd)
shift
cases=("${@:-index4-q4}")
longscroll=${LONGSCROLL:-$here/build/release/bin/longscroll}
# "32K" less the 64 tokens that decode there and must fit into the window too: one reading serves both.
lengths=${LENGTHS:-512,2048,4096,8192,16384,32704}
depths=${DEPTHS:-0,4096,32704}

llama=$work/llama/bin/python
if [ ! -x "$llama" ]; then
  python3 -m venv "$work/llama"
  CMAKE_ARGS=-DGGML_NATIVE=ON "$work/llama/bin/pip" install -q --no-binary llama_cpp_python \
    llama_cpp_python==0.3.36 gguf==0.19.0 numpy
fi
openvino=$work/openvino/bin/python
if [ ! -x "$openvino" ]; then
  python3 -m venv "$work/openvino"
  "$work/openvino/bin/pip" install -q torch==2.13.0 openvino-genai==2026.4.1.0 nncf==3.4.0 \
    optimum-intel==2.2.0 sentencepiece==0.2.1 protobuf==6.33.1  # the last two to read tokenizer.model
  # Where it comes along it is another build than torch's, and breaks the import.
  "$work/openvino/bin/pip" uninstall -y -q torchvision || true
fi

# The weights of NAME.gguf as OpenVINO's int4 and int8, by way of a Hugging Face directory. A directory gets its
# name when it is whole.
to_openvino() {
  local gguf=$1 name=$2 bits made
  [ -d "$work/$name-hf" ] || "$longscroll" convert "$gguf" "$work/$name-hf" --to hf --type bf16
  for bits in 4 8; do
    made=$work/$name-int$bits
    [ ! -d "$made" ] || continue
    rm -rf "$made.part"
    "$openvino" "$here/bench/export_openvino.py" "$work/$name-hf" "$made.part" --bits "$bits"
    mv "$made.part" "$made"
  done
}

case_file() {
  local title=$1 gguf=$2 name=$3 until=$4
  python3 - "$title" "$gguf" "$work/$name" "$until" "$lengths" "$depths" "$longscroll" "$llama" "$openvino" \
    "$here/bench" <<'PYTHON'
import json, sys
title, gguf, stem, until, lengths, depths, ours, llama, openvino, bench = sys.argv[1:]
timer = [llama, f"{bench}/time_llama.py", gguf]
print(json.dumps({
    "title": title, "lengths": [int(part) for part in lengths.split(",")],
    "depths": [int(part) for part in depths.split(",")], "longscroll": [ours, "bench", gguf],
    "peers": {"llama.cpp": {"f16 keys and values": timer, "flash attention": [*timer, "--flash-attention"]},
              "OpenVINO": {f"int{bits}": [openvino, f"{bench}/time_openvino.py", f"{stem}-int{bits}"]
                           for bits in (4, 8)}},
    "until": json.loads(until)}))
PYTHON
}

compare() {
  case_file "$1" "$2" "$3" "$5" > "$work/$4.json"
  "$here/bench/compare.py" "$work/$4.json" --rounds "${ROUNDS:-3}" --keep "$work/$4.rounds.json" \
    --out "$here/docs/benchmarks/$(date +%Y-%m-%d)-$4"
}

index_shape() {
  local gguf=$work/index4-$1.gguf
  [ -f "$gguf" ] || "$llama" "$here/tools/make_index_shape_gguf.py" "$gguf" --type "$1"
  to_openvino "$work/index4-q8_0.gguf" index4
  # Found at 4,096 and 8,192 tokens: llama.cpp's flash attention reads 3 and 12% slower and decodes 1.7 and 2.1
  # times slower; OpenVINO's int4 reads as fast as int8 and, at 32K, slower (74 s for 64).
  compare "Index-1.9B's shape, 4 of 36 layers, $1" "$gguf" index4 "index4-$1" \
    '{"flash attention": 4096, "int4": 4096}'
}

for case in "${cases[@]}"; do
  case $case in
    index4-q4) [ -f "$work/index4-q8_0.gguf" ] ||
        "$llama" "$here/tools/make_index_shape_gguf.py" "$work/index4-q8_0.gguf" --type q8_0
      index_shape q4_0 ;;
    index4-q8) index_shape q8_0 ;;
    qwen)
      qwen=$("$longscroll" pull qwen2.5-coder-0.5b)
      to_openvino "$qwen" qwen
      # Found at 2,048 and 8,192 tokens: llama.cpp reads 1.2 and 1.3 times slower without flash attention.
      compare "Qwen2.5-Coder-0.5B-Instruct, Q4_K_M" "$qwen" qwen qwen2.5-coder-0.5b \
        '{"f16 keys and values": 4096}' ;;
    *) echo "peers: no case is called $case: index4-q4 index4-q8 qwen" >&2; exit 2 ;;
  esac
done
