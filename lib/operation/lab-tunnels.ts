import { exitCodes, messageOf, OpsError } from '../runtime/errors.ts'
import type { Run } from '../runtime/script.ts'
import { stopDetached } from './open-tunnels.ts'

/** The lab's environments. */
const OF_LAB = /^lab(-|$)/

/**
 * Ends the tunnels that `--detach` keeps open to the lab's environments: what they lead to goes. One that can't be ended is no reason to
 * leave the lab up.
 */
export async function stopLabTunnels(
  { log, signal }: { log: Pick<Run['log'], 'info' | 'warn'>; signal: AbortSignal },
  folder?: string,
): Promise<void> {
  try {
    for (const { env, process } of await stopDetached(OF_LAB, signal, folder))
      log.info(`ended the background tunnel of ${env}, process ${process.pid}`)
  } catch (error) {
    if (!(error instanceof OpsError) || error.code === exitCodes.interrupted) throw error
    log.warn(`a background tunnel stays open: ${messageOf(error)}`)
  }
}
