import type { Limits } from './compute/limits.ts'
import type { Faults } from './faults.ts'
import { invalidField } from './http/errors.ts'
import { mergePatch } from './http/merge-patch.ts'
import type { Router } from './http/router.ts'
import type { Relay } from './iap/relay.ts'

/** The lab's own API: faults and limits. docs/lab.md describes both. */
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
  // This one is immediate: it breaks the tunnels that are open now.
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

/** @throws ApiError 400 for an unknown limit, or one that is not a number */
function changed(limits: Limits, sent: Record<string, unknown>): Limits {
  const next = mergePatch({ ...limits }, sent) as unknown as Limits
  for (const [name, value] of [...Object.entries(next), ...Object.entries(next.quotas)]) {
    const isKnown = name in limits || name in limits.quotas
    if (!isKnown || (name !== 'quotas' && typeof value !== 'number')) throw invalidField(name, value, 'Unknown limit.')
  }
  return next
}
