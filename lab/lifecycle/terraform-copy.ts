import { cp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { readIfExists, root, writeAtomically } from '../../lib/runtime/files.ts'
import { filesBelow, hashOf } from '../state/files.ts'
import type { Layout } from '../state/layout.ts'
import { readRecord } from '../state/stored.ts'

const sources = join(root, 'terraform')
const overrides = join(root, 'lab/terraform-overrides')
const STAMP = '.source'
/** The first layer's environments; those whose names match belong to the lab. */
const ENVIRONMENTS = '00-vpc/envs'
const IS_LABS = /^lab(-|$)/
/** Holds the variables that only this lab knows; Terraform reads a file of this name by itself. */
const VARIABLES = 'lab.auto.tfvars.json'

/**
 * Updates `.lab/terraform`, the checkout's terraform/ plus the overrides. Terraform's own files in a root's folder
 * (`.terraform`, the lock file) stay when the sources change; files that are no longer among the sources are deleted.
 */
export async function copyTerraform({ terraform, sshKey }: Layout): Promise<void> {
  const wanted = await sourceHash()
  if ((await copiedHash(terraform)) !== wanted) {
    await rm(join(terraform, STAMP), { force: true })
    const known = new Set([...(await filesOf(sources)), ...(await filesOf(overrides))])
    for (const file of await filesOf(terraform)) if (!known.has(file)) await rm(join(terraform, file))
    for (const folder of [sources, overrides]) {
      for (const file of await filesOf(folder)) await cp(join(folder, file), join(terraform, file), { dereference: true })
    }
  }
  const publicKey = await readFile(`${sshKey}.pub`, 'utf8')
  const environments = (await readdir(join(sources, ENVIRONMENTS))).filter(name => IS_LABS.test(name))
  for (const name of environments) await writeVariables(join(terraform, ENVIRONMENTS, name), publicKey)
  await writeAtomically(join(terraform, STAMP), wanted)
}

/** Whether the copy matches the checkout's current files. */
export const isTerraformCurrent = async ({ terraform }: Layout): Promise<boolean> =>
  (await copiedHash(terraform)) === (await sourceHash())

const copiedHash = (terraform: string): Promise<string | undefined> => readIfExists(join(terraform, STAMP))

const sourceHash = (): Promise<string> => hashOf([sources, overrides], isTerraformsOwn)

const filesOf = (folder: string): Promise<string[]> => filesBelow(folder, isTerraformsOwn)

/** Whether Terraform or the lab writes a file of this name in the copy. */
const isTerraformsOwn = (name: string): boolean =>
  [STAMP, VARIABLES, '.terraform', '.terraform.lock.hcl', 'errored.tfstate'].includes(name) ||
  /\.(tfplan|tfstate(\.backup)?)$/.test(name)

async function writeVariables(directory: string, publicKey: string): Promise<void> {
  const file = join(directory, VARIABLES)
  // The port must not change: the kubeconfig contains it.
  const port = (await readRecord<{ api_local_port: number }>(file))?.api_local_port ?? (await freePort())
  const [type, key] = publicKey.trim().split(' ')
  const text = `${JSON.stringify({ api_local_port: port, ssh_keys: { ops: `${type} ${key}` } }, undefined, 2)}\n`
  if (text !== (await readIfExists(file))) await writeAtomically(file, text)
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
