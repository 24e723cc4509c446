import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { staleLock } from '../model/layer/lock-file.ts'
import { precondition } from '../runtime/errors.ts'
import { readIfExists } from '../runtime/files.ts'
import { takeLock } from '../runtime/lock-file.ts'
import { identityOf, livesStill, type ProcessIdentity } from '../runtime/processes.ts'
import { createQueue } from '../runtime/queue.ts'
import { waitFor } from '../runtime/wait.ts'
import { type BackendFileOptions, backendFile } from './backend-file.ts'
import type { Command } from './command.ts'
import { LOCK_FILE } from './lock-file.ts'
import { checkOwner, type User } from './owner.ts'
import { createStamp, fingerprint } from './stamp.ts'

export interface InitOptions extends BackendFileOptions {
  command: Command
  /** The environment's name. */
  env: string
  signal?: AbortSignal
  /** Its providers are built on this machine: `init` keeps their lock files itself, and changes them. */
  ownProviders?: boolean
  /** Who runs Terraform: by default the user of this process. */
  user?: User
  /** What a slow `init` says on its way. */
  onProgress?: (detail: string) => void
}

export interface Init {
  /** Whether nothing that `init` reads has changed since. */
  isCurrent(layer: string): Promise<boolean>
  /**
   * Skipped while it is current: the largest part of a no-op run's time. Two of one root, by whichever runs, do not meet; what a killed
   * one has left torn is fetched again.
   */
  run(layer: string, env?: Record<string, string>): Promise<void>
}

export function createInit(options: InitOptions): Init {
  const { command, env: environment, root, directory, ownProviders = false, user, signal, onProgress } = options
  const ours = (layer: string, name: string) => join(root(layer), '.terraform', `threads-ops-init${name}`)
  const stamp = createStamp('threads-ops-init', root, async layer => {
    const modules = join(directory, 'modules')
    const others = (await moduleFolders(root(layer))).filter(folder => !folder.startsWith(`${modules}/`))
    const folders = [modules, ...others, root(layer)]
    const inputs = await fingerprint(folders, [await backendFile(layer, options)])
    return `${inputs} ${await installed(root(layer))}`
  })
  const isDone = async (layer: string) => (await isWhole(root(layer))) && (await stamp.isCurrent(layer))
  const isCurrent = async (layer: string) => {
    await checkOwner(root(layer), user)
    return isDone(layer)
  }
  // They share the folder of downloaded providers, which Terraform does not lock.
  const oneByOne = createQueue(1)

  const lockFile = (layer: string) => join(root(layer), LOCK_FILE)
  const isLocked = async (layer: string) => !ownProviders && (await readIfExists(lockFile(layer))) !== undefined

  const initialise = async (layer: string, env: Record<string, string>) => {
    const mode = (await isLocked(layer)) ? ['-lockfile=readonly'] : []
    const file = await backendFile(layer, options)
    const flags = ['init', '-no-color', '-reconfigure', ...mode, ...(file ? [`-backend-config=${file}`] : [])]
    const onStart = (pid: number) => writeFileSync(ours(layer, '-process'), JSON.stringify(identityOf(pid)), { mode: 0o600 })
    return command.run(root(layer), flags, { env, onStart, ...(onProgress && { onStderr: onProgress }) })
  }

  const alone = async (layer: string, env: Record<string, string>) => {
    const what = `terraform init of ${layer}`
    const onWait = ({ pid }: { pid: number }) => onProgress?.(`waiting for ${what} by another run (pid ${pid})`)
    await using _alone = await takeLock(ours(layer, '-lock'), { onWait, ...(signal && { signal }) })
    await endOfKilled(ours(layer, '-process'), { what, signal, onProgress })
    if (await isDone(layer)) return
    // Until it has ended well the root counts as not initialised, and Terraform does not begin on a torn record.
    await stamp.remove(layer)
    await removeTorn(root(layer))
    let ended = await initialise(layer, env)
    if (ended.exitCode !== 0 && !command.stopped(what, ended) && TORN.test(ended.stderr)) {
      onProgress?.(`${what}: what an earlier one has left is fetched again`)
      for (const folder of [MODULES, PROVIDERS]) await rm(join(root(layer), folder), { recursive: true, force: true })
      ended = await initialise(layer, env)
    }
    if (ended.exitCode !== 0) {
      const stale = (await isLocked(layer)) ? staleLock(ended.stderr, { env: environment, layer }) : undefined
      if (stale === undefined || command.stopped(what, ended))
        throw command.failure(what, ended, 'see what Terraform says above')
      throw precondition(`${lockFile(layer)}: ${stale.fault}`, stale.remedy)
    }
    await stamp.write(layer)
    await rm(ours(layer, '-process'), { force: true })
  }

  return {
    isCurrent,
    async run(layer, env = {}) {
      if (!(await isCurrent(layer))) await oneByOne(() => alone(layer, env))
    },
  }
}

/** Where Terraform writes down what `init` made of the backend's configuration. */
export const RECORD = join('.terraform', 'terraform.tfstate')
const MODULES = join('.terraform', 'modules')
const MANIFEST = join(MODULES, 'modules.json')
const PROVIDERS = join('.terraform', 'providers')

/** What Terraform says of a module or provider that is there, but not as it was fetched. */
const TORN =
  /Unreadable module|Module not installed|module manifest|any of the checksums|cached package|plugins? .*(not|un)readable/i

/** How long the Terraform of a run that was killed may take to end, in milliseconds: it has been interrupted. */
const ENDS_WITHIN_MS = 120_000

/** Waits for the `init` of a run that was killed, which may still be fetching. @throws OpsError 124, 130 */
async function endOfKilled(
  record: string,
  { what, signal, onProgress }: { what: string } & Pick<InitOptions, 'signal' | 'onProgress'>,
): Promise<void> {
  const left = parsed<ProcessIdentity>(await readIfExists(record))
  if (!left || !livesStill(left)) return
  onProgress?.(`waiting for ${what} that an earlier run has left behind (pid ${left.pid})`)
  await waitFor({
    what: `${what} that an earlier run has left behind (pid ${left.pid}) to end`,
    within: ENDS_WITHIN_MS,
    every: 200,
    hint: 'look at that process, and end it',
    ...(signal && { signal }),
    probe: async () => !livesStill(left) || undefined,
  })
}

/** Whether what `init` has written down can be read, and the modules are where it says. Without it there is nothing to mend. */
async function isWhole(folder: string): Promise<boolean> {
  return (await isRecordWhole(folder)) && (await areModulesWhole(folder))
}

async function isRecordWhole(folder: string): Promise<boolean> {
  const record = await readIfExists(join(folder, RECORD))
  return record === undefined || parsed(record) !== undefined
}

async function areModulesWhole(folder: string): Promise<boolean> {
  if ((await readIfExists(join(folder, MANIFEST))) === undefined) return true
  const modules = await installedModules(folder)
  if (!modules) return false
  const found = await Promise.all(modules.map(isFolder))
  return found.every(Boolean)
}

/** The folders of the modules that `init` has written down; undefined where that can't be read. */
async function installedModules(folder: string): Promise<string[] | undefined> {
  const modules = parsed<{ Modules?: { Dir?: unknown }[] }>(await readIfExists(join(folder, MANIFEST)))?.Modules
  return Array.isArray(modules) ? modules.map(module => resolve(folder, String(module?.Dir))) : undefined
}

/** Those of them that somebody may edit, wherever the tree has them. */
const moduleFolders = async (folder: string): Promise<string[]> =>
  ((await installedModules(folder)) ?? []).filter(path => path !== folder && !path.includes('/.terraform/'))

/** What a killed `init` has left torn: Terraform ends over it rather than fetch it again. */
async function removeTorn(folder: string): Promise<void> {
  if (!(await isRecordWhole(folder))) await rm(join(folder, RECORD), { force: true })
  if (!(await areModulesWhole(folder))) await rm(join(folder, MODULES), { recursive: true, force: true })
}

/** A hash of which files the providers have, and how large they are: one that is torn or gone has others. */
async function installed(folder: string): Promise<string> {
  const files = await providerFiles(join(folder, PROVIDERS), '')
  return createHash('sha256').update(files.join('\n')).digest('hex')
}

/** `<host>/<namespace>/<type>/<version>/<platform>/<file>` each, with its size; a platform's folder may be a link. */
async function providerFiles(parent: string, folder: string): Promise<string[]> {
  const names = (await readdir(join(parent, folder)).catch((): string[] => [])).sort()
  const found = await Promise.all(
    names.map(async name => {
      const path = join(folder, name)
      const file = await stat(join(parent, path)).catch(() => undefined)
      return file?.isDirectory() ? providerFiles(parent, path) : [`${path} ${file?.size ?? 'gone'}`]
    }),
  )
  return found.flat()
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    found => found.isDirectory(),
    () => false,
  )

/** The JSON object in a text, if it holds one. */
function parsed<T extends object>(text: string | undefined): T | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return typeof value === 'object' && value !== null ? (value as T) : undefined
  } catch {
    return undefined
  }
}
