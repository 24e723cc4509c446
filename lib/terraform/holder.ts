import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identityOf, livesStill, type ProcessIdentity } from '../runtime/processes.ts'

/** A Terraform that may hold its state's lock. */
export interface Holder {
  process: ProcessIdentity
  /** Milliseconds since the epoch, by this machine's clock. */
  began: number
}

/** In the root, so that it is this checkout's and no other's. One file each: who finds the lock taken must not hide whose it is. */
const records = (folder: string) => join(folder, '.terraform', 'threads-ops-holders')

/** Written before Terraform begins, in the same tick as it is spawned: a kill leaves none that is not on record. */
export function recordHolder(folder: string, pid: number): void {
  const holder: Holder = { process: identityOf(pid), began: Date.now() }
  mkdirSync(records(folder), { recursive: true })
  writeFileSync(join(records(folder), String(pid)), JSON.stringify(holder), { mode: 0o600 })
}

/** A Terraform that has ended by itself holds no lock. */
export const removeHolder = (folder: string, pid: number): void => rmSync(join(records(folder), String(pid)), { force: true })

/** Where the lock could be had, nobody's who is dead is left. */
export function removeDeadHolders(folder: string): void {
  for (const { process } of holdersOf(folder)) if (livesStill(process) !== true) removeHolder(folder, process.pid)
}

/** Those of this checkout that have not ended by themselves, the last one first. A torn record is none. */
export function holdersOf(folder: string): Holder[] {
  return names(records(folder))
    .flatMap(name => {
      try {
        return [JSON.parse(readFileSync(join(records(folder), name), 'utf8')) as Holder]
      } catch {
        return []
      }
    })
    .sort((one, other) => other.began - one.began)
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
