import type { Limits } from './compute/limits.ts'
import type { Faults } from './faults.ts'
import { invalidField } from './http/errors.ts'
import { mergePatch } from './http/merge-patch.ts'
import type { Router } from './http/router.ts'
import type { Relay } from './iap/relay.ts'

/** Not Google's: what goes wrong on demand, and how much a project may have. docs/lab.md describes both. */
export function serveLab(router: Router, faults: Faults, relay: Relay, limits: Limits): void {
  router.get('/lab/faults', () => ({ json: { faults: faults.list() } }))
  router.post('/lab/faults', async call => ({ json: faults.add(await call.json()) }))
  router.delete('/lab/faults', () => {
    faults.clear()
    return { status: 204 }
  })
  router.delete('/lab/faults/{id}', call => {
    faults.clear(call.param('id'))
    return { status: 204 }
  })
  // Not planned but done: the tunnels that are open now break.
  router.post('/lab/tunnels/cut', () => {
    relay.cut()
    return { status: 204 }
  })
  router.get('/lab/limits', () => ({ json: limits }))
  router.patch('/lab/limits', async call => {
    Object.assign(limits, changed(limits, await call.json()))
    return { json: limits }
  })
}

/** @throws ApiError 400 for a limit that there is none of, or that is no number */
function changed(limits: Limits, sent: Record<string, unknown>): Limits {
  const next = mergePatch({ ...limits }, sent) as unknown as Limits
  for (const [name, value] of [...Object.entries(next), ...Object.entries(next.quotas)]) {
    const isKnown = name in limits || name in limits.quotas
    if (!isKnown || (name !== 'quotas' && typeof value !== 'number')) throw invalidField(name, value, 'Is no limit.')
  }
  return next
}
