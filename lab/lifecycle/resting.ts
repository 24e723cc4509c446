import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../../lib/runtime/files.ts'
import { isMachineRunning, type RecordedMachine, recordedMachines } from '../machine/hypervisor.ts'
import { readRecord } from '../state/stored.ts'

/** A machine that was running when the lab went down, and is booted when it comes up again. */
export type Resting = Pick<RecordedMachine, 'id' | 'name' | 'address' | 'disk'>

const recordFile = (lab: string): string => join(lab, 'run/resting.json')

export async function restingMachines(lab: string): Promise<Resting[]> {
  const { machines } = (await readRecord<{ machines: Resting[] }>(recordFile(lab))) ?? {}
  return Array.isArray(machines) ? machines : []
}

/** Records the machines that are running now, beside those that an interrupted way down has already powered off. */
export async function recordResting(lab: string): Promise<void> {
  const found = [...(await restingMachines(lab)), ...(await recordedMachines(lab)).filter(isMachineRunning)]
  const machines = new Map(found.map(({ id, name, address, disk }) => [id, { id, name, address, disk }]))
  if (machines.size > 0) await writeAtomically(recordFile(lab), JSON.stringify({ machines: [...machines.values()] }))
}

export const forgetResting = (lab: string): Promise<void> => rm(recordFile(lab), { force: true })
