import { type HopId, hops } from '../model/image/hops.ts'
import type { Leg } from '../model/image/timeline.ts'
import { seconds } from '../runtime/log.ts'
import { table } from '../runtime/table.ts'

interface Bumped {
  service: string
  from: string
  to: string
  sha: string
}

const AFTER: Record<Leg['after'], string> = {
  push: 'the push',
  ...(Object.fromEntries(hops.map(({ id, title }) => [id, title])) as Record<HopId, string>),
}

/** What is below zero says how far clocks disagree. */
const duration = (ms: number): string => (ms < 0 ? `−${seconds(-ms)}` : seconds(ms))

export const toldBump = ({ from, to, sha }: Omit<Bumped, 'service'>): string => `${from} → ${to}, ${sha.slice(0, 12)}`

/** One hop in a few words. */
export const toldLeg = ({ took, error, after }: Leg): string => `${duration(took)} ± ${duration(error)} after: ${AFTER[after]}`

/** The hops with their durations, as a table. */
export function legsText(bump: Bumped, legs: readonly Leg[]): string {
  const rows = legs.map(({ title, took, error, after, since, sinceError }) => [
    title,
    `${duration(took)} ± ${duration(error)}`,
    AFTER[after],
    `${duration(since)} ± ${duration(sinceError)}`,
  ])
  return [`${bump.service} ${toldBump(bump)}`, '', table(['HOP', 'TOOK', 'AFTER', 'SINCE THE PUSH'], rows)].join('\n')
}
