#!/usr/bin/env bash
# Puts LibTorch where the build of longscroll-train looks for it: torch's wheel in a virtual environment. Does nothing
# when it is there. The wheel's Python is used by nobody; its C++ libraries and headers are.
#   LONGSCROLL_TORCH      another torch that is there already (the folder that holds share/cmake/Torch): nothing is installed
#   LONGSCROLL_PIP_INDEX  another package index, where the default one's torch is built for other hardware
#   LONGSCROLL_TORCH_SPEC another version (default: torch==2.13.0)
# Usage: scripts/setup_train.sh
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh libopenmpi-dev openmpi-bin

if [ -n "${LONGSCROLL_TORCH:-}" ]; then
  [ -f "$LONGSCROLL_TORCH/share/cmake/Torch/TorchConfig.cmake" ] || {
    echo "setup_train: LONGSCROLL_TORCH must be the folder of torch that holds share/cmake/Torch, is $LONGSCROLL_TORCH" >&2
    exit 1
  }
  exit 0
fi

spec="${LONGSCROLL_TORCH_SPEC:-torch==2.13.0}"
venv=build/torch-venv
installed="$venv/installed"
if [ -f "$installed" ] && [ "$(cat "$installed")" = "$spec" ]; then
  exit 0
fi
echo "setup_train: installing $spec into $venv" >&2
python3 -m venv "$venv"
index=()
[ -n "${LONGSCROLL_PIP_INDEX:-}" ] && index=(--index-url "$LONGSCROLL_PIP_INDEX")
"$venv/bin/pip" install --quiet "${index[@]}" "$spec"
echo "$spec" > "$installed"
