#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import type { LabStatus } from '../../lab/lifecycle/status.ts'
import type { Json } from '../../lib/runtime/json.ts'
import { script } from '../../lib/runtime/script.ts'

export default script({
  name: 'lab:status',
  summary: 'The state of the lab: endpoints, machines, processes, programs.',

  async run() {
    const { labStatus } = await import('../../lab/lifecycle/status.ts')
    const status = await labStatus()
    return { document: { ...status } as unknown as { [key: string]: Json }, text: describe(status) }
  },
})

function describe({ isUp, endpoints, machines, pids, tools }: LabStatus): string {
  const missing = tools.filter(({ origin }) => origin === 'missing').map(({ program }) => program)
  return [
    `lab       ${isUp ? 'up' : 'down'}`,
    ...machines.map(
      ({ name, address, state, reason, disk }) =>
        `machine   ${name} ${address} ${state}${reason === null ? '' : ` (${reason})`}, disk ${disk}`,
    ),
    ...Object.entries(endpoints ?? {}).map(([name, url]) => `endpoint  ${name} ${url}`),
    ...Object.entries(pids).map(([name, pid]) => `process   ${name} ${pid}`),
    `programs  ${tools.length - missing.length} of ${tools.length}${missing.length > 0 ? `; missing: ${missing.join(', ')}` : ''}`,
  ].join('\n')
}
