#!/usr/bin/env bash
# Runs the simulation: first the seeds that once failed, then fresh ones.
#   tests/simulation/run.sh [--seeds N] [--first SEED] [--hours H] [--minutes M] [--plants [NAME…]] [--binary FILE]
# --minutes M ends after that time with as many seeds as there were. --plants shows that each planted bug, or each of those named, is caught
# within N seeds (200) by the checker that it names.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)

seeds= first=1 hours=1 minutes=0 plants=no binary= names=()
while [ $# -gt 0 ]; do
  case "$1" in
    --seeds) seeds=$2; shift 2 ;;
    --first) first=$2; shift 2 ;;
    --hours) hours=$2; shift 2 ;;
    --minutes) minutes=$2; shift 2 ;;
    --plants) plants=yes; shift ;;
    --binary) binary=$2; shift 2 ;;
    [a-z]*) names+=("$1"); shift ;;
    *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
  esac
done

if [ -z "$binary" ]; then
  configured=$(cd "$root" && cmake --preset release 2>&1) || { printf '%s\n' "$configured" >&2; exit 1; }
  cmake --build "$root/build/release" --target simulate
  binary=$root/build/release/tests/simulation/simulate
fi

if [ "$plants" = yes ]; then
  planted=(--plants --seed "$first" --seeds "${seeds:-200}" --hours "$hours")
  [ ${#names[@]} -gt 0 ] || exec "$binary" "${planted[@]}"
  for name in "${names[@]}"; do
    "$binary" "${planted[@]}" --plant "$name"
  done
  exit 0
fi

while IFS=$'\t' read -r seed regression_hours why; do
  case "$seed" in ''|'#'*) continue ;; esac
  printf 'regression: %s\n' "$why"
  "$binary" --seed "$seed" --hours "$regression_hours" --once
done < "$root/tests/simulation/regressions.tsv"
"$binary" --seed "$first" --seeds "${seeds:-20}" --hours "$hours" --minutes "$minutes"
