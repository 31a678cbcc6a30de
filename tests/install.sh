#!/usr/bin/env bash
# Installs what Midwatch needs on Debian 12, as root or with sudo. Does nothing where all of it is there.
#   tests/install.sh build    to build and run midwatch
#   tests/install.sh test     to run the tests too
#   tests/install.sh ci       clang, sanitizers and fuzzing too
set -euo pipefail

build=(g++ cmake ninja-build lld pkg-config git ca-certificates python3 python3-yaml bubblewrap
  libexpected-dev nlohmann-json3-dev libsimdjson-dev libyaml-cpp-dev libgit2-dev libcpprest-dev libboost-dev libboost-system-dev
  libssl-dev libsqlite3-dev libspdlog-dev libcli11-dev libre2-dev prometheus-cpp-dev libjemalloc-dev)
test=(libgtest-dev libgmock-dev openssl)
ci=(clang-14 lld-14 libclang-rt-14-dev llvm-14)

case "${1:-build}" in
  build) wanted=("${build[@]}" "${test[@]:0:2}") ;;
  test) wanted=("${build[@]}" "${test[@]}") ;;
  ci) wanted=("${build[@]}" "${test[@]}" "${ci[@]}") ;;
  *) echo "usage: $0 [build|test|ci]" >&2; exit 2 ;;
esac

missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

as_root=(env)
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "error: run as root, or install sudo: these packages are missing: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo env)
fi
echo "installing ${#missing[@]} Debian packages: ${missing[*]}"

"${as_root[@]}" apt-get update -q >/dev/null
"${as_root[@]}" DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
