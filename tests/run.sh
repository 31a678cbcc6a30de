#!/usr/bin/env bash
# Installs what is needed, builds, and runs the tests.
#   tests/run.sh [--tree release|asan|tsan] [--jobs N] [CTEST-ARGUMENTS…]
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

case "$tree" in
  release) tests/install.sh test ;;
  *) tests/install.sh ci ;;
esac

cmake --preset "$tree" >build-"$tree".log 2>&1 || { cat build-"$tree".log; exit 1; }
rm -f build-"$tree".log
cmake --build --preset "$tree" -j "$jobs"
ctest --preset "$tree" -j "$jobs" "$@"
