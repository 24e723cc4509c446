import { readFile } from 'node:fs/promises'
import { external, precondition, usage } from '../../lib/runtime/errors.ts'
import { here, type Layout } from '../state/layout.ts'
import { readRecord } from '../state/stored.ts'
import type { ListedFault } from './fault.ts'
import { isMachineFault, machineFaults } from './machine.ts'
import { isOutage, outageFaults } from './outage.ts'

/**
 * The faults of a running lab, of three kinds: those of Google's stand-in (`lab/google/faults.ts`), those inside machines
 * (`lab/faults/machine.ts`) and outages (`lab/faults/outage.ts`).
 * @throws OpsError 4 when the lab is down, 2 for an invalid fault, 5 when the stand-in fails
 */
export interface LabFaults {
  list(): Promise<ListedFault[]>
  add(fault: Record<string, unknown>): Promise<ListedFault>
  /** Clears the fault with this id, or all. */
  clear(id?: string): Promise<void>
  /** Breaks the open tunnels; clients can resume them by their session ids. */
  cutTunnels(): Promise<void>
}

const isDown = (cause?: unknown) => precondition('the lab is down', 'start it: `./taskw lab:up`', cause)

export async function openFaults(layout: Layout = here): Promise<LabFaults> {
  const { storage } = (await readRecord<{ storage: string }>(layout.endpoints)) ?? {}
  if (storage === undefined) throw isDown()
  const authorization = `Bearer ${(await readFile(layout.token, 'utf8')).trim()}`
  const ask = async (method: string, path: string, body?: object): Promise<Response> => {
    const answer = await fetch(new URL(path, storage), {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    }).catch(error => {
      throw isDown(error)
    })
    if (answer.ok) return answer
    const { error } = (await answer.json()) as { error: { message: string } }
    if (answer.status < 500) throw usage(error.message, 'see docs/lab.md, “Faults”')
    throw external(`the stand-in for Google fails: ${error.message}`, 'see `./taskw lab:logs -- google`')
  }
  const machines = machineFaults(layout)
  const outages = outageFaults(layout)
  return {
    async list() {
      const { faults } = (await (await ask('GET', '/lab/faults')).json()) as { faults: ListedFault[] }
      return [...faults, ...(await machines.list()), ...(await outages.list())]
    },
    async add(fault) {
      if (isMachineFault(fault.kind)) return machines.add(fault)
      if (isOutage(fault.kind)) return outages.add(fault)
      return (await (await ask('POST', '/lab/faults', fault)).json()) as ListedFault
    },
    async clear(id) {
      const isMachines = isMachineFault(id?.split('/')[0])
      if (id === undefined || isMachines) await machines.clear(id)
      if (id === undefined || isOutage(id)) await outages.clear(id)
      if (id === undefined) await ask('DELETE', '/lab/faults')
      else if (!isMachines && !isOutage(id)) await ask('DELETE', `/lab/faults/${id}`)
    },
    cutTunnels: async () => void (await ask('POST', '/lab/tunnels/cut')),
  }
}
