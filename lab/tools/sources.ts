import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { external } from '../../lib/runtime/errors.ts'
import { takeLock } from '../../lib/runtime/lock-file.ts'
import { pinsDirectory, toolsDirectory } from './catalog.ts'
import { goEnvironment, provideGo } from './go.ts'

const execFileAsync = promisify(execFile)

/**
 * The folder with a Go module's sources, downloaded if it is not in Go's module cache. The module must be pinned by
 * lab/tools/charts; its hash is checked. The folder is read-only.
 * @throws OpsError 5 when the download fails
 */
export async function moduleDirectory(module: string): Promise<string> {
  const go = await provideGo(() => undefined)
  await using _lock = await takeLock(join(toolsDirectory(), 'sources.lock'))
  try {
    const { stdout } = await execFileAsync(go, ['mod', 'download', '-json', module], {
      cwd: join(pinsDirectory, 'charts'),
      env: { ...process.env, ...goEnvironment, GOFLAGS: '-mod=readonly' },
    })
    return (JSON.parse(stdout) as { Dir: string }).Dir
  } catch (error) {
    const said = (error as { stdout?: string }).stdout || String(error)
    throw external(
      `the sources of ${module} cannot be got: ${said.trim()}`,
      'is the Go module proxy reachable? run it again',
      error,
    )
  }
}
