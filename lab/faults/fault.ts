import type { Json } from '../../lib/runtime/json.ts'

/** A fault as the stand-in for Google lists it; the other members depend on its kind. */
export interface ListedFault {
  id: string
  kind: string
  /** How many times it will still happen; unlimited if absent. */
  times?: number
  /** How many times it has happened. */
  happened: number
  [member: string]: Json | undefined
}
