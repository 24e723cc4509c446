import { didYouMean } from '../../config/suggest.ts'
import type { Snapshot } from '../../google/compute.ts'
import { isOwnResource, ownLabels } from '../../model/labels.ts'
import { isProtected, PROTECT } from '../../model/snapshot/pruning.ts'
import type { Context } from '../../operation/context.ts'
import { precondition } from '../../runtime/errors.ts'
import type { Phase } from '../../runtime/phases.ts'

type ProtectContext = Pick<Context, 'compute' | 'environment'>

const LABEL = Object.keys(PROTECT)

/** Sets, or takes away, the label that keeps a snapshot through prunes and purges. Its other labels stay. */
export function snapshotProtected(name: string, wanted: boolean): Phase<ProtectContext> {
  const change = wanted ? `protect snapshot ${name}` : `no longer protect snapshot ${name}`
  return {
    id: `snapshot/${wanted ? 'protected' : 'unprotected'}/${name}`,
    title: wanted ? `Protect snapshot ${name}` : `Unprotect snapshot ${name}`,

    async check(context) {
      const found = await ownSnapshot(name, context)
      return isProtected(found) === wanted ? { state: 'done', evidence: found.labels } : { state: 'todo', changes: [change] }
    },

    async run({ compute, environment }) {
      const client = await compute()
      let labels: Record<string, string> = {}
      await client.setSnapshotLabels(name, found => {
        if (!found || !isOwn(found, environment.name)) throw precondition(`snapshot ${name} is gone`, LIST)
        const others = Object.entries(found.labels).filter(([label]) => !LABEL.includes(label))
        labels = { ...Object.fromEntries(others), ...(wanted && PROTECT) }
        return labels
      })
      return { snapshot: name, labels }
    },
  }
}

const LIST = '`./taskw snapshot:list` shows them'

const isOwn = ({ labels }: Pick<Snapshot, 'labels'>, environment: string): boolean =>
  isOwnResource(labels) && labels.environment === environment

/** @throws OpsError 4 unless it is one of the environment's that this toolkit made */
async function ownSnapshot(name: string, { compute, environment }: ProtectContext): Promise<Snapshot> {
  const all = await (await compute()).snapshots(ownLabels({ environment: environment.name }))
  const found = all.find(snapshot => snapshot.name === name)
  if (found) return found
  const names = all.map(snapshot => snapshot.name)
  throw precondition(`${environment.name} has no snapshot of this toolkit's called ${name}${didYouMean(name, names)}`, LIST)
}
