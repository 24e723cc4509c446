#!/bin/sh
# Prepares the upper layer of a new disk, whose folder this is: new-disk.sh EMPTY-FOLDER… -- HIDDEN-PATH…
# A whiteout hides a path of the host. A folder made over a whiteout becomes opaque, which is what an empty folder is; the
# kernel does that only through a mounted overlay, and no program for extended attributes is needed. Runs in a mount
# namespace of its own.
set -eu
mkdir upper work

# Folders on the way keep the host's owner and mode: in the upper layer they are the machine's own.
whiteout() {
  parent=.
  rest=${1#/}
  while [ "$rest" != "${rest#*/}" ]; do
    parent=$parent/${rest%%/*}
    rest=${rest#*/}
    if [ ! -e "upper/$parent" ]; then
      mkdir "upper/$parent"
      chown --reference="/$parent" "upper/$parent"
      chmod --reference="/$parent" "upper/$parent"
    fi
  done
  mknod "upper$1" c 0 0
}

empty=
for path; do
  [ "$path" = -- ] && break
  empty=$((${empty:-0} + 1))
done
index=0
for path; do
  [ "$path" = -- ] || whiteout "$path"
done

mkdir mounted
mount -t overlay disk mounted -o lowerdir=/,upperdir=upper,workdir=work,index=off,redirect_dir=off,metacopy=off,xino=off
for path; do
  index=$((index + 1))
  [ "$index" -gt "${empty:-0}" ] && break
  mkdir "mounted$path"
  chown --reference="$path" "mounted$path"
  chmod --reference="$path" "mounted$path"
done
umount mounted
rmdir mounted
tr -d - </proc/sys/kernel/random/uuid >upper/etc/machine-id
