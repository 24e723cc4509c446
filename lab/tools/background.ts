import { spawn } from 'node:child_process'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../../lib/runtime/files.ts'
import type { Layout } from '../state/layout.ts'
import { isAvailable } from './build.ts'
import { programs } from './catalog.ts'

/**
 * Builds the missing programs in a separate process, which logs its progress to `.lab/logs/tools.log`. If another one is
 * already running, they wait for each other.
 * @returns names of the programs to build
 */
export async function startBuildInBackground({ lab, logs }: Layout): Promise<string[]> {
  const missing = programs.filter(program => !isAvailable(program)).map(({ name }) => name)
  if (missing.length === 0) return []
  await mkdir(logs, { recursive: true })
  const log = await open(join(logs, 'tools.log'), 'a', 0o600)
  try {
    // The lab is in use meanwhile, so the compilers get a lower priority.
    spawn('nice', ['-n', '5', process.execPath, join(root, 'lab/tools/main.ts'), '--lab', lab], {
      cwd: root,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    }).unref()
  } finally {
    await log.close()
  }
  return missing
}
