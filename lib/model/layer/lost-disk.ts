import { ageOf, formatAge } from '../health/age.ts'
import { isRestorable } from '../snapshot/found.ts'
import { newest } from './holdings.ts'
import { baseName, block, creates, type PlannedResource, text, type Values } from './planned.ts'

/** A snapshot of this environment. */
export interface DiskSnapshot {
  name: string
  /** ISO 8601. */
  createdAt: string
  /** `READY` and others; only what is READY can be restored. */
  status: string
  /** Name or path of the disk that it was taken of. */
  sourceDisk: string
  /** `X86_64` or `ARM64`; empty where nobody knows. */
  architecture: string
}

/** A disk that a plan would make empty, though there are snapshots to make it from. */
export interface LostDisk {
  /** Of the disk, or of the VM that it is a part of. */
  address: string
  disk: string
  newest: DiskSnapshot
  /** How many READY snapshots there are. */
  snapshots: number
}

const DISK = /^google_compute_(region_)?disk$/
const VM = /^google_compute_instance(_from_template)?$/

/**
 * Disks that a plan would make empty although this environment has snapshots: a lost disk is not an empty one. Those are its
 * boot disk, and any disk of whose name there is a snapshot. What is made from a snapshot or another disk is a restore.
 */
export function lostDisks(planned: readonly PlannedResource[], snapshots: readonly DiskSnapshot[]): LostDisk[] {
  const ready = snapshots.filter(({ status }) => status === 'READY')
  const latest = best(ready) ?? newest(ready)
  if (!latest) return []
  const bootDisks = new Set(createdBootDisks(planned))
  return planned.filter(creates).flatMap(resource => {
    const disk = emptyDisk(resource)
    if (disk === undefined) return []
    const ofIt = ready.filter(({ sourceDisk }) => disk !== '' && baseName(sourceDisk) === disk)
    if (DISK.test(resource.type) && ofIt.length === 0 && !bootDisks.has(resource)) return []
    return [{ address: resource.address, disk, newest: best(ofIt) ?? latest, snapshots: ready.length }]
  })
}

/** The newest one that the VM could boot from. */
const best = (snapshots: readonly DiskSnapshot[]): DiskSnapshot | undefined => newest(snapshots.filter(isRestorable))

/** The name of the disk that a resource's creation makes without content of ours; undefined when it makes none. */
function emptyDisk({ type, after }: PlannedResource): string | undefined {
  if (!after) return undefined
  if (DISK.test(type)) return isCopy(after) ? undefined : (text(after.name) ?? '')
  if (!VM.test(type)) return undefined
  const boot = block(after, 'boot_disk')
  const inline = block(boot, 'initialize_params')
  // With a disk of its own, `initialize_params` is known only after the apply; a template says nothing of its disks.
  if (text(boot?.source) !== undefined || (type === 'google_compute_instance' && !isInline(inline))) return undefined
  return inline && isCopy(inline) ? undefined : (text(after.name) ?? '')
}

const isInline = (params: Values | undefined): boolean =>
  params !== undefined &&
  ['image', 'size', 'type', 'snapshot'].some(name => params[name] !== undefined && params[name] !== null)

const isCopy = (values: Values): boolean =>
  ['snapshot', 'source_disk', 'source_instant_snapshot'].some(name => text(values[name]) !== undefined)

/**
 * The disks to be created that a VM boots from. A VM names its disk only where that exists already or has a known path; where
 * it does not, or is not in this layer, the disk is the only one, or what can be booted: a data disk is made blank.
 */
function createdBootDisks(planned: readonly PlannedResource[]): PlannedResource[] {
  const created = planned.filter(resource => DISK.test(resource.type) && creates(resource))
  const vms = planned.filter(({ type, mode, after }) => mode === 'managed' && after !== null && VM.test(type))
  const named = new Set(vms.flatMap(({ after }) => text(block(after, 'boot_disk')?.source) ?? []).map(baseName))
  const byName = created.filter(({ after }) => named.has(text(after?.name) ?? ''))
  if (vms.length > 0 && vms.every(hasKnownDisk)) return byName
  const bootable = created.filter(({ after }) => after !== null && (text(after.image) !== undefined || isCopy(after)))
  return [...byName, ...(bootable.length > 0 || vms.length === 0 ? bootable : created)]
}

function hasKnownDisk({ after }: PlannedResource): boolean {
  const boot = block(after, 'boot_disk')
  return text(boot?.source) !== undefined || isInline(block(boot, 'initialize_params'))
}

/** What an operator is told of lost disks. */
export function describeLostDisks(layer: string, lost: readonly LostDisk[], now: Date): { message: string; hint: string } {
  const lines = lost.map(({ address, disk, newest: latest, snapshots }) => {
    const age = formatAge(ageOf(latest.createdAt, now))
    const foreign = isRestorable(latest) ? '' : `, of an ${latest.architecture} disk`
    return `  ${address}: disk ${disk || '(name not known yet)'}; the newest of ${counted(snapshots)} is ${latest.name}, ${age} old${foreign}`
  })
  const remedy = lost.find(({ newest: latest }) => isRestorable(latest))?.newest.name
  const restore =
    remedy === undefined
      ? 'none of them boots an x86 VM: attach a disk made from one to read it'
      : `restore: let the layer make the disk from ${remedy} (in the shipped tree the input \`snapshot_name\`)`
  return {
    message: [`${layer} would make an empty disk where there are snapshots of this environment:`, ...lines].join('\n'),
    hint: `${restore}. \`--fresh\` begins with an empty disk; the snapshots stay`,
  }
}

const counted = (snapshots: number): string => (snapshots === 1 ? '1 snapshot' : `${snapshots} snapshots`)
