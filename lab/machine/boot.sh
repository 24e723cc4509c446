#!/bin/sh
# Powers a machine on, as the first process in its namespaces: gives it a network card and its disk as root, hides everything
# else of the host, then becomes its init. Arguments are environment variables, so that no path needs quoting twice:
#   DISK, ROOT         folder of the disk; empty folder to mount it on
#   NAME, BOOT_ID
#   NETNS, BRIDGE, PORT, MAC, ADDRESS (with prefix length), GATEWAY
#   NODE, CHECKOUT, TOOLS   what the lab lends to the machine, read-only
# Through descriptor 3 the hypervisor gets this process's pid on the host, then "running". In between, this script waits on
# stdin until the hypervisor has recorded the pid: an unrecorded machine must not run.
set -eu
# The lab's own files are for its user alone; those of a machine are as on any other.
umask 022

# /proc is still the host's, so this is the pid that the hypervisor sees.
read -r pid _ </proc/self/stat
echo "pid $pid" >&3
read -r _
exec </dev/null

ip link set lo up
# A machine that was powered off a moment ago may have left its interface behind.
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
# Relative paths, because a comma or colon in the checkout's path would end the option. No index, redirects or metacopy, because
# they tie a disk to inodes that its copies do not have.
mount -t overlay machine "$ROOT" \
  -o nodev,lowerdir=/,upperdir=upper,workdir=work,index=off,redirect_dir=off,metacopy=off,xino=off

cd "$ROOT"
mount -t proc -o nosuid,nodev,noexec proc proc
# Kernel settings outside of any namespace are the host's.
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

# Tells the node agent to watch the disk: only a disk with its own volume has a size, and can be full.
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
# Node's compile cache is kept for the next boot: with a compiler loaded, each of the lab's programs would need twice the
# memory.
compiled=usr/local/lab/checkout/.tools/compiled-in-machines
mount --bind "$CHECKOUT/.tools/compiled-in-machines" "$compiled"
# The lab's own state includes its keys and all other disks.
if [ -d usr/local/lab/checkout/.lab ]; then
  mount -t tmpfs -o ro,mode=000 tmpfs usr/local/lab/checkout/.lab
fi

mkdir run/host
pivot_root . run/host
cd /
umount -l /run/host
rmdir /run/host
# Devices, kernel modules, ports and the clock are the host's.
exec /usr/bin/setpriv --bounding-set=-mknod,-sys_module,-sys_rawio,-sys_time -- \
  chroot / /usr/bin/env -i HOME=/root LANG=C.UTF-8 \
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  THREADS_OPS_TOOLS=/usr/local/lab/tools NODE_COMPILE_CACHE="/$compiled" ${LAB_GOGC:+LAB_GOGC="$LAB_GOGC"} \
  /bin/sh /usr/local/lab/checkout/lab/machine/guest/pid1.sh
