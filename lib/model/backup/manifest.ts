import type { TableSum } from './tables.ts'

/** What a backup is, written once its dump is whole: a dump without it is no backup. */
export interface Manifest {
  schema: typeof MANIFEST_SCHEMA
  name: string
  environment: string
  /** Its name in the environment's file. */
  database: string
  /** When the database was as the dump has it: ISO 8601. */
  takenAt: string
  source: {
    /** namespace/name of its Deployment or StatefulSet. */
    workload: string
    /** In the server. */
    database: string
    role: string
    /** The server's version: `16.4`. */
    server: string
    /** The database's size in bytes. */
    bytes: number
  }
  dump: {
    object: string
    /** Of the object: another one is not this backup's. */
    generation: string
    bytes: number
    /** Hexadecimal. */
    sha256: string
    format: 'custom'
  }
  tables: TableSum[]
  /** Commit of the toolkit's checkout. */
  gitSha: string
  operator: string
  /** Images of the namespace's containers at that time, by `pod's owner/container`. */
  images: Record<string, string>
}

export const MANIFEST_SCHEMA = 'threads-ops/backup/1'

/** Why a text is not the manifest of this backup, or the manifest. */
export function readManifest(name: string, text: string): Manifest | { wrong: string } {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    return { wrong: 'it is not JSON' }
  }
  if (!isObject(found)) return { wrong: 'it is not an object' }
  const { schema } = found
  if (schema !== MANIFEST_SCHEMA) return { wrong: `its schema is ${JSON.stringify(schema)}, not ${MANIFEST_SCHEMA}` }
  const bad = FORM.find(([path, holds]) => !holds(at(found, path)))
  if (bad) return { wrong: `${bad[0]} is missing or not valid` }
  if (found.name !== name) return { wrong: `it is that of ${found.name}` }
  return found as unknown as Manifest
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const isSize = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0
const isLike = (form: RegExp) => (value: unknown) => typeof value === 'string' && form.test(value)
const isTable = (value: unknown): boolean =>
  isObject(value) && isText(value.table) && isSize(value.rows) && isLike(/^-?\d+$/)(value.checksum)

const FORM: [path: string, holds: (value: unknown) => boolean][] = [
  ['name', isText],
  ['environment', isText],
  ['database', isText],
  ['takenAt', value => isText(value) && !Number.isNaN(Date.parse(String(value)))],
  ['source.workload', isText],
  ['source.database', isText],
  ['source.role', isText],
  ['source.server', isLike(/^\d+/)],
  ['source.bytes', isSize],
  ['dump.object', isText],
  ['dump.generation', isLike(/^\d+$/)],
  ['dump.bytes', isSize],
  ['dump.sha256', isLike(/^[0-9a-f]{64}$/)],
  ['dump.format', value => value === 'custom'],
  ['tables', value => Array.isArray(value) && value.every(isTable)],
  ['gitSha', isText],
  ['operator', isText],
  ['images', value => isObject(value) && Object.values(value).every(isText)],
]

const at = (object: unknown, path: string): unknown =>
  path.split('.').reduce((value, key) => (isObject(value) ? value[key] : undefined), object)
