#!/usr/bin/env bash
# Shows that a clean clone on a machine with nothing installed passes the tests and the quick start: makes a fresh Debian 12
# root, clones this checkout into it, and runs both there. As root, by hand; takes about an hour.
#   tests/clean/run.sh [MIRROR]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
mirror=${1:-}
[ "$(id -u)" -eq 0 ] || { echo "error: run as root" >&2; exit 1; }
command -v mmdebstrap >/dev/null || apt-get install -y -q mmdebstrap >/dev/null

place=$(mktemp -d "${TMPDIR:-/var/tmp}/midwatch-clean.XXXXXX")
cleanup() {
  for mount in proc sys dev; do mountpoint -q "$place/$mount" && umount -l "$place/$mount"; done
  rm -rf "$place"
}
trap cleanup EXIT

mmdebstrap --variant=minbase --include=git,ca-certificates bookworm "$place" ${mirror:+"$mirror"}
for mount in proc sys dev; do mount --rbind "/$mount" "$place/$mount"; done
cp /etc/resolv.conf "$place/etc/resolv.conf"
# The packages come from wherever this machine gets them.
cp -r /etc/apt/. "$place/etc/apt/"
git clone -q "$root" "$place/root/midwatch"
chroot "$place" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin CI=true bash -c '
  set -euo pipefail
  cd /root/midwatch
  tests/run.sh
  examples/quickstart/run.sh --stop'
echo "a clean machine passes the tests and the quick start"
