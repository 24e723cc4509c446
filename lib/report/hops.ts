import { type HopId, hops } from '../model/image/hops.ts'
import type { ReachedHop } from '../model/image/timeline.ts'
import { formatDuration } from '../runtime/duration.ts'
import { table } from '../runtime/table.ts'
import { shortSha } from './short.ts'

interface Bumped {
  service: string
  from: string
  to: string
  sha: string
}

const AFTER: Record<ReachedHop['after'], string> = {
  push: 'the push',
  ...(Object.fromEntries(hops.map(({ id, title }) => [id, title])) as Record<HopId, string>),
}

/** A negative duration shows how far clocks disagree. */
const duration = (ms: number): string => (ms < 0 ? `−${formatDuration(-ms)}` : formatDuration(ms))

/** Without a version, what was pushed is an empty commit. */
export const bumpSummary = ({ from, to, sha }: Omit<Bumped, 'service'>): string =>
  `${to === '' ? 'built again' : `${from} → ${to}`}, ${shortSha(sha)}`

/** One hop in a few words. */
export const hopSummary = ({ took, error, after }: ReachedHop): string =>
  `${duration(took)} ± ${duration(error)} after: ${AFTER[after]}`

/** The hops with their durations, as a table. */
export function hopsText(bump: Bumped, reached: readonly ReachedHop[]): string {
  const rows = reached.map(({ title, took, error, after, since, sinceError }) => [
    title,
    `${duration(took)} ± ${duration(error)}`,
    AFTER[after],
    `${duration(since)} ± ${duration(sinceError)}`,
  ])
  return [`${bump.service} ${bumpSummary(bump)}`, '', table(['HOP', 'TOOK', 'AFTER', 'SINCE THE PUSH'], rows)].join('\n')
}
