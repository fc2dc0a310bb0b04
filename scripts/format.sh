#!/usr/bin/env bash
# The C++ sources in the style of .clang-format.
# Usage: scripts/format.sh           rewrites them
#        scripts/format.sh --check   exit 1 and what differs
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/lint_tools.sh

action=(-i)
if [ "${1:-}" = --check ]; then
  action=(--dry-run -Werror)
elif [ $# -gt 0 ]; then
  echo "usage: scripts/format.sh [--check]" >&2
  exit 2
fi
find src -name '*.cc' -o -name '*.h' | sort | xargs build/lint/bin/clang-format "${action[@]}"
