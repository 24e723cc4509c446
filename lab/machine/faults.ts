import { hasVolume, runInDisk } from './disk.ts'
import { run } from './process.ts'
import type { Hypervisor, MachineSpec } from './types.ts'

/** What goes wrong in a machine on demand; what goes wrong with it as a whole is the Compute API's. */

type Machine = Pick<MachineSpec, 'id' | 'disk'>

/** What fills a disk; extents that nobody has written take no room on the host. */
const FILLER = 'var/lib/disk-full'

/**
 * Takes all room on a running machine's disk but so many bytes.
 * @throws Error when the machine is off, or its disk has no size of its own because the host has no loop devices
 */
export async function fillDisk(hypervisor: Hypervisor, machine: Machine, leaveBytes = 0): Promise<void> {
  if (!(await hasVolume(machine.disk))) throw new Error('the disk has no size of its own: this host has no loop devices')
  const script = `available=$(df --output=avail --block-size=1 / | tail -n 1)
take=$((available - $1))
# Longer than what it takes: whoever copies it looks for its holes then, and finds nothing else.
[ "$take" -le 0 ] || { fallocate --length "$take" "/$0" && truncate --size=+1G "/$0"; }
# What is left is less than a block group's tables: taken by the byte.
[ "$1" -gt 0 ] || cat /dev/zero >"/$0.rest" 2>/dev/null || true`
  await runInside(hypervisor, machine, ['sh', '-c', script, FILLER, String(leaveBytes)])
}

/** Gives the room back, whether the machine runs or not. */
export async function freeDisk(hypervisor: Hypervisor, machine: Machine): Promise<void> {
  const isOn = await hypervisor.isRunning(machine.id)
  if (isOn) await runInside(hypervisor, machine, ['rm', '-f', `/${FILLER}`, `/${FILLER}.rest`])
  else await runInDisk(machine.disk, ['rm', '-f', `upper/${FILLER}`, `upper/${FILLER}.rest`])
}

const SKEWED = '/run/skewed/date'

/**
 * Has a running machine's clock say so many whole seconds more than it is, until it is set right by 0 or by a boot. The kernel has one
 * clock for all machines: only `date`, by which an operator reads it, is wrong.
 */
export async function skewClock(hypervisor: Hypervisor, machine: Machine, seconds: number): Promise<void> {
  const program = `#!/bin/sh
for argument; do case $argument in -d* | --d* | -f* | --f* | -r* | --ref* | -s* | --s*) exec /usr/bin/date "$@" ;; esac; done
exec /usr/bin/date --date="@$(($(/usr/bin/date +%s) + ${seconds})).$(/usr/bin/date +%N)" "$@"
`
  // A boot takes the program with it; a link that leads nowhere is passed over.
  const script = `rm -rf "\${0%/*}" /usr/local/bin/date
[ "$1" = 0 ] && exit
mkdir "\${0%/*}"
printf %s "$2" >"$0"
chmod 755 "$0"
ln -s "$0" /usr/local/bin/date`
  await runInside(hypervisor, machine, ['sh', '-c', script, SKEWED, String(seconds), program])
}

/** Bytes that a running machine's disk is short of, and seconds by which its clock is ahead; undefined where it is as it should be. */
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
  return await run('nsenter', ['--target', String(pid), '--mount', '--pid', '--', ...command])
}
