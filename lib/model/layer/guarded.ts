import { allows } from './allowance.ts'
import type { Destruction } from './destruction.ts'
import { type Holdings, isData } from './holdings.ts'

/** An object that a verb announced it would destroy, and that was confirmed. */
export interface Announced {
  address: string
  deposed?: string
  /** What it is called; another object under the same address was not announced. Where absent, the address alone counts. */
  name?: string
}

export interface Permissions {
  /** Patterns of `--allow-destroy`. */
  allow?: readonly string[]
  /** What a verb whose purpose is to destroy announced: exactly this and nothing more. */
  consent?: readonly Announced[]
  /** `guards.destroy` is false: what holds data passes by neither. */
  guarded: boolean
}

/** `guarded`: it holds data; `unannounced`: a verb has a consent, and it is not part of it; `unallowed`: nobody allowed it. */
export type Reason = 'guarded' | 'unannounced' | 'unallowed'

export interface Refused {
  destruction: Destruction
  reason: Reason
}

/** What of a plan's destructions may be applied. A plan is applied only as a whole: one that is refused stops all. */
export interface Verdict {
  permitted: Destruction[]
  refused: Refused[]
}

/** Judges what a plan destroys. That questions are answered by `--yes` is no permission. */
export function judgeDestructions(planned: readonly Destruction[], permissions: Permissions, holdings: Holdings): Verdict {
  const judged = planned.map(destruction => ({ destruction, reason: reasonAgainst(destruction, permissions, holdings) }))
  return {
    permitted: judged.flatMap(({ destruction, reason }) => (reason === undefined ? [destruction] : [])),
    refused: judged.flatMap(({ destruction, reason }) => (reason === undefined ? [] : [{ destruction, reason }])),
  }
}

function reasonAgainst(destruction: Destruction, permissions: Permissions, holdings: Holdings): Reason | undefined {
  const { allow = [], consent, guarded } = permissions
  if (guarded && destruction.holds.some(held => isData(held, holdings))) return 'guarded'
  if (allow.some(pattern => allows(pattern, destruction.address))) return undefined
  if (consent === undefined) return 'unallowed'
  return consent.some(announced => isSame(announced, destruction)) ? undefined : 'unannounced'
}

const isSame = (announced: Announced, { address, deposed, name }: Destruction): boolean =>
  announced.address === address && announced.deposed === deposed && (announced.name === undefined || announced.name === name)
