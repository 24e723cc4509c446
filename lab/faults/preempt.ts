import { readFile } from 'node:fs/promises'
import { external, precondition, usage } from '../../lib/runtime/errors.ts'
import { labStatus } from '../lifecycle/status.ts'
import { here, type Layout } from '../state/layout.ts'

/**
 * Preempts a spot machine: the named one, or the only one that is running.
 * @returns its name, once the preemption has begun
 * @throws OpsError 2 for an unknown name, or without one when several are running; 4 when none is running; 5 when the stand-in
 *   refuses
 */
export async function preempt(name: string | undefined, layout: Layout = here): Promise<string> {
  const { endpoints, machines } = await labStatus(layout)
  if (!endpoints?.storage) throw precondition('the lab is down', 'start it: `./taskw lab:up`')
  const running = machines.filter(({ state }) => state === 'RUNNING')
  const [machine, another] = running.filter(candidate => name === undefined || name === candidate.name)
  const names = running.map(candidate => candidate.name).join(', ')
  if (!machine && name !== undefined)
    throw usage(`no machine "${name}" is running`, names ? `one of: ${names}` : 'bring it up: `./taskw up`')
  if (!machine) throw precondition('no machine is running', 'bring it up: `./taskw up`')
  if (another) throw usage('several machines are running', `name one: ${names}`)
  const answer = await fetch(new URL('/lab/preempt', endpoints.storage), {
    method: 'POST',
    headers: { authorization: `Bearer ${(await readFile(layout.token, 'utf8')).trim()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ project: machine.project, instance: machine.name }),
  })
  if (!answer.ok) throw external(`${machine.name} cannot be preempted: ${await answer.text()}`, 'see `./taskw lab:status`')
  return machine.name
}
