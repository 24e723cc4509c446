import { readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { lockFaults, PLATFORMS, requiredProviders } from '../model/layer/lock-file.ts'
import { readIfExists } from '../runtime/files.ts'
import type { Command } from './command.ts'
import { checkOwner } from './owner.ts'
import { filesIn, isConfiguration } from './scratch.ts'

/** The name of the file in a root where Terraform keeps its providers' versions and hashes. */
export const LOCK_FILE = '.terraform.lock.hcl'

/** What a root's lock file lacks; nothing when every platform's providers are in it. */
export async function lockFileFaults(root: string): Promise<string[]> {
  const files = (await filesIn(root)).filter(isConfiguration)
  const texts = await Promise.all(files.map(file => readFile(join(root, file), 'utf8')))
  return lockFaults(requiredProviders(texts), await readIfExists(join(root, LOCK_FILE)))
}

/**
 * Writes a root's lock file with every platform's hashes, as the providers' own registries sign them. Needs no state and no credentials.
 * @param upgrade whether versions are chosen anew, within what the root requires
 * @throws OpsError 5 when a registry does not answer; the file is then as it was
 */
export async function writeLockFile(command: Command, root: string, { upgrade = false } = {}): Promise<void> {
  await checkOwner(root)
  const file = join(root, LOCK_FILE)
  const before = `${file}.before`
  const hadOne = (await readIfExists(file)) !== undefined
  // The registry's modules are fetched, ours are found where they are.
  await ran(command, root, ['get', '-no-color'])
  if (upgrade && hadOne) await rename(file, before)
  try {
    await ran(command, root, ['providers', 'lock', '-no-color', ...PLATFORMS.map(platform => `-platform=${platform}`)])
  } catch (error) {
    if (upgrade && hadOne) await rename(before, file)
    throw error
  }
  await rm(before, { force: true })
}

async function ran(command: Command, root: string, args: string[]): Promise<void> {
  const ended = await command.run(root, args)
  if (ended.exitCode !== 0)
    throw command.failure(
      `terraform ${args.filter(word => !word.startsWith('-')).join(' ')} in ${root}`,
      ended,
      'are the registries within reach? If a provider must have another version, run the same command with --upgrade',
    )
}
