#!/usr/bin/env bash
# Measures the figures that Midwatch promises, with the real programs, and says what ran beside.
#   tests/bench/run.sh [NAME…] [--json FILE] [--directory DIR] [--tree BUILT-TREE] [--peer] [--quick]
# Without --tree it builds what it needs with the release preset. `run.sh --help` lists the names.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

tree=
for argument in "$@"; do
  case "$argument" in --tree|--tree=*|--help|-h) tree=given ;; esac
done
arguments=("$@")
if [ -z "$tree" ]; then
  configured=$(cd "$root" && cmake --preset release 2>&1) || { printf '%s\n' "$configured" >&2; exit 1; }
  cmake --build "$root/build/release" --target midwatch midwatch_load simulate >&2
  arguments+=(--tree "$root/build/release")
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/bench.py" "${arguments[@]}"
