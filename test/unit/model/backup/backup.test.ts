import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MANIFEST_SCHEMA, type Manifest, readManifest } from '../../../../lib/model/backup/manifest.ts'
import {
  backupsAmong,
  dumpObject,
  formatBackupName,
  manifestObject,
  parseBackupName,
} from '../../../../lib/model/backup/name.ts'
import { freeBytes, isSumsEnd, tableDifferences, unsuitable } from '../../../../lib/model/backup/tables.ts'

const names = suite("a backup's name")
for (const [database, time, name] of [
  ['threads', '2026-11-29T17:15:09.123Z', 'threads-20261129-171509'],
  ['a-b-1', '2024-02-29T23:59:59.999Z', 'a-b-1-20240229-235959'],
  ['20240101-000000', '2026-01-01T00:00:00.000Z', '20240101-000000-20260101-000000'],
] as const)
  names(`${name}: there and back`, () => {
    assert.is(formatBackupName({ database, takenAt: new Date(time) }), name)
    assert.equal(parseBackupName(name), { database, takenAt: new Date(time.replace(/\.\d+/, '')) })
  })
for (const name of [
  '',
  'threads',
  'threads-20261129',
  'threads-20260229-000000',
  'threads-20261129-240000',
  '-20261129-171509',
  'T-20261129-171509',
  'a/b-20261129-171509',
])
  names(`"${name}" is none`, () => assert.is(parseBackupName(name), undefined))
names.run()

const among = suite('backupsAmong')
const [OLD, NEW, OTHER] = ['threads-20261128-000000', 'threads-20261129-000000', 'a-20261128-120000']
for (const [why, objects, expected] of [
  ['none', [], { complete: [], incomplete: [] }],
  [
    'newest first, of whatever database',
    [OLD, NEW, OTHER].flatMap(name => [dumpObject('b/', name), manifestObject('b/', name)]),
    { complete: [NEW, OTHER, OLD], incomplete: [] },
  ],
  ['a dump without a manifest is no backup', [dumpObject('b/', OLD)], { complete: [], incomplete: [OLD] }],
  ['a manifest whose dump is gone is listed: verify says so', [manifestObject('b/', OLD)], { complete: [OLD], incomplete: [] }],
  [
    'what else lies there',
    ['b/notes.json', 'c/threads-20261128-000000.json', 'b/x.dump', 'b/'],
    { complete: [], incomplete: [] },
  ],
] as const)
  among(why, () => assert.equal(backupsAmong('b/', objects), expected))
among.run()

const manifest: Manifest = {
  schema: MANIFEST_SCHEMA,
  name: NEW,
  environment: 'lab',
  database: 'threads',
  takenAt: '2026-11-29T00:00:00.000Z',
  source: { workload: 'threads/postgres', database: 'threads', role: 'threads', server: '16.4', bytes: 7_691_623 },
  dump: { object: `b/${NEW}.dump`, generation: '17', bytes: 10, sha256: 'a'.repeat(64), format: 'custom' },
  tables: [{ table: 'public.posts', rows: 2, checksum: '-12' }],
  gitSha: 'abc',
  operator: 'me@here',
  images: { 'postgres/postgres': 'postgres:16.4' },
}
const manifests = suite('readManifest')
manifests('one as it should be', () => assert.equal(readManifest(NEW, JSON.stringify(manifest)), manifest))
for (const [why, text, wrong] of [
  ['cut off', JSON.stringify(manifest).slice(0, -1), 'it is not JSON'],
  ['no object', '[]', 'it is not an object'],
  ['null', 'null', 'it is not an object'],
  [
    'of a later toolkit',
    JSON.stringify({ ...manifest, schema: 'threads-ops/backup/2' }),
    'its schema is "threads-ops/backup/2", not threads-ops/backup/1',
  ],
  ['of another backup', JSON.stringify({ ...manifest, name: OLD }), `it is that of ${OLD}`],
  [
    'without a digest',
    JSON.stringify({ ...manifest, dump: { ...manifest.dump, sha256: '' } }),
    'dump.sha256 is missing or not valid',
  ],
  ['without a dump', JSON.stringify({ ...manifest, dump: undefined }), 'dump.object is missing or not valid'],
  [
    'of a negative size',
    JSON.stringify({ ...manifest, dump: { ...manifest.dump, bytes: -1 } }),
    'dump.bytes is missing or not valid',
  ],
  [
    'with a table that has no sum',
    JSON.stringify({ ...manifest, tables: [{ table: 't', rows: 1 }] }),
    'tables is missing or not valid',
  ],
  ['with a time that is none', JSON.stringify({ ...manifest, takenAt: 'yesterday' }), 'takenAt is missing or not valid'],
] as const)
  manifests(why, () => assert.equal(readManifest(NEW, text), { wrong }))
manifests.run()

const differences = suite('tableDifferences')
const [posts, users] = [
  { table: 'public.posts', rows: 2, checksum: '5' },
  { table: 'public.users', rows: 1, checksum: '7' },
]
for (const [why, saved, restored, expected] of [
  ['none at all', [], [], []],
  ['the same in another order', [posts, users], [users, posts], []],
  ['one is missing', [posts, users], [posts], ['public.users is missing']],
  ['one more', [posts], [posts, users], ['public.users was not saved']],
  ['rows are missing', [posts], [{ ...posts, rows: 1 }], ['public.posts has rows: 1, not 2']],
  ['as many, but others', [posts], [{ ...posts, checksum: '6' }], ['public.posts has 2 rows, but not the same ones']],
] as const)
  differences(why, () => assert.equal(tableDifferences(saved, restored), expected))
differences('the end of the sums, and a table called so', () => {
  assert.ok(isSumsEnd('{"end" : true}'))
  assert.not(isSumsEnd('{"table" : "public.\\"end\\"", "rows" : 0, "checksum" : "0"}'))
})
differences.run()

const free = suite('freeBytes')
const HEADING = 'Filesystem 1024-blocks Used Available Capacity Mounted on\n'
for (const [why, printed, expected] of [
  ['of coreutils', `${HEADING}/dev/sda1 10218772 2047432 7630508 22% /var/lib/postgresql/data\n`, 7_630_508 * 1024],
  ['of busybox', `${HEADING}overlay              10218772   2047432   7630508  21% /\n`, 7_630_508 * 1024],
  ['a device with a space in its name', `${HEADING}//nas/a b 100 40 60 40% /mnt\n`, 60 * 1024],
  ['full', `${HEADING}/dev/sda1 100 100 0 100% /\n`, 0],
  ['nothing', '', undefined],
  ['the heading alone', HEADING, undefined],
] as const)
  free(why, () => assert.is(freeBytes(printed), expected))
free.run()

const suitable = suite('unsuitable')
const GIB = 2 ** 30
for (const [why, source, live, expected] of [
  ['the same version, and room', { server: '16.4', bytes: GIB }, { server: '16.4', free: 2 * GIB }, undefined],
  ['a newer server', { server: '9.6.24', bytes: 0 }, { server: '16.4 (Debian)', free: 2 * GIB }, undefined],
  ['a newer minor', { server: '16.9', bytes: 0 }, { server: '16.4', free: 2 * GIB }, undefined],
  [
    'a newer major',
    { server: '17.0', bytes: 0 },
    { server: '16.4', free: 2 * GIB },
    'it is of PostgreSQL 17.0, and the server is 16.4',
  ],
  [
    'no room',
    { server: '16.4', bytes: GIB },
    { server: '16.4', free: GIB },
    'it takes 1.3 GiB on the volume, of which 1.0 GiB are free',
  ],
  ['just enough', { server: '16.4', bytes: 0 }, { server: '16.4', free: GIB / 4 }, undefined],
  [
    'nobody knows',
    { server: '16.4', bytes: 0 },
    { server: '16.4', free: undefined },
    "how much is free on the volume can't be told",
  ],
] as const)
  suitable(why, () => assert.is(unsuitable(source, live), expected))
suitable.run()
