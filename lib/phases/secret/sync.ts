import { createHash } from 'node:crypto'
import { externalSecrets, type Kind, kinds, secrets } from '../../cluster/kinds.ts'
import { didYouMean } from '../../config/suggest.ts'
import type { Pod } from '../../model/health/objects.ts'
import { namespacedName, objectName } from '../../model/namespaced-name.ts'
import { chosenSecrets, type ExternalSecret, GROUP, targetOf, versionOf } from '../../model/secret/external.ts'
import { isStale, type StoredSecret, secretsRead, type Workload } from '../../model/secret/readers.ts'
import type { Context } from '../../operation/context.ts'
import { precondition, usage } from '../../runtime/errors.ts'

export type SyncContext = Pick<Context, 'cluster' | 'signal' | 'now' | 'log' | 'progress' | 'environment' | 'journal'>

export type WorkloadKind = 'Deployment' | 'StatefulSet' | 'DaemonSet'
export const WORKLOADS: Record<WorkloadKind, Kind> = {
  Deployment: kinds.deployments,
  StatefulSet: kinds.statefulSets,
  DaemonSet: kinds.daemonSets,
}

/** What reads a Secret. */
export interface Reader {
  kind: WorkloadKind
  object: Workload
}
export const readerName = ({ kind, object }: Reader): string => objectName(kind, object.metadata)

/** What the phases of `secret:sync` share. */
export class Sync {
  readonly #names: readonly string[]
  /** `namespace/name` of the Secrets that were changed by this run; undefined before it has synced. */
  changed: Set<string> | undefined

  /** @param names of ExternalSecrets, as `name` or `namespace/name`; all without names */
  constructor(names: readonly string[]) {
    this.#names = names
  }

  /** The ExternalSecrets that are meant, and where they are. @throws OpsError 4 without the operator, 2 for an unknown name */
  async chosen({ cluster, signal }: SyncContext): Promise<{ kind: Kind; all: ExternalSecret[] }> {
    const client = await cluster()
    const served = await client.versions(GROUP, signal)
    const version = versionOf(served)
    if (version === undefined) {
      const why = served.length > 0 ? `serves only ${served.join(', ')} of ${GROUP}` : `does not know ${GROUP}`
      throw precondition(
        `the cluster ${why}: there is nothing to sync`,
        'is the External Secrets Operator installed? `./taskw verify`',
      )
    }
    const kind = externalSecrets(version)
    const there = await client.list<ExternalSecret>(kind, undefined, signal)
    const { chosen, unknown } = chosenSecrets(there, this.#names)
    const [first] = unknown
    if (first !== undefined) {
      const known = there.map(({ metadata }) => metadata.name)
      const hint = known.length > 0 ? `one of: ${there.map(namespacedName).join(', ')}` : 'there are none at all'
      throw usage(`there is no ExternalSecret "${first}"${didYouMean(first, known)}`, hint)
    }
    return { kind, all: chosen }
  }

  /** What reads the Secrets of these, by the Secret's `namespace/name`. */
  async readers(external: readonly ExternalSecret[], { cluster, signal }: SyncContext): Promise<Map<string, Reader[]>> {
    const client = await cluster()
    const lists = await Promise.all(
      Object.entries(WORKLOADS).map(async ([kind, where]) =>
        (await client.list<Workload>(where, undefined, signal)).map(object => ({ kind: kind as WorkloadKind, object })),
      ),
    )
    const workloads = lists.flat().filter(({ object }) => object.metadata.deletionTimestamp === undefined)
    return new Map(
      external.map(secret => {
        const { namespace = '' } = secret.metadata
        const name = targetOf(secret)
        const reading = workloads.filter(
          ({ object }) => object.metadata.namespace === namespace && secretsRead(object.spec?.template).includes(name),
        )
        return [`${namespace}/${name}`, reading]
      }),
    )
  }

  /** The readers whose Secret this run has changed, or whose pods began before it was changed, each once with the reason. */
  async stale(context: SyncContext): Promise<{ reader: Reader; why: string }[]> {
    const client = await context.cluster()
    const { all } = await this.chosen(context)
    const readers = await this.readers(all, context)
    const pods = await client.list<Pod>(kinds.pods, undefined, context.signal)
    const found = new Map<string, { reader: Reader; why: string }>()
    for (const [name, reading] of readers) {
      const stored = await storedSecret(name, context)
      for (const reader of reading) {
        const why = this.changed?.has(name)
          ? 'has changed'
          : stored && isStale(reader.object, stored, pods)
            ? 'is newer than its pods'
            : ''
        if (why && !found.has(readerName(reader))) found.set(readerName(reader), { reader, why: `Secret ${name} ${why}` })
      }
    }
    return [...found.values()]
  }
}

async function storedSecret(name: string, { cluster, signal }: SyncContext): Promise<StoredSecret | undefined> {
  const slash = name.indexOf('/')
  const where = { namespace: name.slice(0, slash), name: name.slice(slash + 1) }
  return (await cluster()).get<StoredSecret>(secrets, where, signal)
}

/** What tells whether a Secret's data has changed, and nothing of the data itself; undefined without the Secret. */
export async function digestOf(name: string, context: SyncContext): Promise<string | undefined> {
  const stored = await storedSecret(name, context)
  if (!stored) return undefined
  const entries = Object.entries(stored.data ?? {}).sort(([one], [other]) => (one < other ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex')
}
