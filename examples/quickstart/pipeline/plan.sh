#!/usr/bin/env bash
# Compares what is declared (desired/) with what is there (actual/) and writes a plan in the form of `tofu show -json`.
# Exits 0 without changes, 2 with changes: what `tofu plan -detailed-exitcode` does.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: plan.sh PLAN_FILE}

changes=()
change() {  # ADDRESS ACTION
  local type=${1%%.*} name=${1#*.}
  changes+=("{\"address\":\"$1\",\"mode\":\"managed\",\"type\":\"$type\",\"name\":\"$name\",\"change\":{\"actions\":[\"$2\"]}}")
  echo "  # $1 will be ${2}d"
}

echo "Planning payments/database …"
for file in "$here"/desired/*; do
  address=$(basename "$file")
  if [ ! -e "$here/actual/$address" ]; then
    change "$address" create
  elif ! cmp -s "$file" "$here/actual/$address"; then
    change "$address" update
  fi
done
for file in "$here"/actual/*; do
  [ -e "$here/desired/$(basename "$file")" ] || change "$(basename "$file")" delete
done

{
  printf '{"format_version":"1.2","terraform_version":"1.10.0","resource_changes":[\n'
  for i in "${!changes[@]}"; do
    [ "$i" -eq 0 ] || printf ',\n'
    printf '  %s' "${changes[i]}"
  done
  printf '\n]}\n'
} >"$out"
echo "Plan: ${#changes[@]} changes."
[ "${#changes[@]}" -eq 0 ] || exit 2
