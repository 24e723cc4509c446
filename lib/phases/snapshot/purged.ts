import { ownLabels } from '../../model/labels.ts'
import type { Context } from '../../operation/context.ts'
import type { Phase } from '../../runtime/phases.ts'

type PurgeContext = Pick<Context, 'compute' | 'environment' | 'progress'>

/** Deletes every snapshot of the environment that this toolkit made, chosen by label and never by name. */
export function snapshotsPurged(): Phase<PurgeContext> {
  const find = async ({ compute, environment }: PurgeContext) => {
    const client = await compute()
    const all = await client.snapshots(ownLabels({ environment: environment.name }))
    return {
      client,
      names: all.filter(({ autoCreated, labels }) => !autoCreated && labels.protect !== 'true').map(({ name }) => name),
    }
  }
  return {
    id: 'snapshots/purged',
    title: 'Delete the snapshots',

    async check(context) {
      const { names } = await find(context)
      return names.length === 0
        ? { state: 'done', evidence: [] }
        : { state: 'todo', changes: names.map(name => `delete snapshot ${name}`) }
    },

    async run(context) {
      const { client, names } = await find(context)
      for (const name of names) {
        context.progress(name)
        await client.deleteSnapshot(name)
      }
      return { deleted: names }
    },
  }
}
