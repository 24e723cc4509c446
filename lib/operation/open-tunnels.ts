import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { exitCodes, messageOf, OpsError, precondition } from '../runtime/errors.ts'
import { root, writeAtomically } from '../runtime/files.ts'
import { identityOf, livesStill } from '../runtime/processes.ts'
import { waitFor } from '../runtime/wait.ts'

/** Each `tunnel` that is open writes down here what it has opened. */
const FOLDER = join(root, '.runs', 'tunnels')

const shape = z.object({
  env: z.string(),
  process: z.object({ pid: z.number(), startTime: z.string(), space: z.string().optional() }),
  detached: z.boolean(),
  /** Local port of the Kubernetes API. */
  port: z.number(),
  services: z.array(z.object({ name: z.string(), localPort: z.number(), url: z.string() })),
  since: z.string(),
})
export type OpenTunnel = z.infer<typeof shape>

/** How long one that is detached may take to open, and to end. In milliseconds. */
const OPEN_WITHIN_MS = 120_000
const END_WITHIN_MS = 15_000
const LINES_SHOWN = 6

const fileOf = (folder: string, { env, process: { pid } }: Pick<OpenTunnel, 'env' | 'process'>): string =>
  join(folder, `${env}-${pid}.json`)

/** Says what this process has opened, until it is disposed of. */
export async function published(tunnel: Omit<OpenTunnel, 'process'>, folder = FOLDER): Promise<AsyncDisposable> {
  const own: OpenTunnel = { ...tunnel, process: identityOf(process.pid) }
  await writeAtomically(fileOf(folder, own), JSON.stringify(own))
  return { [Symbol.asyncDispose]: () => rm(fileOf(folder, own), { force: true }) }
}

/**
 * An environment's tunnels that are open now, by whatever process of this machine and checkout, or those of all whose names match. What
 * dead ones have left is removed.
 */
export async function openTunnels(env: string | RegExp, folder = FOLDER): Promise<OpenTunnel[]> {
  const names = await readdir(folder).catch((): string[] => [])
  const found = await Promise.all(names.filter(name => name.endsWith('.json')).map(name => readTunnel(join(folder, name))))
  return found
    .filter(tunnel => tunnel !== undefined)
    .filter(tunnel => (typeof env === 'string' ? tunnel.env === env : env.test(tunnel.env)))
}

async function readTunnel(path: string): Promise<OpenTunnel | undefined> {
  try {
    const tunnel = shape.parse(JSON.parse(await readFile(path, 'utf8')))
    const lives = livesStill(tunnel.process)
    if (lives === false) await rm(path, { force: true })
    return lives ? tunnel : undefined
  } catch {
    return undefined
  }
}

/**
 * Starts a process that keeps services open after this one has ended.
 * @returns what it has opened, once it has
 * @throws OpsError that the process failed with; 124, 130
 */
export async function startDetached(env: string, names: readonly string[], signal: AbortSignal): Promise<OpenTunnel> {
  await mkdir(FOLDER, { recursive: true, mode: 0o700 })
  const path = join(FOLDER, `${env}.log`)
  const log = await open(path, 'a', 0o600)
  const { size: before } = await log.stat()
  const child = spawn(process.execPath, [join(root, 'scripts/tunnel.ts'), '--env', env, '--detached', '--', ...names], {
    // Of a session of its own, which no terminal's Ctrl-C or end reaches, and holding no folder.
    detached: true,
    cwd: '/',
    stdio: ['ignore', log.fd, log.fd],
  })
  await log.close()
  child.unref()
  if (child.pid === undefined) throw (await once(child, 'error'))[0]
  const { pid } = child
  try {
    return await waitFor({
      what: 'the tunnel to open',
      within: OPEN_WITHIN_MS,
      every: 100,
      signal,
      hint: `what it says is in ${path}`,
      probe: async () => {
        if (child.exitCode !== null || child.signalCode !== null)
          throw ended(child.exitCode, (await readFile(path)).subarray(before).toString())
        return (await openTunnels(env)).find(tunnel => tunnel.process.pid === pid)
      },
    })
  } catch (error) {
    child.kill()
    throw error
  }
}

/** What a process that ended before it had opened anything has failed with. @param said what it wrote */
export function ended(code: number | null, said: string): OpsError {
  const lines = said.trim().split('\n').slice(-LINES_SHOWN)
  const exitCode = (code || exitCodes.external) as OpsError['code']
  return new OpsError(exitCode, `the tunnel ended before it was open:\n${lines.join('\n')}`, 'what it says is above')
}

/** Ends the detached tunnels of an environment, or of all whose names match. @returns those that it has ended @throws OpsError 4 for another user's, 124 */
export async function stopDetached(env: string | RegExp, signal: AbortSignal, folder = FOLDER): Promise<OpenTunnel[]> {
  const detached = (await openTunnels(env, folder)).filter(tunnel => tunnel.detached)
  for (const {
    process: { pid },
  } of detached) {
    try {
      process.kill(pid, 'SIGTERM')
    } catch (error) {
      throw precondition(
        `the tunnel's process ${pid} can't be ended: ${messageOf(error)}`,
        'is it that of another user?',
        error,
      )
    }
  }
  const isOpen = async () => {
    const left = await openTunnels(env, folder)
    return left.some(({ process: { pid } }) => detached.some(tunnel => tunnel.process.pid === pid))
  }
  await waitFor({
    what: 'the detached tunnels to end',
    within: END_WITHIN_MS,
    every: 100,
    signal,
    hint: 'run it again',
    probe: async () => ((await isOpen()) ? undefined : true),
  })
  return detached
}
