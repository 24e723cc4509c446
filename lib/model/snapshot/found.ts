import { isOwnResource, layerLabel } from '../labels.ts'
import { baseName } from '../layer/planned.ts'
import { parseSnapshotName } from './name.ts'

/** Who made a snapshot: this toolkit, a schedule of Google's, or somebody by hand. */
export type Maker = 'toolkit' | 'schedule' | 'hand'

/** What tells whose a snapshot is. */
interface Origin {
  labels: Record<string, string>
  autoCreated: boolean
  /** As Compute gives it: a URL, a part of one, or the disk's bare name. */
  sourceDiskUrl: string
}

/** Where a disk is; what its URL leaves out is undefined. */
interface DiskPlace {
  project: string | undefined
  /** A zone, or a regional disk's region. */
  location: string | undefined
  name: string
}

/** An environment, as far as it tells its snapshots from others. Without project or zone, a disk anywhere may be its own. */
export interface Owner {
  environment: string
  /** The other environments. */
  others: readonly string[]
  /** Names of its disks. */
  disks: readonly string[]
  project?: string | undefined
  zone?: string | undefined
}

export const madeBy = ({ labels, autoCreated }: Pick<Origin, 'labels' | 'autoCreated'>): Maker =>
  autoCreated ? 'schedule' : isOwnResource(labels) ? 'toolkit' : 'hand'

/**
 * The environment's snapshots among all, whoever made them. Of the toolkit's own the label decides. Others are told by the disk that they
 * were taken of, which may be gone by now, or by the label `environment`; what they are called says nothing.
 */
export function foundSnapshots<Snapshot extends Origin & { name: string }>(
  all: readonly Snapshot[],
  owner: Owner & { layers: readonly string[] },
): (Snapshot & { madeBy: Maker; layer: string | undefined })[] {
  const isOwn = ownedBy(all, owner)
  return all.filter(isOwn).map(snapshot => ({ ...snapshot, madeBy: madeBy(snapshot), layer: layerOf(snapshot, owner.layers) }))
}

/** Whether a snapshot is the environment's; `all` tells the disks that it had once. */
export function ownedBy(all: readonly Origin[], owner: Owner): (snapshot: Origin) => boolean {
  const { environment, others, disks, project, zone } = owner
  const isMade = (snapshot: Origin) => madeBy(snapshot) === 'toolkit'
  const places: DiskPlace[] = [
    ...disks.map(name => ({ project, location: zone, name })),
    ...all
      .filter(snapshot => isMade(snapshot) && snapshot.labels.environment === environment)
      .map(({ sourceDiskUrl }) => diskPlace(sourceDiskUrl)),
  ].filter(({ name }) => name !== '')
  return snapshot => {
    const label = snapshot.labels.environment
    if (label === environment) return true
    if (isMade(snapshot) || others.includes(label ?? '')) return false
    const source = diskPlace(snapshot.sourceDiskUrl)
    return places.some(place => isSame(place, source))
  }
}

export function diskPlace(url: string): DiskPlace {
  const parts = url.split('/')
  const after = (collection: string): string | undefined => {
    const at = parts.indexOf(collection)
    return at < 0 ? undefined : parts[at + 1]
  }
  return { project: after('projects'), location: after('zones') ?? after('regions'), name: baseName(url) }
}

const isSame = (one: DiskPlace, other: DiskPlace): boolean =>
  one.name === other.name && isSameProject(one.project, other.project) && isSameLocation(one.location, other.location)

/** A project's number can't be compared with its id, which begins with a letter. */
const isSameProject = (one: string | undefined, other: string | undefined): boolean =>
  one === undefined || other === undefined || one === other || /^\d+$/.test(one) !== /^\d+$/.test(other)

/** A regional disk is in every zone of its region. */
const isSameLocation = (one: string | undefined, other: string | undefined): boolean =>
  one === undefined || other === undefined || one === other || one.startsWith(`${other}-`) || other.startsWith(`${one}-`)

/** The layer after which it was taken, of these: its label says it, else its name in one of the two forms. */
export function layerOf(
  { name, labels }: { name: string; labels: Record<string, string> },
  layers: readonly string[],
): string | undefined {
  return layers.find(layer => layerLabel(layer) === labels.layer) ?? parseSnapshotName(name, layers)?.layer
}

/** Whether the VM could boot from it: it is x86, as the binaries and the images are. */
export const isRestorable = ({ status, architecture }: { status: string; architecture: string }): boolean =>
  status === 'READY' && architecture !== 'ARM64'
