#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { verb } from '../lib/operation/verb.ts'
import { type Announcement, announce } from '../lib/phases/layer/announcement.ts'
import { chosenLayers } from '../lib/phases/layer/choice.ts'
import { layerDestroyed } from '../lib/phases/layer/destroyed.ts'
import { doctor } from '../lib/phases/operator/doctor.ts'
import { snapshotsPurged } from '../lib/phases/snapshot/purged.ts'
import { vmRunningIfNeeded } from '../lib/phases/vm/running.ts'

export default verb<{ purge?: boolean }, Announcement>({
  name: 'down',
  summary: 'Destroy every layer, last one first. Snapshots and the state bucket stay.',
  define: command => command.option('--purge', "also delete the environment's snapshots"),

  subject: (context, { options: { purge = false } }) => ({
    layers: chosenLayers([], context, 'destroy'),
    guard: 'destroy',
    purge,
  }),

  agree: (context, announcement) => announce(announcement, context),

  phases: (_context, { options }, announcement) => [
    doctor(),
    vmRunningIfNeeded(),
    ...announcement.layers.map(layer => layerDestroyed(layer, announcement)),
    ...(options.purge ? [snapshotsPurged(announcement)] : []),
  ],
})
