import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { dropInDirectories, parseUnit, type Unit } from './unit.ts'

/** Folders of units: first the operator's, then those created at boot. */
const UNIT_DIRECTORIES = ['/etc/systemd/system', '/run/systemd/system']
const DEFAULT_TARGET = '/etc/systemd/system/multi-user.target.wants'

/** A unit's files as they were when last read. */
export interface UnitFiles {
  path: string
  dropIns: string[]
  /** Their contents, to detect later changes. */
  texts: string[]
  /** The resulting unit; undefined when there is a `problem`. */
  unit?: Unit
  problem?: string
}

/** A failure as systemctl reports it. */
export class ServiceError extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

export function readUnit(name: string): UnitFiles | undefined {
  for (const directory of UNIT_DIRECTORIES) {
    const path = join(directory, name)
    const text = readIfExists(path)
    if (text === undefined) continue
    const dropIns = findDropIns(name)
    const texts = [text, ...dropIns.map(dropIn => readIfExists(dropIn) ?? '')]
    try {
      return { path, dropIns, texts, unit: parseUnit(...texts) }
    } catch (error) {
      return { path, dropIns, texts, problem: (error as Error).message }
    }
  }
  return undefined
}

/** Drop-ins in the order of their names, whichever folder each is in. */
function findDropIns(name: string): string[] {
  const paths = new Map<string, string>()
  for (const directory of dropInDirectories(name, UNIT_DIRECTORIES)) {
    for (const file of readdirIfExists(directory).filter(file => file.endsWith('.conf'))) {
      if (!paths.has(file)) paths.set(file, join(directory, file))
    }
  }
  return [...paths].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, path]) => path)
}

/** As printed by `systemctl is-enabled`; undefined for a unit that does not exist. */
export function unitFileState(name: string): 'enabled' | 'disabled' | 'static' | undefined {
  const found = readUnit(name)
  if (!found) return undefined
  if (isEnabled(name)) return 'enabled'
  return found.unit?.wantedBy.length === 0 ? 'static' : 'disabled'
}

export const enabledUnits = (): string[] => readdirIfExists(DEFAULT_TARGET)

export const isEnabled = (name: string): boolean => enabledUnits().includes(name)

/** @returns lines that describe the changes */
export function enable(name: string): string[] {
  const found = readUnit(name)
  if (!found) throw new ServiceError(`Failed to enable unit: Unit file ${name} does not exist.`, 1)
  return (found.unit?.wantedBy ?? []).flatMap(target => {
    const directory = `/etc/systemd/system/${target}.wants`
    if (readdirIfExists(directory).includes(name)) return []
    mkdirSync(directory, { recursive: true })
    symlinkSync(found.path, `${directory}/${name}`)
    return [`Created symlink ${directory}/${name} → ${found.path}.`]
  })
}

/** @returns lines that describe the changes */
export function disable(name: string): string[] {
  const links = readdirIfExists('/etc/systemd/system')
    .filter(entry => entry.endsWith('.wants') && readdirIfExists(`/etc/systemd/system/${entry}`).includes(name))
    .map(entry => `/etc/systemd/system/${entry}/${name}`)
  if (links.length === 0 && !readUnit(name)) {
    throw new ServiceError(`Failed to disable unit: Unit file ${name} does not exist.`, 1)
  }
  return links.map(link => {
    rmSync(link)
    return `Removed "${link}".`
  })
}

function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function readdirIfExists(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
