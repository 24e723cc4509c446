#!/bin/sh
# Prepares the upper layer of a new disk in the current folder: new-disk.sh EMPTY-FOLDER… -- HIDDEN-PATH… A whiteout hides a
# path of the host. A folder created over a whiteout becomes opaque, and so appears empty; the kernel does that through a
# mounted overlay, which saves a program for extended attributes. Runs in its own mount namespace.
set -eu
# What is made here is the machine's, where other users have to get about.
umask 022
mkdir upper work

# Parent folders keep the host's owner and mode, as they now exist in the upper layer, too.
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
