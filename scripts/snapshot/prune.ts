#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../../taskw" node "$0" "$@"'
import { environmentScript } from '../../lib/command-line/environment.ts'
import { type VerbOptions, verbOptions } from '../../lib/command-line/options.ts'
import { exitCodes } from '../../lib/runtime/errors.ts'

export default environmentScript<VerbOptions & { apply?: boolean }>({
  name: 'snapshot:prune',
  summary: 'Show which snapshots `snapshots.keep` keeps, and which it does not; with --apply, delete these.',

  define: command => verbOptions(command).option('--apply', 'delete what the plan removes; exit code 7 when some are left'),

  async run(context, run) {
    const { runVerb } = await import('../../lib/operation/verb.ts')
    const { pruningOf, removedOf, snapshotsPruned } = await import('../../lib/phases/snapshot/pruned.ts')
    const { planDocument, planText } = await import('../../lib/report/prune.ts')

    const { name, snapshots } = context.environment
    const pruning = await pruningOf(context)
    if (!pruning || !snapshots.keep)
      return {
        document: { policy: null, snapshots: [] },
        text: `Nothing is pruned: environments/${name}.yaml has no \`snapshots.keep\`.`,
      }
    const { timeZone } = snapshots.keep
    const removed = removedOf(pruning)
    const { apply = false, dryRun = false } = run.options
    const document = planDocument(pruning.fates)
    if (!apply || dryRun)
      return {
        exitCode: removed.length > 0 ? exitCodes.changes : exitCodes.ok,
        document: { ...document, ...(dryRun && { dryRun }) },
        text: planText(pruning.fates, timeZone),
      }
    return runVerb(
      {
        phases: [snapshotsPruned(pruning)],
        async agree() {
          if (removed.length === 0) return
          context.log.info(`these go:\n${planText(removed, timeZone)}`)
          await context.consent({ question: `Delete ${removed.length} of ${pruning.fates.length} snapshots`, destroys: true })
        },
        report: () =>
          pruning.deleted.length > 0
            ? `Deleted: ${pruning.deleted.join(', ')}`
            : 'Nothing to delete: the policy keeps every snapshot.',
        document: () => ({ ...document, deleted: pruning.deleted, left: pruning.left }),
      },
      context,
      run,
    )
  },
})
