#!/usr/bin/env bash
# Puts Arrow where a build with -DLONGSCROLL_PARQUET=ON looks for it: pyarrow's wheel in a virtual environment. Does
# nothing when it is there. The wheel's C++ libraries and headers are what is built with; its Python writes the file of the
# end-to-end test.
#   LONGSCROLL_ARROW      another pyarrow that is there already (the folder that holds include/arrow): nothing is installed
#   LONGSCROLL_PIP_INDEX  another package index
# Usage: scripts/setup_parquet.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/wheel.sh

take_folder LONGSCROLL_ARROW include/arrow/api.h && exit 0
install_wheel "pyarrow==25.0.1" build/arrow-venv --only-binary :all:
