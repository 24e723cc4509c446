import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { configuration, external, messageOf, systemCode } from '../runtime/errors.ts'

/** A program to install on hosts: a local file, or a URL that is fetched here, so that hosts need no internet access. */
export interface Artifact {
  file?: string | undefined
  url?: string | undefined
  sha256: string
}

/** Fetched artifacts by digest, shared by all of a user's checkouts. */
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'threads-ops', 'artifacts')

/**
 * The artifact as a local file whose digest has been verified.
 * @throws OpsError 3 when the file is missing or has another digest, 5 when the URL can't be fetched or serves another digest
 */
export async function localArtifact({ file, url, sha256 }: Artifact, signal: AbortSignal): Promise<string> {
  if (file !== undefined) {
    const actual = await digest(file)
    if (actual === sha256) return file
    throw configuration(
      actual ? `${file} has SHA-256 ${actual}, the environment's file expects ${sha256}` : `there is no file ${file}`,
      "correct k0s.binary in the environment's file",
    )
  }
  if (url === undefined) throw configuration('k0s.binary names neither a file nor a URL', "add one to the environment's file")
  const cached = join(cache, sha256)
  if ((await digest(cached)) !== sha256) await fetchTo(cached, url, sha256, signal)
  return cached
}

async function fetchTo(target: string, url: string, sha256: string, signal: AbortSignal): Promise<void> {
  const temporary = `${target}.${process.pid}.tmp`
  await mkdir(dirname(target), { recursive: true })
  try {
    const response = await fetch(url, { signal })
    if (!response.ok || !response.body) throw external(`${url} answers ${response.status}`, 'check k0s.binary.url')
    await pipeline(Readable.fromWeb(response.body), createWriteStream(temporary, { mode: 0o600 }))
    const actual = await digest(temporary)
    if (actual !== sha256) {
      throw external(`${url} serves SHA-256 ${actual}, expected ${sha256}`, 'do not use it until you know why it differs')
    }
    await rename(temporary, target)
  } catch (error) {
    if (error instanceof TypeError) throw external(`${url}: ${messageOf(error.cause ?? error)}`, 'is the network up?', error)
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

/** SHA-256 in hex, or undefined when there is no such file. */
async function digest(path: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(path), hash)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
  return hash.digest('hex')
}
