import { namespacedName } from '../../model/namespaced-name.ts'
import { type ExternalSecret, FORCE_SYNC, isMadeOnce, targetOf, unsynced } from '../../model/secret/external.ts'
import { external } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'
import { waitFor } from '../../runtime/wait.ts'
import { digestOf, readerName, type Sync, type SyncContext } from './sync.ts'

/** How long the operator may take to ask its store and write the Secrets. In milliseconds. */
const SYNC_WITHIN_MS = 90_000
/** Times are in whole seconds: one that was refreshed in the same second looks as if it had not been, and is asked again. In milliseconds. */
const AGAIN_MS = 10_000

/** Has every ExternalSecret refreshed now, and sees which Secrets that changes. */
export function secretsSynced(
  sync: Sync,
  { within = SYNC_WITHIN_MS, every = 1000, again = AGAIN_MS }: { within?: number; every?: number; again?: number } = {},
): Phase<SyncContext> {
  return {
    id: 'secrets/synced',
    title: 'ExternalSecrets synced',

    async check(context) {
      const { all } = await sync.chosen(context)
      for (const secret of all.filter(isMadeOnce))
        context.log.warn(`${namespacedName(secret)} is made once (refreshPolicy CreatedOnce): it is not synced`)
      const meant = all.filter(secret => !isMadeOnce(secret))
      if (meant.length === 0 || sync.changed) return { state: 'done', evidence: { synced: [] } }
      const readers = await sync.readers(meant, context)
      const changes = meant.map(secret => {
        const target = `${secret.metadata.namespace}/${targetOf(secret)}`
        const names = (readers.get(target) ?? []).map(readerName).join(', ')
        return `sync ${namespacedName(secret)} into Secret ${target}${names ? `, which ${names} read${names.includes(',') ? '' : 's'}` : ', which nothing reads'}`
      })
      return { state: 'todo', changes }
    },

    async run(context) {
      const { kind, all } = await sync.chosen(context)
      const meant = all.filter(secret => !isMadeOnce(secret))
      const targets = [...new Set(meant.map(secret => `${secret.metadata.namespace}/${targetOf(secret)}`))]
      const digests = await Promise.all(targets.map(name => digestOf(name, context)))
      const client = await context.cluster()

      const ask = ({ metadata: { namespace = '', name } }: ExternalSecret) => {
        const annotations = { [FORCE_SYNC]: String(context.now().getTime()) }
        return client.patch(kind, { namespace, name }, { metadata: { annotations } }, context.signal)
      }
      const synced = async (before: ExternalSecret) => {
        const { namespace = '', name } = before.metadata
        await ask(before)
        let asked = performance.now()
        let said = ''
        return waitFor({
          what: `${namespacedName(before)} to be synced`,
          ...{ within, every, signal: context.signal },
          hint: '`./taskw kubectl -- describe externalsecret -A` says more; the store, or its permissions?',
          probe: async () => {
            const now = await client.get<ExternalSecret>(kind, { namespace, name }, context.signal)
            if (!now) throw external(`ExternalSecret ${namespacedName(before)} is gone`, 'run it again')
            const reason = unsynced(before, now)
            if (reason === undefined) return true as const
            if (performance.now() - asked > again) {
              asked = performance.now()
              await ask(before)
            }
            if (reason !== said) context.progress(`${name}: ${reason}`)
            said = reason
            throw new Error(reason)
          },
        })
      }
      const ends = await Promise.allSettled(meant.map(synced))
      // What was changed is known even where another one failed.
      const after = await Promise.all(targets.map(name => digestOf(name, context)))
      const changed = targets.filter((_name, index) => digests[index] !== after[index])
      await context.journal?.fact('changedSecrets', changed)
      const failure = ends.find(end => end.status === 'rejected')
      if (failure) throw failure.reason
      sync.changed = new Set(changed)
      return { synced: meant.map(namespacedName), changed } as Json
    },

    summary: evidence => {
      const { synced, changed } = evidence as unknown as { synced: string[]; changed: string[] }
      return `${synced.length} synced, ${changed.length === 0 ? 'none has changed' : `changed: ${changed.join(', ')}`}`
    },
  }
}
