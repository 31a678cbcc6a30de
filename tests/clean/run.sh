#!/usr/bin/env bash
# Shows that a clean clone on a machine with nothing installed passes the tests and the quick start: makes a fresh Debian 12
# root, clones what is committed here into it, and runs both there, with no compiler cache and no Go. As root, by hand.
#   tests/clean/run.sh [--mirror=URL] [COMMAND…]     COMMAND runs there instead, in the clone
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
mirror=()
case "${1:-}" in --mirror=*) mirror=("${1#--mirror=}"); shift ;; esac
[ "$(id -u)" -eq 0 ] || { echo "error: run as root" >&2; exit 1; }
command -v mmdebstrap >/dev/null || apt-get install -y -q mmdebstrap >/dev/null

# What is mounted there is seen by this script and its children alone, and is gone with them.
if [ -z "${MIDWATCH_UNSHARED:-}" ]; then
  MIDWATCH_UNSHARED=1 exec unshare --mount --propagation private --pid --fork --kill-child "$0" "${mirror[@]/#/--mirror=}" "$@"
fi

place=$(mktemp -d "${TMPDIR:-/var/tmp}/midwatch-clean.XXXXXX")
trap 'umount -R -l "$place" 2>/dev/null || true; rm -rf --one-file-system "$place"' EXIT

echo "making a Debian root in $place"
mmdebstrap --quiet --variant=minbase --include=git,ca-certificates bookworm "$place" "${mirror[@]}"
mount --bind "$place" "$place"  # To become a root it must be a mount.
mount -t proc proc "$place/proc"
for mount in sys dev; do mount --rbind "/$mount" "$place/$mount"; done
cp /etc/resolv.conf "$place/etc/resolv.conf"
echo '127.0.0.1 localhost' >"$place/etc/hosts"
apt-config dump | grep -E '^Acquire::(http|https)::Proxy' >"$place/etc/apt/apt.conf.d/90proxy" || true
git clone -q "$root" "$place/root/midwatch"

[ "$#" -gt 0 ] || set -- bash -c 'tests/run.sh && examples/quickstart/run.sh --stop'
# No chroot, in which bubblewrap cannot work.
unshare --mount sh -c 'cd "$1" && shift && pivot_root . mnt && umount -l /mnt && cd /root/midwatch && exec "$@"' sh "$place" \
  /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
echo "a clean machine passes: $*"
