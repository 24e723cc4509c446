import { once } from 'node:events'
import { join } from 'node:path'
import { type Cluster, clusterOver, type Where } from '../../../lib/cluster/cluster.ts'
import { type Kind, pathOf } from '../../../lib/cluster/kinds.ts'
import { readConnection } from '../../../lib/cluster/kubeconfig.ts'
import { createRest, type Rest } from '../../../lib/cluster/rest.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'
import type { Checkout } from './checkout.ts'

/** A checkout's cluster as kubectl would see it, through the user's own `./taskw tunnel`. */
export async function throughTunnel<T>(checkout: Checkout, work: (cluster: Cluster, rest: Rest) => Promise<T>): Promise<T> {
  const tunnel = checkout.start('tunnel')
  const ended = once(tunnel, 'close')
  tunnel.stdout?.resume()
  tunnel.stderr?.resume()
  const rest = createRest(await readConnection(join(checkout.directory, '.lab/kube/threads-lab.yaml'), 'threads-lab'))
  const cluster = clusterOver(rest)
  try {
    await waitFor({
      what: 'the tunnel',
      within: 30_000,
      every: 200,
      probe: () => rest.text('/readyz').catch(() => undefined),
    })
    return await work(cluster, rest)
  } finally {
    cluster.close()
    if (tunnel.pid) process.kill(-tunnel.pid, 'SIGINT')
    await ended
  }
}

/** What the user changes by hand, as `kubectl patch` does. */
export const patch = (rest: Rest, kind: Kind, where: Where, change: unknown): Promise<unknown> =>
  rest.json(pathOf(kind, where), { method: 'PATCH', body: change, contentType: 'application/merge-patch+json' })
