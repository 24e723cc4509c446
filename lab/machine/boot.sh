#!/bin/sh
# Powers a machine on, as the first process in namespaces of its own: gives it a network card, its disk as root and nothing
# else of the host, then becomes its init. Arguments come as environment variables so that no path needs quoting twice:
#   DISK, ROOT         folder of the disk; empty folder to mount it on
#   NAME, BOOT_ID
#   NETNS, BRIDGE, PORT, MAC, ADDRESS (with prefix length), GATEWAY
#   NODE, CHECKOUT, TOOLS   what the lab lends to the machine, read-only
# Descriptor 3 tells the hypervisor: this process's number on the host, then "running". Between the two it waits on stdin for
# the hypervisor to have written that number down: a machine that nobody knows of must not run.
set -eu

# /proc is still the host's, so this is the number by which the hypervisor knows this process.
read -r pid _ </proc/self/stat
echo "pid $pid" >&3
read -r _
exec </dev/null

ip link set lo up
# A machine that lost its plug a moment ago may have left its end of the cable.
ip -n "$NETNS" link delete "$PORT" 2>/dev/null || true
ip link add eth0 address "$MAC" type veth peer name "$PORT" netns "$NETNS"
ip -n "$NETNS" link set "$PORT" master "$BRIDGE" up
ip address add "$ADDRESS" dev eth0
ip link set eth0 up
ip route add default via "$GATEWAY"
echo "$NAME" >/proc/sys/kernel/hostname

cd "$DISK"
if [ -e volume ]; then
  mount -t ext4 -o loop,noinit_itable,discard volume "$ROOT"
  cd "$ROOT"
fi
# Relative paths: a comma or colon in the checkout's path would end the option. No index, redirects or metacopy: they tie a
# disk to inodes that its copies do not have.
mount -t overlay machine "$ROOT" \
  -o lowerdir=/,upperdir=upper,workdir=work,index=off,redirect_dir=off,metacopy=off,xino=off

cd "$ROOT"
mount -t proc -o nosuid,nodev,noexec proc proc
# Kernel settings that are not of a namespace would be the host's.
for path in proc/sys proc/sysrq-trigger; do
  [ -e "$path" ] || continue
  mount --bind "$path" "$path"
  mount -o remount,bind,ro "$path"
done
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mkdir -m 1777 run/lock
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp

mount -t tmpfs -o mode=755,nosuid tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
for device in 'null 1 3' 'zero 1 5' 'full 1 7' 'random 1 8' 'urandom 1 9' 'tty 5 0'; do
  # shellcheck disable=SC2086 # name, major and minor are words
  set -- $device
  mknod -m 666 "dev/$1" c "$2" "$3"
done

# Only a disk with a size of its own can be full: the node agent watches it then.
[ ! -e "$DISK/volume" ] || : >run/own-disk
echo "$BOOT_ID" >run/boot-id
mount --bind run/boot-id proc/sys/kernel/random/boot_id

mkdir -p usr/local/lab/checkout usr/local/lab/tools
: >>usr/local/lab/node
for lent in "$NODE usr/local/lab/node" "$CHECKOUT usr/local/lab/checkout" "$TOOLS usr/local/lab/tools"; do
  target=${lent##* }
  mount --bind "${lent% *}" "$target"
  mount -o remount,bind,ro "$target"
done
# What Node has compiled of the lab's programs stays for the next boot: a compiler in each of them would be half of their memory.
compiled=usr/local/lab/checkout/.tools/compiled-in-machines
mount --bind "$CHECKOUT/.tools/compiled-in-machines" "$compiled"
# The lab's own state holds its keys and every other disk.
if [ -d usr/local/lab/checkout/.lab ]; then
  mount -t tmpfs -o ro,mode=000 tmpfs usr/local/lab/checkout/.lab
fi

mkdir run/host
pivot_root . run/host
cd /
umount -l /run/host
rmdir /run/host
exec chroot / /usr/bin/env -i HOME=/root LANG=C.UTF-8 \
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  THREADS_OPS_TOOLS=/usr/local/lab/tools NODE_COMPILE_CACHE="/$compiled" \
  /bin/sh /usr/local/lab/checkout/lab/machine/guest/pid1.sh
