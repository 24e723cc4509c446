import { type LargeObjects, openLargeObjects } from '../../google/large-objects.ts'
import { openStore, type Store } from '../../google/storage.ts'
import type { Context } from '../../operation/context.ts'
import { precondition, usage } from '../../runtime/errors.ts'

export type PlaceContext = Pick<
  Context,
  'environment' | 'endpoints' | 'credentials' | 'store' | 'output' | 'baseLayer' | 'signal'
>

/** Where an environment's backups lie. */
export interface Place {
  store: Store
  large: LargeObjects
  /** Of their objects' names. */
  prefix: string
}

/** @throws OpsError 4 where there is no such bucket */
export async function backupPlace(context: PlaceContext): Promise<Place> {
  const { environment, endpoints, credentials, signal, output, baseLayer } = context
  const own = environment.backups?.bucket
  const options = { endpoint: endpoints?.storage, signal }
  const store =
    own === undefined
      ? await context.store()
      : await openStore(own, () => output(baseLayer, 'project_id'), credentials, options)
  if (!(await store.exists()))
    throw precondition(
      `there is no bucket ${store.name} for backups`,
      own === undefined
        ? '`./taskw up` creates it'
        : `create it, or correct backups.bucket in environments/${environment.name}.yaml`,
    )
  const large = await openLargeObjects(store.name, credentials, options)
  return { store, large, prefix: `${own === undefined ? 'backups/' : ''}${environment.name}/` }
}

export interface Database {
  /** In the environment's file. */
  name: string
  /** namespace/name of its server's Deployment or StatefulSet. */
  workload: string
  /** In the server. */
  database: string
  role: string
}

/** The databases of these names, or all of them. @throws OpsError 2 for one that the environment does not have, 4 where it has none */
export function chosenDatabases(names: readonly string[], { environment }: Pick<Context, 'environment'>): Database[] {
  const all = environment.backups?.databases ?? {}
  const known = Object.keys(all)
  const file = `environments/${environment.name}.yaml`
  if (known.length === 0) throw precondition(`${file} names no databases`, 'list them under backups.databases')
  return [...new Set(names.length === 0 ? known : names)].map(name => {
    const found = Object.hasOwn(all, name) ? all[name] : undefined
    if (!found) throw usage(`${environment.name} has no database "${name}"`, `one of: ${known.join(', ')}`)
    const { workload, database, role } = found
    return { name, workload, database, role }
  })
}
