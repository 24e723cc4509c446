#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { layerArgument } from '../../lib/command-line/options.ts'
import { verb } from '../../lib/command-line/verb.ts'
import type { Announcement } from '../../lib/phases/layer/announcement.ts'

export default verb({
  name: 'layer:destroy',
  summary: 'Destroy the layers named, last one first; never one on which an applied layer stands.',
  define: command => command.addArgument(layerArgument('<layers...>', 'e.g. 02-argocd-app')),

  async work(context, { args }) {
    const { announce } = await import('../../lib/phases/layer/announcement.ts')
    const { chosenLayers } = await import('../../lib/phases/layer/choice.ts')
    const { layerDestroyed } = await import('../../lib/phases/layer/destroyed.ts')
    const { doctor } = await import('../../lib/phases/operator/doctor.ts')

    const announcement: Announcement = { layers: chosenLayers(args, context, 'destroy'), guard: 'destroy' }
    return {
      agree: () => announce(announcement, context),
      phases: [doctor(), ...announcement.layers.map(layer => layerDestroyed(layer, announcement))],
    }
  },
})
