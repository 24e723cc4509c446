import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { type Manifest, readManifest } from '../../model/backup/manifest.ts'
import { backupsAmong, manifestObject, VERIFIED } from '../../model/backup/name.ts'
import { formatBytes } from '../../model/backup/size.ts'
import {
  dataFolderCommand,
  freeBytes,
  psqlCommand,
  SCRATCH,
  scratchCommands,
  type TableSum,
  tableDifferences,
  unsuitable,
} from '../../model/backup/tables.ts'
import type { Context } from '../../operation/context.ts'
import { exitCodes, external, OpsError, precondition, unhealthy, usage } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'
import { backupPlace, type Database, type Place, type PlaceContext } from './place.ts'
import { openSession, type Run, serverOf } from './server.ts'

type VerifyContext = PlaceContext & Pick<Context, 'cluster' | 'now' | 'progress'>

const LIST = '`./taskw backup:list -- --all` shows what there is'

/**
 * Restores a backup into a scratch database beside the live one, compares every table, and drops it whatever comes of it. The dump is read
 * twice: the server gets nothing of one that is not what was written.
 * @param wanted its name, or `latest`
 */
export const backupVerified = (wanted: string): Phase<VerifyContext> => ({
  id: `backup/${wanted}/verified`,
  title: `Restore backup ${wanted} beside the live database, and compare`,

  async check(context) {
    const { manifest } = await chosen(wanted, await backupPlace(context))
    const { pod } = await serverOf(databaseOf(manifest), await context.cluster(), context.signal)
    return { state: 'todo', changes: [`restore ${manifest.name} into database ${SCRATCH} of pod ${pod}, and drop it again`] }
  },

  async run(context) {
    const place = await backupPlace(context)
    const { manifest, generation } = await chosen(wanted, place)
    const { name, tables } = manifest
    const mark = (verified: string | null) =>
      place.store.annotate(manifestObject(place.prefix, name), generation, { [VERIFIED]: verified })
    try {
      await restoreAndCompare(manifest, place, context)
    } catch (error) {
      // It may have been whole when it was last looked at.
      if (error instanceof OpsError && error.code === exitCodes.unhealthy) await mark(null)
      throw error
    }
    const verified = context.now().toISOString()
    if (!(await mark(verified))) throw precondition(`the manifest of ${name} was changed or removed meanwhile`, LIST)
    const rows = tables.reduce((sum, table) => sum + table.rows, 0)
    return { backup: name, tables: tables.length, rows, verified } satisfies Json
  },

  summary: evidence => {
    const { backup, tables, rows } = evidence as { backup: string; tables: number; rows: number }
    return `${backup}: ${tables} tables, ${rows} rows, all as they were saved`
  },
})

/** @throws OpsError 4 where it can't be restored here, 6 where it is not what was saved */
async function restoreAndCompare(manifest: Manifest, place: Place, context: VerifyContext): Promise<void> {
  const { progress, signal } = context
  const { name, tables, source } = manifest
  const database = databaseOf(manifest)
  const { run, finish } = await serverOf(database, await context.cluster(), signal)
  await refuseUnsuitable(manifest, run)
  const read = (what: string) => readDump(manifest, place, bytes => progress(`${name}: ${what}, ${formatBytes(bytes)}`))
  for await (const _ of read('digest'));
  const restored = await inScratch(database, finish, async () => {
    const stream = await run(scratchCommands(source).restore)
    await Promise.all([pipeline(Readable.from(read('restore')), stream), text(stream)])
    return sumsOf({ ...database, database: SCRATCH }, run, table => progress(`${name}: checksum of ${table}`))
  })
  const differences = tableDifferences(tables, restored)
  if (differences.length > 0)
    throw unhealthy(`backup ${name} is not what was saved: ${differences.join('; ')}`, '`./taskw backup` takes another')
}

const databaseOf = ({ database, source }: Manifest): Database => ({
  name: database,
  ...{ workload: source.workload, database: source.database, role: source.role },
})

/** @throws OpsError 2 where there is none of that name, 4 where there is none at all, 6 where its manifest is not valid */
async function chosen(wanted: string, { store, prefix }: Place): Promise<{ manifest: Manifest; generation: string }> {
  const { complete, incomplete } = backupsAmong(prefix, await store.list(prefix))
  const name = wanted === 'latest' ? complete[0] : complete.find(each => each === wanted)
  if (name === undefined && wanted === 'latest') throw precondition('there is no backup', '`./taskw backup` takes one')
  if (incomplete.includes(wanted)) throw unhealthy(`backup ${wanted} is incomplete: it has no manifest`, LIST)
  const found = name === undefined ? undefined : await store.read(manifestObject(prefix, name))
  if (name === undefined || !found) throw usage(`there is no backup ${wanted}`, LIST)
  const manifest = readManifest(name, found.content)
  if ('wrong' in manifest) throw unhealthy(`the manifest of ${name} is not valid: ${manifest.wrong}`, LIST)
  return { manifest, generation: found.generation }
}

async function refuseUnsuitable({ name, source }: Manifest, run: Run): Promise<void> {
  const output = async (command: string[]) => text((await run(command)).end())
  const server = (await output([...psqlCommand(source), '--command=SHOW server_version'])).trim()
  const folder = (await output(dataFolderCommand(source))).trim()
  const why = unsuitable(source, { server, free: freeBytes(await output(['df', '-Pk', folder])) })
  if (why !== undefined) throw precondition(`backup ${name} can't be restored here: ${why}`, 'make room, or use a newer server')
}

/** The dump's content; it fails at the end of one that is not what was written. @throws OpsError 6 for that */
async function* readDump(
  { name, dump }: Manifest,
  { large }: Place,
  progress: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const chunk of await large.download(dump.object, dump.generation)) {
      hash.update(chunk)
      bytes += chunk.length
      progress(bytes)
      yield chunk
    }
  } catch (error) {
    if (!(error instanceof OpsError)) throw external(`reading ${dump.object}: it was cut`, 'run it again', error)
    if (error.code !== exitCodes.precondition) throw error
    throw unhealthy(`the dump of ${name} is gone`, '`./taskw backup` takes another', error)
  }
  if (bytes !== dump.bytes)
    throw unhealthy(`the dump of ${name} has ${bytes} of ${dump.bytes} bytes`, '`./taskw backup` takes another')
  if (hash.digest('hex') !== dump.sha256)
    throw unhealthy(`the dump of ${name} has another SHA-256 than its manifest says`, '`./taskw backup` takes another')
}

async function sumsOf(database: Database, run: Run, progress: (table: string) => void): Promise<TableSum[]> {
  const session = await openSession(run, database)
  try {
    return await session.sums(progress)
  } finally {
    session.close()
  }
}

/** With an empty scratch database, which is dropped in any case. */
async function inScratch<T>(database: Database, run: Run, work: () => Promise<T>): Promise<T> {
  const { drop, create } = scratchCommands(database)
  const done = async (command: string[]) => void (await text((await run(command)).end()))
  await done(drop)
  await done(create)
  try {
    return await work()
  } finally {
    await done(drop)
  }
}
