import type { Json } from '../../lib/runtime/json.ts'

/** A fault as the stand-in for Google lists it; the other members depend on its kind. */
export interface ListedFault {
  id: string
  kind: string
  /** How often it happens yet; without end if absent. */
  times?: number
  /** How often it has happened. */
  happened: number
  [member: string]: Json | undefined
}
