import { isDeepStrictEqual } from 'node:util'
import type { Policy } from '../retention/policy.ts'
import { retain, type Until } from '../retention/retain.ts'
import { madeBy } from './found.ts'

/** What is known of a snapshot, as far as its end depends on it. */
export interface Prunable {
  name: string
  id: string
  status: string
  labels: Record<string, string>
  labelFingerprint: string
  /** ISO 8601; empty where nothing says it. */
  createdAt: string
  autoCreated: boolean
  /** The disk's name. Its id changes with each restore. */
  sourceDisk: string
}

export interface Fate<Snapshot> {
  snapshot: Snapshot
  isKept: boolean
  /** Why it is kept, or why no rule keeps it. */
  reasons: string[]
  /** Undefined for one that is removed, and for one that the policy does not look at. */
  until: Until | undefined
}

/** The label that keeps one, set by `snapshot:protect`. */
export const PROTECT = { protect: 'true' } as const

export const isProtected = ({ labels }: Pick<Prunable, 'labels'>): boolean => labels.protect === PROTECT.protect

/** The policy holds for each layer's snapshots of each disk by themselves. */
export const groupOf = ({ labels, sourceDisk }: Pick<Prunable, 'labels' | 'sourceDisk'>): string =>
  `${labels.layer ?? ''} of ${sourceDisk}`

/** Whom the policy does not look at, and so can't end and takes no other's place; undefined for one that it decides on. */
function exempt(snapshot: Prunable): string | undefined {
  const maker = madeBy(snapshot)
  if (maker !== 'toolkit') return `made by ${maker === 'hand' ? 'hand' : 'a schedule'}`
  if (snapshot.status !== 'READY') return `it is ${snapshot.status}`
  return Number.isNaN(Date.parse(snapshot.createdAt)) ? 'nothing says when it was taken' : undefined
}

/**
 * What becomes of each of an environment's snapshots, in the order of their groups, the newest first; those that the policy does not look
 * at are last. Of two of the same moment the name decides.
 */
export function fatesOf<Snapshot extends Prunable>(
  snapshots: readonly Snapshot[],
  policy: Policy,
  now: Date,
): Fate<Snapshot>[] {
  const inOrder = [...snapshots].sort((a, b) => compare(groupOf(a), groupOf(b)) || compare(a.name, b.name))
  const decided = inOrder
    .filter(snapshot => exempt(snapshot) === undefined)
    .map(snapshot => ({
      id: snapshot.id,
      time: Date.parse(snapshot.createdAt),
      group: groupOf(snapshot),
      ...(isProtected(snapshot) && { held: 'protected' }),
      snapshot,
    }))
  const others = inOrder.flatMap((snapshot): Fate<Snapshot>[] => {
    const reason = exempt(snapshot)
    return reason === undefined ? [] : [{ snapshot, isKept: true, reasons: [reason], until: undefined }]
  })
  const fates = retain(decided, policy, now.getTime()).map(({ item, isKept, reasons, until }) => ({
    snapshot: item.snapshot,
    isKept,
    reasons,
    until,
  }))
  return [...fates, ...others]
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** What has changed in a snapshot since its end was decided; undefined if nothing has. */
export function changeSince(decided: Prunable, found: Prunable): string | undefined {
  if (found.id !== decided.id) return 'another one has its name now'
  if (found.status !== decided.status) return `it is ${found.status} now`
  if (isProtected(found) && !isProtected(decided)) return 'it is protected now'
  const isSame = found.labelFingerprint === decided.labelFingerprint && isDeepStrictEqual(found.labels, decided.labels)
  return isSame ? undefined : 'its labels were changed'
}
