import { LEAST_ROOM, roomLeft } from '../state/disk-space.ts'
import { hasVolume, runInDisk } from './disk.ts'
import { run } from './process.ts'
import type { Hypervisor, MachineSpec } from './types.ts'

/** Faults inside a machine; those of the machine as a whole belong to the Compute API. */

type Machine = Pick<MachineSpec, 'id' | 'disk'>

/** The file that fills a disk; its unwritten extents take no space on the host. */
const FILLER = 'var/lib/disk-full'

/**
 * Fills a running machine's disk except for a number of bytes.
 * @throws Error when the machine is off, when its disk has no size because the host has no loop devices, or when the host itself has
 * so little left that the fault would end the machines
 */
export async function fillDisk(hypervisor: Hypervisor, machine: Machine, leaveBytes = 0): Promise<void> {
  if (!(await hasVolume(machine.disk))) throw new Error('the disk has no fixed size: this host has no loop devices')
  const left = await roomLeft(machine.disk)
  if (left < LEAST_ROOM + ON_HOST) {
    const [has, takes] = [left, ON_HOST].map(bytes => Math.floor(bytes / 2 ** 20))
    throw new Error(`this host has only ${has} MiB left, and the fault takes up to ${takes}: make room first`)
  }
  await runInside(hypervisor, machine, fillCommand(`/${FILLER}`, leaveBytes))
}

/** The most that is filled by writing, in bytes: what is left when fallocate finds no room, even for its own records. */
const WRITTEN = 4 * 2 ** 20
/** What all of it takes on the host, in bytes, with the file system's own records. */
const ON_HOST = 2 * WRITTEN

/**
 * Fills the file system of a file with it, except for a number of bytes. What fallocate reserves takes no blocks of the host;
 * it is asked for by pieces, because one request for all that is free leaves nothing for its records, and fails.
 */
export const fillCommand = (filler: string, leaveBytes: number): string[] => [
  'sh',
  '-c',
  `free() { echo $(($(df --output=avail --block-size=1 "\${0%/*}" | tail -n 1) - $1)); }
end=0
for piece in $((1 << 30)) $((1 << 26)) $((1 << 20)) $((1 << 16)); do
  while [ "$(free "$1")" -ge "$piece" ] && fallocate --offset "$end" --length "$piece" "$0" 2>/dev/null; do
    end=$((end + piece))
  done
done
# With a size larger than its blocks it counts as sparse: cp looks for holes, and copies nothing.
truncate --size=+1G "$0"
[ "$1" -gt 0 ] || head --bytes=${WRITTEN} /dev/zero >"$0.rest" 2>/dev/null || true`,
  filler,
  String(leaveBytes),
]

/** Frees the disk again, whether the machine is running or not. */
export async function freeDisk(hypervisor: Hypervisor, machine: Machine): Promise<void> {
  const isOn = await hypervisor.isRunning(machine.id)
  if (isOn) await runInside(hypervisor, machine, ['rm', '-f', `/${FILLER}`, `/${FILLER}.rest`])
  else await runInDisk(machine.disk, ['rm', '-f', `upper/${FILLER}`, `upper/${FILLER}.rest`])
}

const SKEWED = '/run/skewed/date'

/**
 * Sets a running machine's clock ahead by whole seconds, until 0 or a boot sets it right. All machines share the kernel's one
 * clock: only the output of `date` is wrong.
 */
export async function skewClock(hypervisor: Hypervisor, machine: Machine, seconds: number): Promise<void> {
  const program = `#!/bin/sh
for argument; do case $argument in -d* | --d* | -f* | --f* | -r* | --ref* | -s* | --s*) exec /usr/bin/date "$@" ;; esac; done
exec /usr/bin/date --date="@$(($(/usr/bin/date +%s) + ${seconds})).$(/usr/bin/date +%N)" "$@"
`
  // A boot deletes the program, and the shell ignores the dangling link.
  const script = `rm -rf "\${0%/*}" /usr/local/bin/date
[ "$1" = 0 ] && exit
mkdir "\${0%/*}"
printf %s "$2" >"$0"
chmod 755 "$0"
ln -s "$0" /usr/local/bin/date`
  await runInside(hypervisor, machine, ['sh', '-c', script, SKEWED, String(seconds), program])
}

/**
 * Bytes that the fault takes up on a running machine's disk, and seconds by which its clock is ahead; undefined without the
 * fault.
 */
export async function faultsOf(hypervisor: Hypervisor, machine: Machine): Promise<{ taken?: number; skew?: number }> {
  const script = `stat --format='taken %b' "/$0" "/$0.rest" 2>/dev/null
[ ! -e "$1" ] || echo "skew $(($("$1" +%s) - $(/usr/bin/date +%s)))"`
  const found = await runInside(hypervisor, machine, ['sh', '-c', script, FILLER, SKEWED])
  const blocks = [...found.matchAll(/taken (\d+)/g)].map(([, count]) => Number(count))
  const skew = /skew (-?\d+)/.exec(found)?.[1]
  return {
    ...(blocks.length > 0 ? { taken: blocks.reduce((sum, count) => sum + count, 0) * 512 } : {}),
    ...(skew === undefined ? {} : { skew: Number(skew) }),
  }
}

async function runInside(hypervisor: Hypervisor, { id }: Machine, command: readonly string[]): Promise<string> {
  const pid = await hypervisor.pid(id)
  if (pid === undefined) throw new Error(`${id} is off`)
  // As in boot.sh: what is written there is the machine's.
  const asInside = ['sh', '-c', 'umask 022 && exec "$@"', 'sh']
  return await run('nsenter', ['--target', String(pid), '--mount', '--pid', '--', ...asInside, ...command])
}
