#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { Option } from 'commander'
import { environmentScript } from '../../lib/command-line/environment.ts'
import { type VerbOptions, verbOptions } from '../../lib/command-line/options.ts'
import { valued } from '../../lib/command-line/values.ts'
import type { Context } from '../../lib/operation/context.ts'
import { usage } from '../../lib/runtime/errors.ts'
import type { Run } from '../../lib/runtime/script.ts'

interface ListOptions {
  layer?: string
  orphans?: boolean
  clean?: boolean
}

export default environmentScript<VerbOptions & ListOptions>({
  name: 'snapshot:list',
  summary: "List the environment's snapshots, whoever made them, newest first; what `snapshots.keep` keeps, and until when.",

  define: command =>
    verbOptions(command)
      .addOption(valued('layer', new Option('--layer <layer>', 'only those of this layer')))
      .addOption(new Option('--orphans', "this toolkit's whose disk is gone and that nobody needs").conflicts('layer'))
      .option('--clean', 'with --orphans: delete them'),

  async run(context, run) {
    const { options } = run
    if (options.clean && !options.orphans)
      throw usage('--clean is for --orphans', 'add --orphans, or use `./taskw snapshot:prune`')
    if (options.orphans) return listOrphans(context, run)
    const { chosenLayers } = await import('../../lib/phases/layer/choice.ts')
    const { snapshotsFound } = await import('../../lib/phases/snapshot/found.ts')
    const { listDocument, listText } = await import('../../lib/report/snapshots.ts')

    if (options.layer !== undefined) chosenLayers([options.layer], context.environment)
    const found = await snapshotsFound(context)
    const { keep } = context.environment.snapshots
    const isShown = (layer: string | undefined) => options.layer === undefined || layer === options.layer
    const shown = { keep, now: context.now(), isShown }
    return { document: listDocument(found, shown), text: listText(found, shown) }
  },
})

async function listOrphans(context: Context, run: Run<VerbOptions & ListOptions>) {
  const { runVerb } = await import('../../lib/operation/verb.ts')
  const { orphansDeleted, orphansFound } = await import('../../lib/phases/snapshot/orphans.ts')
  const { orphansDocument, orphansText } = await import('../../lib/report/snapshots.ts')

  const orphans = await orphansFound(context)
  const outcome = { deleted: [] as string[], left: [] as { name: string; reason: string }[] }
  const document = orphansDocument(orphans)
  if (!run.options.clean) return { document, text: orphansText(orphans) }
  return runVerb(
    {
      phases: [orphansDeleted(orphans, outcome)],
      async agree() {
        if (orphans.length === 0) return
        context.log.info(`these go:\n${orphansText(orphans)}`)
        await context.consent({ question: `Delete ${orphans.length} orphaned snapshots`, destroys: true, guard: 'destroy' })
      },
      document: () => ({ ...document, ...outcome }),
    },
    context,
    run,
  )
}
