#!/usr/bin/env bash
# Installs the pinned clang-format and clang-tidy into build/lint; does nothing when they are there.
# Usage: scripts/lint_tools.sh
set -euo pipefail
cd "$(dirname "$0")/.."

venv=build/lint
wanted=tools/lint-requirements.txt
if cmp -s "$wanted" "$venv/installed.txt"; then
  exit 0
fi
echo "lint_tools: installing $(grep -v '^#' "$wanted" | tr '\n' ' ')into $venv" >&2
mkdir -p build
python3 -m venv --clear "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: -r "$wanted"
cp "$wanted" "$venv/installed.txt"
