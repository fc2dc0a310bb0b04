#!/usr/bin/env bash
# Builds and runs tests under the sanitizers: what each preset builds and runs is in CMakePresets.json.
#
# asan-ubsan: every unit test, and the end-to-end tests of hostile files.
# tsan: only the layers whose tests run threads (THREADED in their CMakeLists.txt). All threads are those
# of base/thread_pool, which the engine alone uses; elsewhere it would find nothing, at many times the cost.
# Usage: scripts/sanitize.sh
set -euo pipefail
cd "$(dirname "$0")/.."
jobs="${JOBS:-$(nproc)}"

# GCC 12's thread sanitizer ends at start, now and then, where the kernel spreads addresses over more bits
# than it knows (vm.mmap_rnd_bits above 28, as Ubuntu has it). Without that spreading it always runs; a
# container may forbid to switch it off, and most of those need not.
fixed_addresses=(setarch "$(uname -m)" --addr-no-randomize)
if ! "${fixed_addresses[@]}" true 2>/dev/null; then
  echo "sanitize: addresses stay randomised here; if tsan ends with 'unexpected memory mapping'," \
    "run: sysctl vm.mmap_rnd_bits=28" >&2
  fixed_addresses=()
fi

export UBSAN_OPTIONS=print_stacktrace=1
# GCC 12 lays frames that outlive their call on 32 bytes where vectors need 64 (GCC bug 110027), so uses of the
# stack after a return are not looked for.
export ASAN_OPTIONS=detect_stack_use_after_return=0
for preset in asan-ubsan tsan; do
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset"
  cmake --build --preset "$preset" -j "$jobs"
  "${fixed_addresses[@]}" ctest --preset "$preset" -j "$jobs"
done
