import { MANIFEST_SCHEMA, type Manifest } from '../../model/backup/manifest.ts'
import { dumpObject, formatBackupName, manifestObject } from '../../model/backup/name.ts'
import { imagesOf } from '../../model/backup/pod.ts'
import { formatBytes } from '../../model/backup/size.ts'
import { dumpCommand } from '../../model/backup/tables.ts'
import type { Context } from '../../operation/context.ts'
import { gitSha, operator } from '../../operation/operator.ts'
import { precondition } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'
import { backupPlace, type Database, type PlaceContext } from './place.ts'
import { openSession, type SnapshotSession, serverOf } from './server.ts'

type BackupContext = PlaceContext & Pick<Context, 'cluster' | 'now' | 'progress'>

/**
 * Saves a database: a dump by the server's own program, and a manifest that is written last. Dump, row counts and checksums are of one
 * snapshot of the database, whatever is written meanwhile.
 */
export const backupTaken = (database: Database, taken: Manifest[] = []): Phase<BackupContext> => ({
  id: `backup/${database.name}`,
  title: `Back up database ${database.name}`,

  async check(context) {
    const [{ store, prefix }, { pod }] = await Promise.all([
      backupPlace(context),
      context.cluster().then(cluster => serverOf(database, cluster, context.signal)),
    ])
    return { state: 'todo', changes: [`dump database ${database.database} of pod ${pod} into gs://${store.name}/${prefix}`] }
  },

  async run(context) {
    const { signal, now, environment, progress } = context
    const [place, server] = await Promise.all([
      backupPlace(context),
      context.cluster().then(cluster => serverOf(database, cluster, signal)),
    ])
    const session = await openSession(server.run, database)
    try {
      const takenAt = now()
      const name = formatBackupName({ database: database.name, takenAt })
      progress(name)
      const object = dumpObject(place.prefix, name)
      const report = (bytes: number) => progress(`${name}: ${formatBytes(bytes)}`)
      const dump = await place.large.upload(object, await dumped(session, server, database), report)
      const tables = await session.sums(table => progress(`${name}: checksum of ${table}`))
      const { workload, role } = database
      const manifest: Manifest = {
        schema: MANIFEST_SCHEMA,
        name,
        environment: environment.name,
        database: database.name,
        takenAt: takenAt.toISOString(),
        source: { workload, database: database.database, role, server: session.start.server, bytes: session.start.bytes },
        dump: { object, ...dump, format: 'custom' },
        tables,
        gitSha: await gitSha(),
        operator: operator(),
        images: imagesOf(server.pods),
      }
      const manifestName = manifestObject(place.prefix, name)
      if ((await place.store.write(manifestName, `${JSON.stringify(manifest, undefined, 2)}\n`, '0')) === undefined)
        throw precondition(`there is a manifest ${manifestName} already`, 'run it again: it takes another name')
      taken.push(manifest)
      return { backup: name, bytes: dump.bytes, sha256: dump.sha256, tables: tables.length } satisfies Json
    } finally {
      session.close()
    }
  },

  summary: evidence => {
    const { backup, bytes, tables } = evidence as { backup: string; bytes: number; tables: number }
    return `${backup}, ${formatBytes(bytes)}, ${tables} tables`
  },
})

async function dumped({ start }: SnapshotSession, { run }: Awaited<ReturnType<typeof serverOf>>, database: Database) {
  const stream = await run(dumpCommand(database, start.snapshot))
  return stream.end()
}
