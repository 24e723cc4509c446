import type { Check, Verdict } from './check.ts'

/** Recovery time in milliseconds: the four parts add up to the whole. */
export interface Rto {
  /** From the first thing destroyed to everything verified healthy. */
  ms: number
  /** Until `verify` saw the loss. A drill runs `verify` only when everything is destroyed, so this includes the destruction. */
  detect: number
  /** How much of `detect` the destruction itself took. */
  destruction: number
  /** Until the first repair began: is the layer below intact, and what is there to do? */
  decide: number
  restore: number
  verify: number
  /** How much of it passed with no run at work. */
  paused: number
}

/** The most data that may be lost, as milliseconds before the disruption; null where a whole store was lost. */
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
