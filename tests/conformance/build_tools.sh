#!/usr/bin/env bash
# Builds the real clients that tests/conformance runs against us, and prints the folder they are in.
#
#   build_tools.sh [NAME...]     default: kubectl
#
# The versions stand in tools/go.mod. What is built is kept outside the tree, under the hash of go.mod and go.sum,
# so it happens once per machine and version.
set -euo pipefail

cd "$(dirname "$0")/tools"
version=$(sed -nE 's|^(require )?[[:space:]]*k8s\.io/kubernetes v([0-9.]+).*|\2|p' go.mod | head -1)
minor=$(cut -d. -f2 <<<"$version")
key=$(cat go.mod go.sum | sha256sum | cut -c1-16)
cache=${MIDWATCH_TOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/midwatch-tools}/$key
ldflags="-s -w -X k8s.io/component-base/version.gitVersion=v$version"
ldflags+=" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$minor"

mkdir -p "$cache"
for name in "${@:-kubectl}"; do
  [[ -x $cache/$name ]] && continue
  if ! command -v go >/dev/null; then
    echo "build_tools.sh: $name needs Go 1.26 or newer (see tools/go.mod)" >&2
    exit 3
  fi
  echo "building $name $version, which takes minutes once" >&2
  CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "$ldflags" -o "$cache/$name.part" "k8s.io/kubernetes/cmd/$name"
  mv "$cache/$name.part" "$cache/$name"
done
echo "$cache"
