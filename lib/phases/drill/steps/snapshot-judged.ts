import { judgeSnapshot } from '../../../model/drill/judge/snapshot.ts'
import type { SnapshotFacts } from '../../../model/drill/snapshot.ts'
import { snapshotKey, stateSnapshots } from '../../../model/snapshot/plan.ts'
import type { Context } from '../../../operation/context.ts'
import type { Json } from '../../../runtime/json.ts'
import { alwaysDone, type DrillStep } from '../step.ts'

/** Checks that the snapshot that the drill took could be restored. */
export const snapshotJudged = (layer: string): DrillStep => ({
  stage: 'judge',
  id: `${layer}/snapshot-judged`,
  title: `Snapshot after ${layer} judged`,
  judge: judgeSnapshot(layer),
  work: ({ facts, remember }) =>
    alwaysDone('check that the snapshot is as it should be', async context => {
      const snapshot = await snapshotAfter(layer, context)
      await remember('snapshots', { ...facts.snapshots, [layer]: snapshot })
      return snapshot as unknown as Json
    }),
})

/** The newest snapshot of the layer's current state. */
async function snapshotAfter(
  layer: string,
  { compute, terraform, environment }: Pick<Context, 'compute' | 'terraform' | 'environment'>,
): Promise<SnapshotFacts | null> {
  const { serial, lineage } = await terraform.state(layer)
  const found = await (await compute()).snapshots(snapshotKey({ environment: environment.name, layer, serial }))
  const [newest] = stateSnapshots(found, { lineage, disk: undefined })
  if (!newest) return null
  const { name, status, description, labels, createdAt, sourceDisk } = newest
  return { name, status, description, labels, createdAt, sourceDisk, serial }
}
