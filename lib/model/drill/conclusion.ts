import type { Check, Verdict } from './check.ts'

/** Recovery time in milliseconds: the four parts add up to the whole. */
export interface Rto {
  /** From the first thing destroyed to everything verified healthy. */
  ms: number
  /** Until `verify` saw the loss. A drill looks once all is destroyed, so the destruction is in it. */
  detect: number
  /** How much of `detect` the destruction itself took. */
  destruction: number
  /** Until the first repair began: is the layer below whole, what is to do. */
  decide: number
  restore: number
  verify: number
  /** How much of the whole nobody worked on it. */
  paused: number
}

/** Data lost at most, in milliseconds before the disruption; null where a store was lost altogether. */
export interface Rpo {
  ms: number | null
  says: string
}

export interface Conclusion {
  verdict: Verdict
  /** What keeps it from a pass. */
  reasons: string[]
  checks: Check[]
  rto: Rto | null
  rpo: Rpo | null
}
