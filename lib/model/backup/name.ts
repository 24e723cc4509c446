/** What a backup's name says: the database's name in the environment's file, and when it was taken. */
export interface BackupName {
  database: string
  takenAt: Date
}

/** `<database>-YYYYMMDD-HHMMSS`, UTC. */
export const formatBackupName = ({ database, takenAt }: BackupName): string =>
  `${database}-${takenAt.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}`

const FORM = /^([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)-(\d{4})(\d{2})(\d{2})-(\d{2})(\d{2})(\d{2})$/

/** Undefined for what is no backup's name, such as that of a day that there is not. */
export function parseBackupName(name: string): BackupName | undefined {
  const [, database, year, month, day, hour, minute, second] = FORM.exec(name) ?? []
  if (database === undefined) return undefined
  const takenAt = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(takenAt.getTime())) return undefined
  return formatBackupName({ database, takenAt }) === name ? { database, takenAt } : undefined
}

const MANIFEST = '.json'
const DUMP = '.dump'

/** The key of a manifest's metadata that says when the backup was last restored and found whole. */
export const VERIFIED = 'verified'

/** The objects of a backup. */
export const manifestObject = (prefix: string, name: string): string => `${prefix}${name}${MANIFEST}`
export const dumpObject = (prefix: string, name: string): string => `${prefix}${name}${DUMP}`

/** The names of the backups whose objects these are, newest first: those with a manifest, and the incomplete ones, which have none. */
export function backupsAmong(prefix: string, objects: readonly string[]): { complete: string[]; incomplete: string[] } {
  const named = (ending: string) =>
    objects
      .filter(object => object.startsWith(prefix) && object.endsWith(ending))
      .map(object => object.slice(prefix.length, -ending.length))
      .filter(name => parseBackupName(name))
      .sort(newestFirst)
  const complete = named(MANIFEST)
  return { complete, incomplete: named(DUMP).filter(name => !complete.includes(name)) }
}

const newestFirst = (one: string, other: string): number => timeOf(other) - timeOf(one) || (one < other ? -1 : 1)
const timeOf = (name: string): number => parseBackupName(name)?.takenAt.getTime() ?? 0
