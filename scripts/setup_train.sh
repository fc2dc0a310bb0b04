#!/usr/bin/env bash
# Puts LibTorch where the build of longscroll-train looks for it: torch's wheel in a virtual environment. Does nothing
# when it is there. The wheel's Python is used by nobody; its C++ libraries and headers are.
#   LONGSCROLL_TORCH      another torch that is there already (the folder that holds share/cmake/Torch): nothing is installed
#   LONGSCROLL_PIP_INDEX  another package index, where the default one's torch is built for other hardware
#   LONGSCROLL_TORCH_SPEC another version (default: torch==2.13.0)
# Usage: scripts/setup_train.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/wheel.sh

scripts/setup.sh libopenmpi-dev openmpi-bin

take_folder LONGSCROLL_TORCH share/cmake/Torch/TorchConfig.cmake && exit 0
install_wheel "${LONGSCROLL_TORCH_SPEC:-torch==2.13.0}" build/torch-venv
