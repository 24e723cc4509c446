import { ownLabels } from '../../model/labels.ts'
import { isProtected } from '../../model/snapshot/pruning.ts'
import type { Context } from '../../operation/context.ts'
import type { Phase } from '../../runtime/phases.ts'

type PurgeContext = Pick<Context, 'compute' | 'environment' | 'progress'>

/** Names of the environment's snapshots that this toolkit made, chosen by label and never by name. */
export async function purgeable({ compute, environment }: Pick<Context, 'compute' | 'environment'>): Promise<string[]> {
  const all = await (await compute()).snapshots(ownLabels({ environment: environment.name }))
  return all.filter(snapshot => !snapshot.autoCreated && !isProtected(snapshot)).map(({ name }) => name)
}

/**
 * Deletes the environment's snapshots.
 * @param announced once the operator has agreed to some of them: no others
 */
export function snapshotsPurged(announced: { readonly snapshots?: readonly string[] } = {}): Phase<PurgeContext> {
  const find = async (context: PurgeContext) => {
    const names = await purgeable(context)
    return names.filter(name => announced.snapshots?.includes(name) ?? true)
  }
  return {
    id: 'snapshots/purged',
    title: 'Delete the snapshots',

    async check(context) {
      const names = await find(context)
      return names.length === 0
        ? { state: 'done', evidence: [] }
        : { state: 'todo', changes: names.map(name => `delete snapshot ${name}`) }
    },

    async run(context) {
      const client = await context.compute()
      const names = await find(context)
      for (const name of names) {
        context.progress(name)
        await client.deleteSnapshot(name)
      }
      return { deleted: names }
    },
  }
}
