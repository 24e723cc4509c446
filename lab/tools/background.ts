import { spawn } from 'node:child_process'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from '../../lib/runtime/files.ts'
import type { Layout } from '../state/layout.ts'
import { isAvailable } from './build.ts'
import { programs } from './catalog.ts'

/**
 * Builds what is missing in a process of its own, which says how far it is in `.lab/logs/tools.log`. Another one that is at it
 * already does no harm: they wait for each other.
 * @returns names of the programs that it will build
 */
export async function startBuildInBackground({ lab, logs }: Layout): Promise<string[]> {
  const missing = programs.filter(program => !isAvailable(program)).map(({ name }) => name)
  if (missing.length === 0) return []
  await mkdir(logs, { recursive: true })
  const log = await open(join(logs, 'tools.log'), 'a', 0o600)
  try {
    // The lab itself is used meanwhile: the compilers take what it leaves of the processors.
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
