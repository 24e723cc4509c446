#!/bin/sh
# with-disk.sh DISK COMMAND…: runs a command in a disk's folder, as which its volume is mounted if it has one. Runs in a mount
# namespace of its own, so that nothing of it shows on the host; the kernel takes the same loop device for every mount of a volume.
set -eu
cd "$1"
if [ -e volume ]; then
  mount -t ext4 -o loop,noinit_itable,discard volume "$1"
  cd "$1"
fi
shift
exec "$@"
