import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfExists } from '../runtime/files.ts'
import { createQueue } from '../runtime/queue.ts'
import type { Command } from './command.ts'
import { createStamp, fingerprint } from './stamp.ts'

export interface InitOptions {
  command: Command
  root: (layer: string) => string
  /** Folder of the layers and of their modules. */
  directory: string
  /** Partial backend configuration, absolute. */
  backendConfig: string
  /** What a slow `init` says on its way. */
  onProgress?: (detail: string) => void
}

export interface Init {
  /** Whether nothing that `init` reads has changed since. */
  isCurrent(layer: string): Promise<boolean>
  /** Skipped while it is current: the largest part of a no-op run's time. */
  run(layer: string, env?: Record<string, string>): Promise<void>
}

export function createInit({ command, root, directory, backendConfig, onProgress }: InitOptions): Init {
  const stamp = createStamp('threads-ops-init', root, layer =>
    fingerprint([join(directory, 'modules'), root(layer)], backendConfig),
  )
  const isCurrent = async (layer: string) => (await isWhole(root(layer))) && (await stamp.isCurrent(layer))
  // They share the folder of downloaded providers, which Terraform does not lock.
  const oneByOne = createQueue(1)

  const initialise = async (layer: string, env: Record<string, string>) => {
    // Until it has ended well the root counts as not initialised, and Terraform does not begin on a torn record.
    await stamp.remove(layer)
    if (!(await isWhole(root(layer)))) await rm(join(root(layer), RECORD), { force: true })
    const what = `terraform init of ${layer}`
    const ended = await command.run(root(layer), ['init', '-no-color', '-reconfigure', `-backend-config=${backendConfig}`], {
      env,
      ...(onProgress && { onStderr: onProgress }),
    })
    if (ended.exitCode !== 0) throw command.failure(what, ended, 'see what Terraform says above')
    await stamp.write(layer)
  }

  return {
    isCurrent,
    async run(layer, env = {}) {
      if (!(await isCurrent(layer))) await oneByOne(() => initialise(layer, env))
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
