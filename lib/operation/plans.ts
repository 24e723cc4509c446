import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../runtime/files.ts'
import { isRunning } from '../runtime/processes.ts'

/** Folder of all runs' saved plans, each run's in one of its own that names its process. */
const PLANS = join(root, '.runs', 'plans')

/** Where this run saves its plans. They hold secrets: the folder goes when the run ends. */
export const planFolder = (environment: string): string => join(PLANS, `${environment}-${process.pid}`)

/** Removes the plans that killed runs have left. */
export async function removeLeftPlans(folder = PLANS): Promise<void> {
  const names = await readdir(folder).catch((): string[] => [])
  const left = names.filter(name => !isRunning(Number(/-(\d+)$/.exec(name)?.[1])))
  await Promise.all(left.map(name => rm(join(folder, name), { recursive: true, force: true })))
}
