#!/usr/bin/env bash
# Installs what is needed, builds, and runs the tests.
#   tests/run.sh [--tree release|asan|tsan] [--jobs N] [CTEST-ARGUMENTS…]
# `release` is everything. `asan` runs the tests of every folder under clang's address and undefined behaviour sanitizers, `tsan`
# those of the folders with threads under its thread sanitizer.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

tree=release
jobs=$(nproc)
while [ $# -gt 0 ]; do
  case "$1" in
    --tree) tree=$2; shift 2 ;;
    --jobs) jobs=$2; shift 2 ;;
    *) break ;;
  esac
done

threaded=(runtime apiserver store http)
targets=(all)
only=()
case "$tree" in
  release) tests/install.sh test ;;
  asan) tests/install.sh ci; targets=(folder_tests fuzzers); only=(-L 'folder|fuzz') ;;
  tsan) tests/install.sh ci; targets=("${threaded[@]/%/_test}"); only=(-R "^($(IFS='|'; echo "${threaded[*]}"))\$") ;;
  *) echo "usage: $0 [--tree release|asan|tsan] [--jobs N] [CTEST-ARGUMENTS…]" >&2; exit 2 ;;
esac

# Quiet unless something goes wrong.
configured=$(cmake --preset "$tree" 2>&1) || { printf '%s\n' "$configured" >&2; exit 1; }
cmake --build --preset "$tree" -j "$jobs" --target "${targets[@]}"
ctest --preset "$tree" -j "$jobs" "${only[@]}" "$@"
