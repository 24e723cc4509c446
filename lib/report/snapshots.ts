import { formatAge } from '../model/health/age.ts'
import type { Policy } from '../model/retention/policy.ts'
import type { Maker } from '../model/snapshot/found.ts'
import type { Orphan } from '../model/snapshot/orphans.ts'
import { type Fate, fatesOf, isProtected, type Prunable } from '../model/snapshot/pruning.ts'
import type { Json } from '../runtime/json.ts'
import { table } from '../runtime/table.ts'
import { untilDocument, untilText } from './prune.ts'

interface Listed extends Prunable {
  madeBy: Maker
  layer: string | undefined
  diskSizeGb: number
  storageBytes: bigint
}

interface Shown {
  /** The environment's policy; without one, nothing says why and until when. */
  keep: Policy | undefined
  now: Date
  isShown(layer: string | undefined): boolean
}

/** The policy decides on all of them, however few are shown. */
function shownOf<Snapshot extends Listed>(snapshots: readonly Snapshot[], { keep, now, isShown }: Shown) {
  const fates = keep ? fatesOf(snapshots, keep, now) : []
  const byId = new Map(fates.map(fate => [fate.snapshot.id, fate]))
  return snapshots
    .filter(({ layer }) => isShown(layer))
    .map(snapshot => ({ ...snapshot, age: now.getTime() - Date.parse(snapshot.createdAt), fate: byId.get(snapshot.id) }))
}

/** Sizes in bytes are decimal strings, as they may be larger than a number can tell. */
export const listDocument = (snapshots: readonly Listed[], shown: Shown) => ({
  snapshots: shownOf(snapshots, shown).map(({ storageBytes, layer, age, fate, ...rest }) => ({
    ...rest,
    layer: layer ?? null,
    storageBytes: String(storageBytes),
    ageSeconds: Number.isNaN(age) ? null : Math.round(age / 1000),
    protected: isProtected(rest),
    keep: fate ? { kept: fate.isKept, reasons: fate.reasons, until: untilDocument(fate.until) } : null,
  })) as unknown as Json,
})

export function listText(snapshots: readonly Listed[], shown: Shown): string {
  const rows = shownOf(snapshots, shown)
  if (rows.length === 0) return 'No snapshots.'
  return table(
    ['NAME', 'MADE BY', 'LAYER', 'STATUS', 'SERIAL', 'CREATED', 'AGE', 'GB', 'MIB', 'DISK', 'PROTECTED', 'KEPT AS', 'UNTIL'],
    rows.map(({ name, madeBy, layer, labels, status, createdAt, age, diskSizeGb, storageBytes, sourceDisk, fate }) => [
      name,
      madeBy,
      layer ?? labels.layer ?? '',
      status,
      (madeBy === 'toolkit' && labels['state-serial']) || '',
      createdAt,
      Number.isNaN(age) ? '' : formatAge(age),
      diskSizeGb,
      Math.round(Number(storageBytes) / 2 ** 20),
      sourceDisk,
      isProtected({ labels }) ? 'yes' : '',
      keptText(fate),
      untilText(fate?.until, shown.keep?.timeZone ?? 'UTC'),
    ]),
  )
}

function keptText(fate: Fate<unknown> | undefined): string {
  if (!fate) return '-'
  return fate.isKept ? fate.reasons.join('; ') : 'not kept: the next prune deletes it'
}

type Orphaned = Pick<Orphan<Prunable & { storageBytes: bigint }>, 'snapshot' | 'reason'>

export const orphansDocument = (orphans: readonly Orphaned[]) => ({
  orphans: orphans.map(({ snapshot: { name, id, labels, sourceDisk, createdAt, storageBytes }, reason }) => ({
    ...{ name, id, environment: labels.environment ?? null, layer: labels.layer ?? null, disk: sourceDisk },
    ...{ createdAt, storageBytes: String(storageBytes), reason },
  })) as unknown as Json,
})

export const orphansText = (orphans: readonly Orphaned[]): string =>
  orphans.length === 0
    ? 'No orphans.'
    : table(
        ['NAME', 'ENVIRONMENT', 'LAYER', 'CREATED', 'MIB', 'DISK', 'WHY'],
        orphans.map(({ snapshot: { name, labels, createdAt, storageBytes, sourceDisk }, reason }) => [
          ...[name, labels.environment ?? '', labels.layer ?? '', createdAt],
          ...[Math.round(Number(storageBytes) / 2 ** 20), sourceDisk, reason],
        ]),
      )
