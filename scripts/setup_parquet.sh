#!/usr/bin/env bash
# Puts Arrow where a build with -DLONGSCROLL_PARQUET=ON looks for it: pyarrow's wheel in a virtual environment. Does
# nothing when it is there. The wheel's C++ libraries and headers are what is built with; its Python writes the file of the
# end-to-end test.
#   LONGSCROLL_ARROW      another pyarrow that is there already (the folder that holds include/arrow): nothing is installed
#   LONGSCROLL_PIP_INDEX  another package index
# Usage: scripts/setup_parquet.sh
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -n "${LONGSCROLL_ARROW:-}" ]; then
  [ -f "$LONGSCROLL_ARROW/include/arrow/api.h" ] || {
    echo "setup_parquet: LONGSCROLL_ARROW must be the folder of pyarrow that holds include/arrow, is $LONGSCROLL_ARROW" >&2
    exit 1
  }
  exit 0
fi

spec="pyarrow==25.0.1"
venv=build/arrow-venv
installed="$venv/installed"
if [ -f "$installed" ] && [ "$(cat "$installed")" = "$spec" ]; then
  exit 0
fi
echo "setup_parquet: installing $spec into $venv" >&2
python3 -m venv --clear "$venv"
index=()
[ -n "${LONGSCROLL_PIP_INDEX:-}" ] && index=(--index-url "$LONGSCROLL_PIP_INDEX")
"$venv/bin/pip" install --quiet --only-binary :all: "${index[@]}" "$spec"
echo "$spec" > "$installed"
