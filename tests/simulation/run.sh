#!/usr/bin/env bash
# Runs the simulation: first the seeds that once failed, then fresh ones.
#   tests/simulation/run.sh [--seeds N] [--first SEED] [--hours H] [--minutes M] [--plants] [--binary FILE]
# --minutes M ends after that time with as many seeds as there were. --plants shows that each planted bug is caught within N seeds (200).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)

seeds=20 first=1 hours=1 minutes=0 plants=no binary=
while [ $# -gt 0 ]; do
  case "$1" in
    --seeds) seeds=$2; shift 2 ;;
    --first) first=$2; shift 2 ;;
    --hours) hours=$2; shift 2 ;;
    --minutes) minutes=$2; shift 2 ;;
    --plants) plants=yes; seeds=200; shift ;;
    --binary) binary=$2; shift 2 ;;
    *) sed -n '2,4s/^# //p' "$0" >&2; exit 2 ;;
  esac
done

if [ -z "$binary" ]; then
  configured=$(cd "$root" && cmake --preset release 2>&1) || { printf '%s\n' "$configured" >&2; exit 1; }
  cmake --build "$root/build/release" --target simulate
  binary=$root/build/release/tests/simulation/simulate
fi

if [ "$plants" = yes ]; then
  missed=0
  while read -r name _; do
    if output=$("$binary" --plant "$name" --seed "$first" --seeds "$seeds" --hours "$hours" --once); then
      printf '%-24s NOT CAUGHT in %s seeds\n' "$name" "$seeds"
      missed=1
    else
      printf '%-24s %s\n' "$name" "$(printf '%s\n' "$output" | grep -E '^(FAILED|seeds until)' | tr '\n' ' ')"
    fi
  done < <("$binary" --list-plants)
  exit "$missed"
fi

while IFS=$'\t' read -r seed regression_hours why; do
  case "$seed" in ''|'#'*) continue ;; esac
  printf 'regression: %s\n' "$why"
  "$binary" --seed "$seed" --hours "$regression_hours" --once
done < "$root/tests/simulation/regressions.tsv"
"$binary" --seed "$first" --seeds "$seeds" --hours "$hours" --minutes "$minutes"
