import { external, messageOf, usage } from '../../lib/runtime/errors.ts'
import { faultsOf, fillDisk, freeDisk, skewClock } from '../machine/faults.ts'
import { createHypervisor, isMachineRunning, type RecordedMachine, recordedMachines } from '../machine/hypervisor.ts'
import type { Layout } from '../state/layout.ts'
import type { ListedFault } from './fault.ts'

/** Faults inside a machine, each with its members besides the machine's name. */
const kinds: Readonly<Record<string, readonly string[]>> = { 'disk-full': ['leaveMb'], 'clock-skew': ['seconds'] }

export const isMachineFault = (kind: unknown): boolean => Object.hasOwn(kinds, String(kind))

/** Faults of the running machines. They last until they are cleared; a wrong clock also ends with a boot. */
export function machineFaults(layout: Layout) {
  const hypervisor = createHypervisor({ lab: layout.lab })
  const running = async () => (await recordedMachines<RecordedMachine>(layout.lab)).filter(isMachineRunning)

  async function of(machine: RecordedMachine): Promise<ListedFault[]> {
    const { taken, skew } = await faultsOf(hypervisor, machine)
    const planned = (kind: string, member: object): ListedFault => ({
      ...{ id: `${kind}/${machine.name}`, kind, machine: machine.name, happened: 1 },
      ...member,
    })
    return [
      ...(taken === undefined ? [] : [planned('disk-full', { takenMb: Math.round(taken / 2 ** 20) })]),
      ...(skew === undefined ? [] : [planned('clock-skew', { seconds: skew })]),
    ]
  }

  return {
    list: async (): Promise<ListedFault[]> => (await Promise.all((await running()).map(of))).flat(),

    /** @throws OpsError 2 for an unknown member or machine, 5 when the machine cannot have the fault */
    async add({ kind, machine: name, ...members }: Record<string, unknown>): Promise<ListedFault> {
      const known = kinds[String(kind)] ?? []
      const stranger = Object.entries(members).find(([member, value]) => value !== undefined && !known.includes(member))
      if (stranger) throw usage(`${kind} has no ${stranger[0]}`, `it takes machine, ${known.join(', ')}`)
      const machine = oneOf(await running(), name)
      try {
        if (kind === 'disk-full') await fillDisk(hypervisor, machine, Number(members.leaveMb ?? 0) * 2 ** 20)
        else await skewClock(hypervisor, machine, Math.round(Number(members.seconds ?? 3600)))
      } catch (error) {
        throw external(`${machine.name}: ${messageOf(error)}`, 'see docs/lab.md, “Faults”', error)
      }
      const added = (await of(machine)).find(fault => fault.kind === kind)
      if (!added) throw external(`${machine.name}: ${kind} had no effect`, 'see docs/lab.md, “Faults”')
      return added
    },

    /** Clears the fault with this id, or all. */
    async clear(id?: string): Promise<void> {
      for (const machine of await running()) {
        if (id === undefined || id === `disk-full/${machine.name}`) await freeDisk(hypervisor, machine)
        if (id === undefined || id === `clock-skew/${machine.name}`) await skewClock(hypervisor, machine, 0)
      }
    },
  }
}

function oneOf(machines: readonly RecordedMachine[], name: unknown): RecordedMachine {
  const found = name === undefined ? machines : machines.filter(machine => machine.name === name)
  const [machine, another] = found
  if (machine && !another) return machine
  const names = machines.map(({ name }) => name).join(', ')
  throw usage(machine ? 'several machines are running' : 'no such machine is running', `running: ${names || 'none'}`)
}
