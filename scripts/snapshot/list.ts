#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { Option } from 'commander'
import { environmentScript } from '../../lib/command-line/environment.ts'
import { valued } from '../../lib/command-line/values.ts'

export default environmentScript<{ layer?: string }>({
  name: 'snapshot:list',
  summary: "List the environment's snapshots, whoever made them, newest first; what `snapshots.keep` keeps, and until when.",

  define: command => command.addOption(valued('layer', new Option('--layer <layer>', 'only those of this layer'))),

  async run(context, { options }) {
    const { chosenLayers } = await import('../../lib/phases/layer/choice.ts')
    const { snapshotsFound } = await import('../../lib/phases/snapshot/found.ts')
    const { listDocument, listText } = await import('../../lib/report/snapshots.ts')

    if (options.layer !== undefined) chosenLayers([options.layer], context.environment)
    const found = await snapshotsFound(context)
    const { keep } = context.environment.snapshots
    const shown = {
      keep,
      now: context.now(),
      isShown: (layer: string | undefined) => !options.layer || layer === options.layer,
    }
    return { document: listDocument(found, shown), text: listText(found, shown) }
  },
})
