import { glob, readFile, readlink, rename, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { $ } from 'zx/core'
import { listenOnPort } from '../../../lab/google/sockets.ts'
import { crc32c, md5 } from '../../../lab/google/storage/checksums.ts'
import type { StoredObject } from '../../../lab/google/storage/store.ts'
import { writeAtomically } from '../../../lib/runtime/files.ts'

/** Where a lab has what names its folder or a port of its own, apart from what `lab:up` writes anew. */
const VARIABLES = 'terraform/*/envs/*/lab.auto.tfvars.json'
const KUBECONFIGS = 'kube/*.yaml'
const STATES = 'google/objects/*.tfstate.json'
const PROVIDERS = 'terraform/*/envs/*/.terraform/providers/*/*/*/*/*'

/** The Kubernetes API's port on this side, as a variable, as an output and in a kubeconfig. */
const PORT = /("api_local_port":\s*(?:\{\s*"value":\s*)?|https:\/\/127\.0\.0\.1:)(\d+)/g

/**
 * Copies a lab that is down, whole or not at all, so that the copy can be up beside it and beside other copies. What names the folder then
 * names the copy's, and the Kubernetes API has a port of its own: with the same one two labs would take each other's tunnels for their
 * own, for their clusters have the same certificates. Nothing else ties a lab to its place.
 * @param from absolute, as is `to`, where nothing is yet
 */
export async function copyLab(from: string, to: string): Promise<void> {
  const copy = `${to}.partial`
  const found = (pattern: string) => Array.fromAsync(glob(pattern, { cwd: copy }), file => join(copy, file))
  await rm(copy, { recursive: true, force: true })
  // The disks are sparse.
  await $({ quiet: true })`cp --archive --sparse=always --reflink=auto ${from} ${copy}`
  // Records of what ran, and where it listened.
  await rm(join(copy, 'run'), { recursive: true, force: true })
  const ports = new Map<string, number>()
  const moved = (text: string): string =>
    text
      .replaceAll(`${from}/`, `${to}/`)
      .replace(PORT, (whole, before: string, port: string) => (ports.has(port) ? `${before}${ports.get(port)}` : whole))
  for (const file of await found(VARIABLES)) {
    const { api_local_port: port } = JSON.parse(await readFile(file, 'utf8')) as { api_local_port: number }
    ports.set(String(port), await freePort())
  }
  for (const file of [...(await found(VARIABLES)), ...(await found(KUBECONFIGS))]) {
    await writeAtomically(file, moved(await readFile(file, 'utf8')))
  }
  for (const record of await found(STATES)) await rewrite(record, moved)
  for (const link of await found(PROVIDERS)) await relink(link, moved)
  await rename(copy, to)
}

/** Changes what a stored object holds, as if that had been written: the version of a state is what Terraform says that it is. */
async function rewrite(record: string, change: (text: string) => string): Promise<void> {
  const object = JSON.parse(await readFile(record, 'utf8')) as StoredObject
  const file = join(dirname(record), '../contents', object.content)
  const content = Buffer.from(change(await readFile(file, 'utf8')))
  const changed: StoredObject = { ...object, size: String(content.length), md5Hash: md5(content), crc32c: crc32c(content) }
  await writeAtomically(file, content)
  await writeAtomically(record, JSON.stringify(changed))
}

async function relink(link: string, change: (text: string) => string): Promise<void> {
  const target = change(await readlink(link))
  await rm(link)
  await symlink(target, link)
}

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listenOnPort(server, 0)
  await new Promise(resolve => server.close(resolve))
  return port
}
