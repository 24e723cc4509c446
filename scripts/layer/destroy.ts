#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { verb } from '../../lib/operation/verb.ts'
import { type Announcement, announce } from '../../lib/phases/layer/announcement.ts'
import { chosenLayers } from '../../lib/phases/layer/choice.ts'
import { layerDestroyed } from '../../lib/phases/layer/destroyed.ts'
import { doctor } from '../../lib/phases/operator/doctor.ts'

export default verb<object, Announcement>({
  name: 'layer:destroy',
  summary: 'Destroy the layers named, last one first; never one on which an applied layer stands.',
  define: command => command.argument('<layers...>', 'e.g. 02-argocd-app'),

  subject: (context, { args }) => ({ layers: chosenLayers(args, context, 'destroy'), guard: 'destroy' }),

  agree: (context, announcement) => announce(announcement, context),

  phases: (_context, _run, announcement) => [
    doctor(),
    ...announcement.layers.map(layer => layerDestroyed(layer, announcement)),
  ],
})
