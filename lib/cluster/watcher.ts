import { setTimeout as sleep } from 'node:timers/promises'
import { type Kind, pathOf } from './kinds.ts'
import type { Rest } from './rest.ts'

/** Reports that something has changed, not what: whoever waits reads everything again. */
export interface Watcher {
  /**
   * Resolves after the next change, or one since the last call, or after `atMost` milliseconds; after 2 seconds where a watch is
   * broken.
   */
  next(atMost: number): Promise<void>
  close(): void
}

/** How often the API is polled where it can't be watched, and the least time between two watches. In milliseconds. */
const POLL_MS = 2000
/** Changes come in bursts: how long to wait for more. In milliseconds. */
const BURST_MS = 250

export interface Watched {
  kind: Kind
  /** Version of the list that was read, so that no change since then is missed. */
  resourceVersion: string
}

/** Watches the kinds until it is closed or the signal aborts. */
export function watchKinds(rest: Rest, watched: readonly Watched[], signal: AbortSignal): Watcher {
  const stop = new AbortController()
  const all = AbortSignal.any([signal, stop.signal])
  let working = watched.length
  let changed = Promise.withResolvers<void>()
  for (const each of watched) {
    void follow(rest, each, all, () => changed.resolve()).catch(() => {
      working--
      changed.resolve()
    })
  }
  return {
    async next(atMost) {
      const pause = working === watched.length ? atMost : Math.min(atMost, POLL_MS)
      const slept = new AbortController()
      const enough = sleep(pause, undefined, { signal: AbortSignal.any([all, slept.signal]) }).catch(() => undefined)
      const woken = changed.promise.then(() =>
        sleep(Math.min(BURST_MS, pause), undefined, { signal: all }).catch(() => undefined),
      )
      await Promise.race([enough, woken])
      slept.abort()
      changed = Promise.withResolvers<void>()
    },
    close: () => stop.abort(),
  }
}

interface WatchEvent {
  type: string
  object: { metadata?: { resourceVersion?: string } }
}

/**
 * Reads a watch, and resumes it where the server ends it, as it does every few minutes.
 * @throws when it can't be resumed: connection lost, version too old, kind unknown
 */
async function follow(
  rest: Rest,
  { kind, resourceVersion }: Watched,
  signal: AbortSignal,
  onChange: () => void,
): Promise<void> {
  let from = resourceVersion
  while (!signal.aborted) {
    const before = from
    const query = new URLSearchParams({ watch: 'true', allowWatchBookmarks: 'true', resourceVersion: from })
    for await (const line of rest.lines(`${pathOf(kind)}?${query}`, signal)) {
      const { type, object } = JSON.parse(line) as WatchEvent
      if (type === 'ERROR') throw new Error(`the watch of ${kind.plural} is too old`)
      from = object.metadata?.resourceVersion ?? from
      if (type !== 'BOOKMARK') onChange()
    }
    // A proxy may end every watch at once.
    if (from === before) await sleep(POLL_MS, undefined, { signal })
  }
}
