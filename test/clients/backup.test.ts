import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocketServer } from 'ws'
import { PROTOCOLS, serveExec } from '../../lab/machine/node-agent/exec.ts'
import { execInPod } from '../../lib/cluster/exec.ts'
import { createRest } from '../../lib/cluster/rest.ts'
import type { Credentials } from '../../lib/google/credentials.ts'
import { openLargeObjects } from '../../lib/google/large-objects.ts'
import { openStore, type Store } from '../../lib/google/storage.ts'
import type { Manifest } from '../../lib/model/backup/manifest.ts'
import { formatBackupName } from '../../lib/model/backup/name.ts'
import { backupsFound } from '../../lib/phases/backup/found.ts'
import { backupTaken } from '../../lib/phases/backup/taken.ts'
import { backupVerified } from '../../lib/phases/backup/verified.ts'
import type { OpsError } from '../../lib/runtime/errors.ts'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

const run = promisify(execFile)
const NOBODY = 65_534
const VERSIONS = '/usr/lib/postgresql'
const programs = existsSync(VERSIONS) ? join(VERSIONS, readdirSync(VERSIONS).sort().at(-1) ?? '', 'bin') : undefined
/** Then the server is another user's, who can't enter the folder of a test run. */
const isRoot = process.getuid?.() === 0

interface Context {
  lab: TestLab
  folder: string
  store: Store
  context: Parameters<ReturnType<typeof backupTaken>['run']>[0]
  close(): void
}

/** Initdb and the server refuse to run as root. */
const asServer = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
const server = (folder: string, program: string, ...args: string[]) =>
  run(join(programs ?? '', program), args, { cwd: folder, env: { ...process.env, PGHOST: folder }, ...asServer })
const sql = (folder: string, statement: string) =>
  run('psql', ['-X', '-q', '-A', '-t', '-U', 'threads', '-d', 'threads', '-c', statement], {
    env: { ...process.env, PGHOST: folder },
  }).then(({ stdout }) => stdout.trim())

const client = new OAuth2Client()
client.setCredentials({ access_token: TOKEN })
const credentials = { client: async () => client } as unknown as Credentials
const database = { name: 'main', workload: 'threads/postgres', database: 'threads', role: 'threads' }

const backups = suite<Context>('backups of a real server')
backups.before(async context => {
  const folder = await mkdtemp(join(isRoot ? '/tmp' : tmpdir(), 'backup-'))
  await chmod(folder, 0o777)
  context.folder = folder
  await server(folder, 'initdb', '-D', join(folder, 'data'), '-U', 'threads', '--auth-local=trust', '--no-sync')
  const options = `-c listen_addresses= -c fsync=off -c unix_socket_directories=${folder}`
  // Not by `run`: the server would hold its pipes.
  const starting = spawn(
    join(programs ?? '', 'pg_ctl'),
    ['-D', join(folder, 'data'), '-o', options, '-l', join(folder, 'log'), '-w', 'start'],
    { cwd: folder, stdio: 'ignore', ...asServer },
  )
  await once(starting, 'exit')
  await run('createdb', ['-U', 'threads', '-h', folder, '-T', 'template0', 'threads'])
  await sql(
    folder,
    `CREATE TABLE ledger (id int PRIMARY KEY, balance int NOT NULL);
     INSERT INTO ledger SELECT n, 100 FROM generate_series(1, 50) n;
     CREATE SCHEMA "Odd ""one"; CREATE TABLE "Odd ""one"."t;t" (t timestamptz, f float8, b bytea);
     INSERT INTO "Odd ""one"."t;t" VALUES (now(), 0.1, '\\x00ff'), (NULL, NULL, NULL);
     CREATE TABLE empty ()`,
  )

  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: offered => PROTOCOLS.find(one => offered.has(one)) ?? false,
  })
  const api = createServer().on('upgrade', (request, socket, head) => {
    const query = new URL(request.url ?? '', 'http://localhost').searchParams
    query.set('input', '1')
    const inside = ([command = '', ...args]: readonly string[]) => ({
      command,
      args,
      environment: { ...process.env, PGHOST: folder, PGTZ: 'Asia/Taipei' },
    })
    sockets.handleUpgrade(request, socket, head, connection => void serveExec(connection, { inside } as never, query))
  })
  await once(api.listen(0, '127.0.0.1'), 'listening')
  const rest = createRest({ server: `http://127.0.0.1:${(api.address() as AddressInfo).port}`, options: async () => ({}) })
  const labels = { 'app.kubernetes.io/name': 'postgres' }
  const cluster = {
    get: async (kind: { plural: string }) =>
      kind.plural === 'deployments' ? { spec: { selector: { matchLabels: labels } } } : undefined,
    list: async () => [
      {
        metadata: { name: 'postgres-1', labels },
        spec: { containers: [{ name: 'postgres', image: 'postgres:16.4-alpine' }] },
        status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
      },
    ],
    exec: (command: Parameters<typeof execInPod>[1], signal: AbortSignal) => execInPod(rest, command, signal),
  }

  context.lab = await TestLab.start()
  const endpoint = context.lab.url
  context.store = await openStore('state', PROJECT, credentials, { endpoint })
  await context.store.create('US-EAST1', {})
  context.context = {
    environment: { name: 'lab', backups: { databases: {} } },
    endpoints: { storage: endpoint },
    credentials,
    store: async () => context.store,
    cluster: async () => cluster,
    now: () => new Date(),
    progress: () => undefined,
    signal: new AbortController().signal,
  } as never
  context.close = () => {
    rest.close()
    for (const each of sockets.clients) each.terminate()
    api.close()
    api.closeAllConnections()
  }
})
backups.after(async ({ lab, folder, close }) => {
  close?.()
  await lab?.stop()
  await server(folder, 'pg_ctl', '-D', join(folder, 'data'), '-m', 'immediate', 'stop').catch(() => undefined)
  await rm(folder, { recursive: true, force: true })
})

backups('taken under load: dump, counts and checksums are of one instant', async ({ context, folder, lab }) => {
  const load = spawn('psql', ['-X', '-q', '-U', 'threads', '-d', 'threads'], {
    env: { ...process.env, PGHOST: folder },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  load.stdin.on('error', () => undefined)
  const transfer = () =>
    load.stdin.write(
      'BEGIN; UPDATE ledger SET balance = balance - 1 WHERE id = 1; UPDATE ledger SET balance = balance + 1 WHERE id = 50; INSERT INTO ledger SELECT max(id) + 1, 0 FROM ledger; COMMIT;\n',
    )
  const writing = setInterval(transfer, 3)
  try {
    const evidence = await backupTaken(database).run(context)
    const [found] = await backupsFound(context)
    assert.is(found?.name, (evidence as { backup: string }).backup)
    const manifest = found?.manifest
    if (!manifest) throw new Error('it has no manifest')
    const { dump, tables, source, images } = manifest
    const large = await openLargeObjects('state', credentials, { endpoint: lab.url })
    const content = await buffer(await large.download(dump.object, dump.generation))
    assert.is(createHash('sha256').update(content).digest('hex'), dump.sha256)
    assert.is(content.length, dump.bytes)
    assert.equal(images, { 'postgres/postgres': 'postgres:16.4-alpine' })
    assert.match(source.server, /^\d+/)
    assert.equal(
      tables.map(({ table }) => table),
      ['"Odd ""one"."t;t"', 'public.empty', 'public.ledger'],
    )

    await run('createdb', ['-U', 'threads', '-h', folder, '-T', 'template0', 'scratch'])
    const restore = spawn('pg_restore', ['-U', 'threads', '-h', folder, '--exit-on-error', '-d', 'scratch'], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    restore.stdin.end(content)
    assert.equal(await once(restore, 'exit'), [0, null])
    const { openSession } = await import('../../lib/phases/backup/server.ts')
    const cluster = await context.cluster()
    const session = await openSession(
      command => cluster.exec({ namespace: 'threads', pod: 'postgres-1', container: 'postgres', command }),
      { ...database, database: 'scratch' },
    )
    assert.equal(await session.sums(() => undefined), tables)
    session.close()
    const total = await run('psql', [
      '-XqAt',
      '-U',
      'threads',
      '-h',
      folder,
      '-d',
      'scratch',
      '-c',
      'SELECT sum(balance) FROM ledger',
    ])
    assert.is(total.stdout.trim(), '5000')
  } finally {
    clearInterval(writing)
    load.kill()
    await once(load, 'exit')
  }
})
const databasesOf = (folder: string) =>
  sql(folder, "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate")
backups('the latest is restored beside the live database and marked; nothing stays', async ({ context, folder }) => {
  const before = await databasesOf(folder)
  const rows = await sql(folder, 'SELECT count(*) FROM ledger')
  assert.match(JSON.stringify(await backupVerified('latest').run(context)), '"tables":3')
  assert.match((await backupsFound(context))[0]?.verified ?? '', /^\d{4}-\d\d-\d\dT/)
  assert.is(await databasesOf(folder), before)
  assert.is(await sql(folder, 'SELECT count(*) FROM ledger'), rows)
})
for (const [why, change, message] of [
  ['another digest', (manifest: Manifest) => ({ dump: { ...manifest.dump, sha256: '0'.repeat(64) } }), 'another SHA-256'],
  [
    'too short',
    (manifest: Manifest) => ({ dump: { ...manifest.dump, bytes: manifest.dump.bytes + 1 } }),
    /has \d+ of \d+ bytes/,
  ],
  ['a dump that is gone', (manifest: Manifest) => ({ dump: { ...manifest.dump, generation: '1' } }), 'is gone'],
  [
    'other rows',
    (manifest: Manifest) => ({ tables: manifest.tables.map(sum => ({ ...sum, checksum: `${sum.checksum}1` })) }),
    'but not the same ones',
  ],
] as const)
  backups(`${why}: 6, not marked, and nothing stays`, async ({ context, folder, store }) => {
    const [latest] = await backupsFound(context)
    const name = formatBackupName({ database: 'main', takenAt: new Date(2019, 0, 1) })
    const object = `backups/lab/${name}.json`
    const manifest = latest?.manifest as Manifest
    await store.put(object, JSON.stringify({ ...manifest, name, ...change(manifest) }))
    const before = await databasesOf(folder)
    const error = await backupVerified(name)
      .run(context)
      .catch((error: OpsError) => error)
    assert.is((error as OpsError).code, 6, String(error))
    assert.match((error as OpsError).message, message)
    assert.is(await databasesOf(folder), before)
    assert.is((await backupsFound(context)).find(each => each.name === name)?.verified, undefined)
    await store.remove(object, (await store.read(object))?.generation ?? '')
  })
backups('interrupted while the server restores: nothing stays', async ({ context, folder }) => {
  const before = await databasesOf(folder)
  const stop = new AbortController()
  let during = ''
  const stopped = {
    ...context,
    signal: stop.signal,
    progress: (said: string) => {
      if (said.includes('checksum of')) stop.abort()
      else if (said.includes('restore')) during = said
    },
  }
  const error = await backupVerified('latest')
    .run(stopped)
    .catch((error: Error) => error)
  assert.instance(error, Error)
  assert.match(during, 'restore')
  assert.is(await databasesOf(folder), before)
})
backups('one that was whole and no longer is loses its mark', async ({ context, store }) => {
  const [latest] = await backupsFound(context)
  const name = formatBackupName({ database: 'main', takenAt: new Date(2019, 0, 2) })
  const object = `backups/lab/${name}.json`
  const manifest = latest?.manifest as Manifest
  await store.put(object, JSON.stringify({ ...manifest, name, dump: { ...manifest.dump, sha256: '0'.repeat(64) } }))
  const generation = (await store.read(object))?.generation ?? ''
  assert.ok(await store.annotate(object, generation, { verified: '2019-01-03T00:00:00.000Z' }))
  const error = await backupVerified(name)
    .run(context)
    .catch((error: OpsError) => error)
  assert.is((error as OpsError).code, 6)
  assert.is((await backupsFound(context)).find(each => each.name === name)?.verified, undefined)
  await store.remove(object, generation)
})
for (const [wanted, code] of [
  ['main-20180101-000000', 2],
  ['nonsense', 2],
] as const)
  backups(`no backup ${wanted}: ${code}`, async ({ context }) => {
    const error = await backupVerified(wanted)
      .run(context)
      .catch((error: OpsError) => error)
    assert.is((error as OpsError).code, code)
  })
for (const [why, other, message] of [
  ['no such database', { database: 'elsewhere' }, 'database "elsewhere" does not exist'],
  ['no such role', { role: 'nobody' }, 'role "nobody" does not exist'],
] as const)
  backups(`${why}: psql’s words, and nothing in the bucket`, async ({ context, store }) => {
    const before = await store.list('')
    const error = await backupTaken({ ...database, ...other })
      .run(context)
      .catch((error: OpsError) => error)
    assert.is((error as OpsError).code, 5)
    assert.match((error as OpsError).message, message)
    assert.equal(await store.list(''), before)
  })
backups('a table that the role may not read: no manifest, so no backup', async ({ context, folder, store }) => {
  const before = await backupsFound(context)
  await sql(folder, 'CREATE ROLE reader LOGIN')
  const error = await backupTaken({ ...database, role: 'reader' })
    .run(context)
    .catch((error: OpsError) => error)
  assert.match((error as OpsError).message, 'permission denied')
  assert.equal(await backupsFound(context), before)
  assert.is((await store.list('backups/')).length, before.length * 2)
})
backups('a dump without a manifest is incomplete, a manifest that is not valid says why', async ({ context, store }) => {
  const [first, second] = [1, 2].map(day => formatBackupName({ database: 'x', takenAt: new Date(2020, 0, day) })) as [
    string,
    string,
  ]
  await store.put(`backups/lab/${first}.dump`, 'half')
  await store.put(`backups/lab/${second}.json`, '{')
  const wrong = (await backupsFound(context)).flatMap(({ name, wrong }) => (wrong === undefined ? [] : [[name, wrong]]))
  assert.equal(wrong, [
    [second, 'its manifest is not valid: it is not JSON'],
    [first, 'incomplete: it has no manifest'],
  ])
})
if (programs && existsSync('/usr/bin/pg_dump')) backups.run()
else process.stderr.write('backup.test.ts: skipped, there is no PostgreSQL here\n')
