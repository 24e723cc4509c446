import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identityOf, isAlive, type ProcessId, type ProcessIdentity, pidSpace } from './processes.ts'

/** A temporary folder's name up to the random end: what it is for, and the run that made it. */
export const temporaryName = (purpose: string, { pid, startTime, space }: ProcessIdentity): string =>
  `threads-ops-${purpose}-${pid}-${startTime}-${spaceName(space)}-`

/** `<boot>.<pid namespace>`, fit for a file's name. */
const spaceName = (space = ''): string => space.replace(/ pid:\[(\d+)\]$/, '.$1')

const NAME = /^(\d+)-(\d*)-((?:[\da-f-]{36}\.\d+)?)-\w+$/

/**
 * Whether a dead run left this folder. One of another pid namespace of the same boot may be alive, and is not.
 * @param space the asking run's, as `pidSpace`
 */
export function isLeft(
  purpose: string,
  name: string,
  space: string | undefined,
  lives: (id: ProcessId) => boolean = isAlive,
): boolean {
  const prefix = `threads-ops-${purpose}-`
  const [, pid, startTime = '', made = ''] = (name.startsWith(prefix) && NAME.exec(name.slice(prefix.length))) || []
  if (pid === undefined) return false
  const here = spaceName(space)
  if (made !== here) return made !== '' && here !== '' && made.split('.')[0] !== here.split('.')[0]
  return !lives({ pid: Number(pid), startTime })
}

/** Gives `use` a temporary folder of its own, 0700 and gone afterwards. Those that dead runs have left are removed first. */
export async function withTemporary<T>(purpose: string, use: (folder: string) => Promise<T>, parent = tmpdir()): Promise<T> {
  const left = (await readdir(parent)).filter(name => isLeft(purpose, name, pidSpace))
  // Another user's can't be removed, and another run may be removing it as well.
  await Promise.allSettled(left.map(name => rm(join(parent, name), { recursive: true, force: true })))
  const folder = await mkdtemp(join(parent, temporaryName(purpose, identityOf(process.pid))))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
