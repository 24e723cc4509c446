#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../taskw" node "$0" "$@"'
import { verb } from '../lib/command-line/verb.ts'
import type { Announcement } from '../lib/phases/layer/announcement.ts'

export default verb<{ purge?: boolean }>({
  name: 'down',
  summary: 'Destroy every layer, last one first. Snapshots and the state bucket stay.',
  define: command => command.option('--purge', "also delete the environment's snapshots"),

  async work(context, { options: { purge = false } }) {
    const { announce } = await import('../lib/phases/layer/announcement.ts')
    const { chosenLayers } = await import('../lib/phases/layer/choice.ts')
    const { layerDestroyed } = await import('../lib/phases/layer/destroyed.ts')
    const { doctor } = await import('../lib/phases/operator/doctor.ts')
    const { snapshotsPurged } = await import('../lib/phases/snapshot/purged.ts')
    const { vmRunningIfNeeded } = await import('../lib/phases/vm/running.ts')

    const announcement: Announcement = { layers: chosenLayers([], context, 'destroy'), guard: 'destroy', purge }
    return {
      agree: () => announce(announcement, context),
      phases: [
        doctor(),
        vmRunningIfNeeded(),
        ...announcement.layers.map(layer => layerDestroyed(layer, announcement)),
        ...(purge ? [snapshotsPurged(announcement)] : []),
      ],
    }
  },
})
