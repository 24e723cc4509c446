import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readIfExists, root } from '../../lib/runtime/files.ts'
import { checkoutCommit } from '../delivery/repositories.ts'
import { recordedNetworks } from '../machine/network.ts'
import { here, type Layout } from '../state/layout.ts'
import { PRIVATE_UMASK } from '../state/private.ts'
import { readRecord } from '../state/stored.ts'
import { isAvailable } from '../tools/build.ts'
import { programs } from '../tools/catalog.ts'
import { daemons, processesOf, runningDaemon } from './daemon.ts'
import { isTerraformCurrent } from './terraform-copy.ts'

/** Whether the lab is up and matches the checkout. Changes nothing, and takes a fraction of the time of `up`. */
export async function isUp(layout: Layout = here): Promise<boolean> {
  if (!existsSync(layout.endpoints) || statSync(layout.lab).mode & PRIVATE_UMASK) return false
  const [networks, endpoints, current, published, commit, ...records] = await Promise.all([
    recordedNetworks(layout.lab),
    readRecord<{ compute: string }>(layout.endpoints),
    isTerraformCurrent(layout),
    readIfExists(join(layout.git, 'threads-ops.git/refs/heads/main')),
    checkoutCommit(root),
    ...daemons.map(daemon => runningDaemon(layout, daemon)),
  ])
  const isForwarding = [...networks.values()].every(forwarder => forwarder !== undefined)
  const isAtItsPort =
    records.every(record => record !== undefined) && endpoints?.compute?.includes(`:${records[0]?.port}/`) === true
  const isBuilding = processesOf(layout).length > daemons.length
  return (
    isForwarding &&
    isAtItsPort &&
    current &&
    published?.trim() === commit &&
    (isBuilding || programs.every(program => isAvailable(program)))
  )
}
