#!/usr/bin/env bash
# Builds the real programs that tests/conformance compares us with, and prints the folder they are in.
#
#   build_tools.sh                        kubectl
#   build_tools.sh kube-apiserver etcd    the servers, to record answers from
#
# The versions stand in tools/go.mod and servers/go.mod. What is built is kept outside the tree, under the hash of go.mod and
# go.sum, so it happens once per machine and version.
set -euo pipefail

names=("${@:-kubectl}")
[[ ${names[0]} == kubectl ]] && modules=tools || modules=servers
cd "$(dirname "$0")/$modules"
version=$(sed -nE 's|^(require )?[[:space:]]*k8s\.io/kubernetes v([0-9.]+).*|\2|p' go.mod | head -1)
minor=$(cut -d. -f2 <<<"$version")
key=$(cat go.mod go.sum | sha256sum | cut -c1-16)
cache=${MIDWATCH_TOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/midwatch-tools}/$key
ldflags="-s -w -X k8s.io/component-base/version.gitVersion=v$version"
ldflags+=" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$minor"

mkdir -p "$cache"
for name in "${names[@]}"; do
  [[ -x $cache/$name ]] && continue
  if ! command -v go >/dev/null; then
    echo "build_tools.sh: $name needs Go 1.26 or newer (see $modules/go.mod)" >&2
    exit 3
  fi
  echo "building $name, which takes minutes once" >&2
  [[ $name == etcd ]] && package=go.etcd.io/etcd/server/v3 || package=k8s.io/kubernetes/cmd/$name
  CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "$ldflags" -o "$cache/$name.part" "$package"
  mv "$cache/$name.part" "$cache/$name"
done
echo "$cache"
