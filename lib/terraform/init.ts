import { createHash } from 'node:crypto'
import { readdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { staleLock } from '../model/layer/lock-file.ts'
import { precondition } from '../runtime/errors.ts'
import { readIfExists, writeAtomically } from '../runtime/files.ts'
import type { Command } from './command.ts'
import { LOCK_FILE } from './lock-file.ts'
import { checkOwner, type User } from './owner.ts'

export interface InitOptions {
  command: Command
  root: (layer: string) => string
  /** Folder of the layers and of their modules. */
  directory: string
  /** Partial backend configuration, absolute. */
  backendConfig: string
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
  /** Skipped while it is current: the largest part of a no-op run's time. */
  run(layer: string, env?: Record<string, string>): Promise<void>
}

export function createInit(options: InitOptions): Init {
  const { command, root, directory, backendConfig, ownProviders = false, user, onProgress } = options
  const stamp = (layer: string) => join(root(layer), '.terraform', 'threads-ops-init')
  const inputs = (layer: string) => fingerprint([join(directory, 'modules'), root(layer)], backendConfig)

  return {
    async isCurrent(layer) {
      await checkOwner(root(layer), user)
      return (await isWhole(root(layer))) && (await readIfExists(stamp(layer))) === (await inputs(layer))
    },

    async run(layer, env = {}) {
      await checkOwner(root(layer), user)
      const wanted = await inputs(layer)
      const whole = await isWhole(root(layer))
      if (whole && (await readIfExists(stamp(layer))) === wanted) return
      // Until it has ended well the root counts as not initialised, and Terraform does not begin on a torn record.
      await rm(stamp(layer), { force: true })
      if (!whole) await rm(join(root(layer), RECORD), { force: true })
      const what = `terraform init of ${layer}`
      const lock = join(root(layer), LOCK_FILE)
      const isLocked = !ownProviders && (await readIfExists(lock)) !== undefined
      const args = ['init', '-no-color', '-reconfigure', ...(isLocked ? ['-lockfile=readonly'] : [])]
      const ended = await command.run(root(layer), [...args, `-backend-config=${backendConfig}`], {
        env,
        ...(onProgress && { onStderr: onProgress }),
      })
      if (ended.exitCode !== 0) {
        const stale = isLocked ? staleLock(ended.stderr, { env: basename(root(layer)), layer }) : undefined
        if (stale === undefined || command.stopped(what, ended))
          throw command.failure(what, ended, 'see what Terraform says above')
        throw precondition(`${lock}: ${stale.fault}`, stale.remedy)
      }
      await writeAtomically(stamp(layer), wanted)
    },
  }
}

/** Where Terraform writes down what `init` made of the backend's configuration. */
export const RECORD = join('.terraform', 'terraform.tfstate')

/** Whether that record can be read: a killed `init` leaves an empty or torn one. Without one there is nothing to mend. */
async function isWhole(folder: string): Promise<boolean> {
  const record = await readIfExists(join(folder, RECORD))
  if (record === undefined) return true
  try {
    return typeof JSON.parse(record) === 'object'
  } catch {
    return false
  }
}

/** A hash of every .tf file and lock file under the folders, and of the backend's configuration. */
async function fingerprint(folders: string[], backendConfig: string): Promise<string> {
  const hash = createHash('sha256')
  for (const folder of folders) {
    const files = (await readdir(folder, { recursive: true }).catch((): string[] => [])).filter(
      file => (/\.tf(\.json)?$/.test(file) || file === LOCK_FILE) && !file.includes('.terraform/'),
    )
    for (const file of files.sort()) hash.update(file).update(await readFile(join(folder, file)))
  }
  try {
    hash.update(await readFile(backendConfig))
  } catch (error) {
    throw precondition(
      `the backend configuration ${backendConfig} is missing`,
      'write it: bucket = "<the state bucket>"',
      error,
    )
  }
  return hash.digest('hex')
}
