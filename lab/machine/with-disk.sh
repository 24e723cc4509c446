#!/bin/sh
# with-disk.sh DISK COMMAND…: runs a command in a disk's folder, on which the disk's volume is mounted if it has one. It runs in
# its own mount namespace, so that the host does not see the mount; the kernel uses the same loop device for every mount of a
# volume.
set -eu
cd "$1"
if [ -e volume ]; then
  mount -t ext4 -o loop,noinit_itable,discard volume "$1"
  cd "$1"
fi
shift
exec "$@"
