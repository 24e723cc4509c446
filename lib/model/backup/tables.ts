import { formatBytes } from './size.ts'

/** A table's rows at one instant. */
export interface TableSum {
  /** With its schema, quoted as SQL wants it. */
  table: string
  rows: number
  /** The sum over all rows of `hashtextextended` of the row as text: in whatever order they lie, the same rows have the same sum. */
  checksum: string
}

/** What a session says first: the snapshot that a dump can share, and what it is of. */
export interface SessionStart {
  snapshot: string
  server: string
  /** The database's size. */
  bytes: number
}

/**
 * Statements for a psql session that reads one snapshot for as long as it is open. What a row looks like as text must not depend on the
 * role's, database's or server's settings. The first line of the answer is a SessionStart.
 */
export const OPEN_SNAPSHOT = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres';
SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL search_path = ''; SET LOCAL client_encoding = 'UTF8';
SELECT json_build_object('snapshot', pg_export_snapshot(), 'server', current_setting('server_version'), 'bytes', pg_database_size(current_database()));
`

/**
 * Statements whose answer is a TableSum on a line for each table that a dump holds rows of, and then SUMS_END. The rows of partitions
 * and heirs are their own; those of an extension's tables are the extension's.
 */
export const SUM_TABLES = `SELECT format('SELECT json_build_object(''table'', %L, ''rows'', count(*), ''checksum'', coalesce(sum(hashtextextended((t.*)::text, 0)::numeric), 0)::text) FROM ONLY %I.%I t', format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
\\gexec
SELECT json_build_object('end', true);
`

/** Whether a line is the last of the answer to SUM_TABLES. */
export const isSumsEnd = (line: string): boolean => line.replaceAll(' ', '') === '{"end":true}'

/** psql and pg_dump by the pod's local socket, where the role needs no password: none is in an argument. */
export const connectAs = ({ database, role }: { database: string; role: string }): string[] => [
  `--username=${role}`,
  `--dbname=${database}`,
  '--no-password',
]

export const psqlCommand = (as: { database: string; role: string }): string[] => [
  ...['psql', '--no-psqlrc', '--quiet', '--no-align', '--tuples-only', '--set=ON_ERROR_STOP=1'],
  ...connectAs(as),
]

export const dumpCommand = (as: { database: string; role: string }, snapshot: string): string[] => [
  ...['pg_dump', '--format=custom', `--snapshot=${snapshot}`],
  ...connectAs(as),
]

/** Where a backup is restored to be looked at, beside the live database. */
export const SCRATCH = 'threads-ops-verify'

/** Commands for the scratch database; one that a killed run has left is dropped first. */
export const scratchCommands = ({ database, role }: { database: string; role: string }) => {
  const as = [`--username=${role}`, '--no-password', `--maintenance-db=${database}`]
  return {
    drop: ['dropdb', '--if-exists', '--force', ...as, SCRATCH],
    create: ['createdb', '--template=template0', ...as, SCRATCH],
    restore: ['pg_restore', '--exit-on-error', '--no-owner', '--no-privileges', ...connectAs({ database: SCRATCH, role })],
  }
}

/** Prints where the server's data lie. */
export const dataFolderCommand = (as: { database: string; role: string }): string[] => [
  ...psqlCommand(as),
  '--command=SHOW data_directory',
]

/** What is free on a folder's volume, in bytes, of what `df -Pk` prints; undefined where it can't be told. */
export function freeBytes(printed: string): number | undefined {
  const kib = /^\S.*\s\d+\s+\d+\s+(\d+)\s+\d+%\s/.exec(printed.trim().split('\n')[1] ?? '')?.[1]
  return kib === undefined ? undefined : Number(kib) * 1024
}

/** Beside the database itself: the write-ahead log, and room for whoever else writes. In bytes. */
const BESIDE = 256 * 2 ** 20

/** Why a backup can't be restored beside the live database; undefined where it can. */
export function unsuitable(
  source: { server: string; bytes: number },
  live: { server: string; free: number | undefined },
): string | undefined {
  const [major, liveMajor] = [source, live].map(({ server }) => Number.parseInt(server, 10)) as [number, number]
  if (major > liveMajor) return `it is of PostgreSQL ${source.server}, and the server is ${live.server}`
  if (live.free === undefined) return "how much is free on the volume can't be told"
  const needed = source.bytes + BESIDE
  if (live.free >= needed) return undefined
  return `it takes ${formatBytes(needed)} on the volume, of which ${formatBytes(live.free)} are free`
}

/** How what was restored differs from what was saved, a line for each table; none where it is the same. */
export function tableDifferences(saved: readonly TableSum[], restored: readonly TableSum[]): string[] {
  const found = new Map(restored.map(sum => [sum.table, sum]))
  const known = new Set(saved.map(({ table }) => table))
  const differing = saved.flatMap(({ table, rows, checksum }) => {
    const other = found.get(table)
    if (!other) return [`${table} is missing`]
    if (other.rows !== rows) return [`${table} has rows: ${other.rows}, not ${rows}`]
    return other.checksum === checksum ? [] : [`${table} has ${rows} rows, but not the same ones`]
  })
  return [...differing, ...restored.filter(({ table }) => !known.has(table)).map(({ table }) => `${table} was not saved`)]
}
