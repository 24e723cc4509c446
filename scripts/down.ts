#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { chosenLayers, layerDestroyed } from '../lib/phases/layer.ts'
import { verb } from '../lib/phases/operation.ts'
import { doctor } from '../lib/phases/readiness.ts'
import { snapshotsPurged } from '../lib/phases/snapshot.ts'
import { vmRunningIfNeeded } from '../lib/phases/vm.ts'

export default verb<{ purge?: boolean }>({
  name: 'down',
  summary: 'Destroy every layer, last one first. Snapshots and the state bucket stay.',
  destructive: true,

  define: command => command.option('--purge', "also delete the environment's snapshots"),

  phases: (operation, { options }) => [
    doctor(),
    vmRunningIfNeeded(),
    ...chosenLayers([], operation, 'destroy').map(layerDestroyed),
    ...(options.purge ? [snapshotsPurged()] : []),
  ],
})
