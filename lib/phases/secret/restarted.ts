import { conditionOf, type Deployment } from '../../model/health/objects.ts'
import { remainderOf } from '../../model/health/rollout.ts'
import { heldBack } from '../../model/secret/readers.ts'
import { command } from '../../model/shell.ts'
import { unhealthy } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'
import { waitFor } from '../../runtime/wait.ts'
import { type Reader, readerName, type Sync, type SyncContext, WORKLOADS } from './sync.ts'

/** As `kubectl rollout restart` does it: Argo CD leaves the annotation alone. */
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt'

/** Restarts what reads a Secret that has changed since its pods began, and waits until all of its pods are new. */
export function readersRestarted(sync: Sync, { every = 1000 }: { every?: number } = {}): Phase<SyncContext> {
  const restartable = async (context: SyncContext) => {
    const stale = await sync.stale(context)
    for (const { reader, why } of stale) {
      const reason = heldBack(reader.object)
      if (reason) context.log.warn(`${readerName(reader)} is not restarted, though ${why}: ${reason}`)
    }
    return stale.filter(({ reader }) => heldBack(reader.object) === undefined)
  }
  return {
    id: 'secrets/read',
    title: 'What reads changed Secrets restarted',

    async check(context) {
      const stale = await restartable(context)
      return stale.length === 0
        ? { state: 'done', evidence: { restarted: [] } }
        : { state: 'todo', changes: stale.map(({ reader, why }) => `restart ${readerName(reader)}: ${why}`) }
    },

    async run(context) {
      const { environment, now, signal } = context
      const client = await context.cluster()
      const stale = await restartable(context)
      const restarted = await Promise.all(
        stale.map(async ({ reader }) => {
          const { namespace = '', name } = reader.object.metadata
          const template = { metadata: { annotations: { [RESTARTED_AT]: now().toISOString() } } }
          await client.patch(WORKLOADS[reader.kind], { namespace, name }, { spec: { template } }, signal)
          return reader
        }),
      )
      const names = restarted.map(readerName)
      await context.journal?.fact('restarted', names)
      await Promise.all(restarted.map(reader => rolledOut(reader, context, { within: environment.verify.deadline, every })))
      return { restarted: names } as Json
    },

    summary: evidence => (evidence as unknown as { restarted: string[] }).restarted.join(', '),
  }
}

/** @throws OpsError 6 when its own deadline passes, 124 */
async function rolledOut(
  reader: Reader,
  { cluster, signal, progress }: SyncContext,
  { within, every }: { within: number; every: number },
): Promise<void> {
  const { namespace = '', name } = reader.object.metadata
  const undo = command`./taskw kubectl -- -n ${namespace} rollout undo ${reader.kind.toLowerCase()} ${name}`
  const remedy = `\`${undo}\` goes back; \`./taskw verify\` says why`
  await waitFor({
    what: `the new pods of ${readerName(reader)}`,
    ...{ within, every, signal },
    hint: remedy,
    probe: async () => {
      const object = await (await cluster()).get<Deployment>(WORKLOADS[reader.kind], { namespace, name }, signal)
      // What was deleted in the meantime needs no new pods.
      if (!object) return true
      const progressing = conditionOf(object.status?.conditions, 'Progressing')
      const left = remainderOf({ kind: reader.kind, object })
      if (left === undefined) return true
      const isSeen = (object.status?.observedGeneration ?? 0) >= (object.metadata.generation ?? 0)
      if (isSeen && progressing?.reason === 'ProgressDeadlineExceeded')
        throw unhealthy(`${readerName(reader)}: ${progressing.message || 'its rollout makes no progress'}`, remedy)
      progress(`${name}: ${left}`)
      return undefined
    },
  })
}
