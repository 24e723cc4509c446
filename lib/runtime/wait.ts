import { setTimeout as sleep } from 'node:timers/promises'
import { formatDuration } from './duration.ts'
import { interrupted, messageOf, OpsError, timedOut } from './errors.ts'
import { waiting } from './waits.ts'

export interface Wait<T> {
  /** What is waited for, as it reads after "waiting for". */
  what: string
  /** Deadline in milliseconds from now. */
  within: number
  /** Pause between two probes in milliseconds; 1000 by default. */
  every?: number
  /** A value ends the wait, undefined continues it. An error other than OpsError counts as "not yet"; a timeout reports the last one. */
  probe: (signal: AbortSignal) => Promise<T | undefined>
  /** What to do when the deadline passes. */
  hint?: string
  signal?: AbortSignal
}

/**
 * Probes until there is a value, or the deadline has passed.
 * @throws OpsError 124 at the deadline, 130 when the signal aborts, or whatever OpsError the probe throws.
 */
export const waitFor = <T>(asked: Wait<T>): Promise<T> => waiting(asked.what, () => probed(asked))

async function probed<T>({ what, within, every = 1000, probe, hint, signal }: Wait<T>): Promise<T> {
  const deadline = new AbortController()
  // Not AbortSignal.timeout: its timer does not keep the process alive while it waits.
  const timer = setTimeout(() => deadline.abort(), within)
  const stop = signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal
  const stopped = new Promise<undefined>(resolve => stop.addEventListener('abort', () => resolve(undefined), { once: true }))
  let last: unknown
  try {
    for (;;) {
      if (signal?.aborted) throw interrupted(`interrupted while waiting for ${what}`, 'run it again to go on')
      try {
        // A probe that ignores its signal is abandoned.
        const value = await Promise.race([probe(stop), stopped])
        if (value !== undefined) return value
      } catch (error) {
        if (error instanceof OpsError) throw error
        if (!stop.aborted) last = error
      }
      if (deadline.signal.aborted) {
        const reason = last === undefined ? '' : `; last error: ${messageOf(last)}`
        throw timedOut(
          `timed out after ${formatDuration(within)} waiting for ${what}${reason}`,
          hint ?? 'run it again to go on',
          last,
        )
      }
      await sleep(every, undefined, { signal: stop }).catch(() => undefined)
    }
  } finally {
    clearTimeout(timer)
  }
}
