import type { Architecture } from '../../machine/types.ts'
import { notFound } from '../http/errors.ts'
import { linkTo } from './resource.ts'

/** What Google provides ready-made: projects, regions and zones, machine types, disk types and public images. */

export interface Project {
  id: string
  /** 12 digits. */
  number: string
}

/** All projects: the reference system's own, and a second one for staging. */
export const projects: readonly [Project, ...Project[]] = [
  { id: 'web-service-design', number: '843216957420' },
  { id: 'web-service-staging', number: '517930284616' },
]

/** By id or number. */
export const findProject = (name: string): Project | undefined =>
  projects.find(({ id, number }) => id === name || number === name)

/** By id or number. @throws ApiError 404 */
export function projectNamed(name: string): Project {
  const project = findProject(name)
  if (!project) throw notFound(`projects/${name}`)
  return project
}

/** The service account that a machine has by default. @throws ApiError 404 */
export const defaultServiceAccount = (project: string): string =>
  `${projectNamed(project).number}-compute@developer.gserviceaccount.com`

const zones: Record<string, string[]> = {
  'us-central1': ['us-central1-a', 'us-central1-b', 'us-central1-c', 'us-central1-f'],
  'us-east1': ['us-east1-b', 'us-east1-c', 'us-east1-d'],
}

interface MachineShape {
  name: string
  cpus: number
  memoryMb: number
  architecture: Architecture
}

const series = (prefix: string, sizes: number[], gbPerCpu: number, architecture: Architecture): MachineShape[] =>
  sizes.map(cpus => ({ name: `${prefix}-${cpus}`, cpus, memoryMb: cpus * gbPerCpu * 1024, architecture }))

const machineShapes: MachineShape[] = [
  ...series('n1-standard', [1, 2, 4, 8], 3.75, 'x86_64'),
  { name: 'e2-micro', cpus: 2, memoryMb: 1024, architecture: 'x86_64' },
  { name: 'e2-small', cpus: 2, memoryMb: 2048, architecture: 'x86_64' },
  { name: 'e2-medium', cpus: 2, memoryMb: 4096, architecture: 'x86_64' },
  ...series('e2-standard', [2, 4, 8, 16], 4, 'x86_64'),
  ...series('n2-standard', [2, 4, 8, 16], 4, 'x86_64'),
  ...series('t2a-standard', [1, 2, 4, 8], 4, 'arm64'),
]

/** With the default size of a blank disk in GB. */
const diskTypeSizes: Readonly<Record<string, number>> = { 'pd-standard': 500, 'pd-balanced': 100, 'pd-ssd': 100 }
const diskTypeNames = Object.keys(diskTypeSizes)

interface PublicImage {
  project: string
  name: string
  family: string
  license: string
  architecture: Architecture
  id: string
}

/** A family of each architecture, with Google's names. */
const release = (
  project: string,
  license: string,
  firstId: number,
  families: readonly { family: string; name: string; architecture: Architecture }[],
): PublicImage[] => families.map((one, index) => ({ ...one, project, license, id: `34862019576044${firstId + index}` }))

const images: PublicImage[] = [
  ...release('debian-cloud', 'debian-12-bookworm', 13, [
    { family: 'debian-12', name: 'debian-12-bookworm-v20251014', architecture: 'x86_64' },
    { family: 'debian-12-arm64', name: 'debian-12-bookworm-arm64-v20251014', architecture: 'arm64' },
  ]),
  ...release('debian-cloud', 'debian-13-trixie', 15, [
    { family: 'debian-13', name: 'debian-13-trixie-v20251014', architecture: 'x86_64' },
    { family: 'debian-13-arm64', name: 'debian-13-trixie-arm64-v20251014', architecture: 'arm64' },
  ]),
  ...release('ubuntu-os-cloud', 'ubuntu-2204-lts', 17, [
    { family: 'ubuntu-2204-lts', name: 'ubuntu-2204-jammy-v20251014', architecture: 'x86_64' },
    { family: 'ubuntu-2204-lts-arm64', name: 'ubuntu-2204-jammy-arm64-v20251014', architecture: 'arm64' },
  ]),
  ...release('ubuntu-os-cloud', 'ubuntu-2404-lts', 19, [
    { family: 'ubuntu-2404-lts-amd64', name: 'ubuntu-2404-noble-amd64-v20251014', architecture: 'x86_64' },
    { family: 'ubuntu-2404-lts-arm64', name: 'ubuntu-2404-noble-arm64-v20251014', architecture: 'arm64' },
  ]),
]

/** Public images are older than any lab. */
const MADE = '2025-10-14T03:00:00.000-07:00'

export const architectureName = (architecture: Architecture): string => (architecture === 'arm64' ? 'ARM64' : 'X86_64')

/** Projects in which Google and its partners publish images; those without an entry in `images` are empty here. */
const imageProjects: readonly string[] = [
  ...['centos-cloud', 'cos-cloud', 'debian-cloud', 'fedora-coreos-cloud', 'opensuse-cloud', 'oracle-linux-cloud', 'rhel-cloud'],
  ...['rhel-sap-cloud', 'rocky-linux-accelerator-cloud', 'rocky-linux-cloud', 'suse-cloud', 'suse-sap-cloud'],
  ...['ubuntu-os-accelerator-images', 'ubuntu-os-cloud', 'ubuntu-os-pro-cloud', 'windows-cloud', 'windows-sql-cloud'],
]

/** @throws ApiError 404 for a project that does not exist. */
export function checkProject(project: string): void {
  if (!imageProjects.includes(project)) projectNamed(project)
}

export const regionOf = (zone: string): string => zone.slice(0, zone.lastIndexOf('-'))

export function region(project: string, name: string) {
  const zonesOfRegion = zones[name]
  if (!zonesOfRegion) throw notFound(`projects/${project}/regions/${name}`)
  return {
    kind: 'compute#region',
    id: String(1000 + Object.keys(zones).indexOf(name)),
    creationTimestamp: MADE,
    name,
    description: name,
    status: 'UP',
    zones: zonesOfRegion.map(zone => linkTo(`projects/${project}/zones/${zone}`)),
    selfLink: linkTo(`projects/${project}/regions/${name}`),
  }
}

export const regions = (project: string) => Object.keys(zones).map(name => region(project, name))

export function zone(project: string, name: string) {
  const names = Object.values(zones).flat()
  if (!names.includes(name)) throw notFound(`projects/${project}/zones/${name}`)
  return {
    kind: 'compute#zone',
    id: String(2000 + names.indexOf(name)),
    creationTimestamp: MADE,
    name,
    description: name,
    status: 'UP',
    region: linkTo(`projects/${project}/regions/${regionOf(name)}`),
    availableCpuPlatforms: ['Ampere Altra', 'Intel Broadwell', 'Intel Skylake'],
    supportsPzs: false,
    selfLink: linkTo(`projects/${project}/zones/${name}`),
  }
}

export const allZones = (project: string) => {
  const names = Object.values(zones).flat()
  return names.map(name => zone(project, name))
}

const machineTypeOf = (project: string, zone: string, { name, cpus, memoryMb, architecture }: MachineShape) => ({
  kind: 'compute#machineType',
  id: String(100_000_000 + cpus * 1_000_000 + memoryMb),
  creationTimestamp: MADE,
  name,
  description: `${cpus} vCPU, ${memoryMb / 1024} GB RAM`,
  guestCpus: cpus,
  memoryMb,
  architecture: architectureName(architecture),
  isSharedCpu: cpus === 2 && memoryMb < 8192,
  maximumPersistentDisks: 128,
  maximumPersistentDisksSizeGb: '263168',
  imageSpaceGb: 0,
  zone,
  selfLink: linkTo(`projects/${project}/zones/${zone}/machineTypes/${name}`),
})

export const machineTypes = (project: string, zone: string) => machineShapes.map(shape => machineTypeOf(project, zone, shape))

export function machineType(project: string, zone: string, name: string) {
  const shape = machineShapes.find(candidate => candidate.name === name)
  if (!shape) throw notFound(`projects/${project}/zones/${zone}/machineTypes/${name}`)
  return machineTypeOf(project, zone, shape)
}

const diskTypeOf = (project: string, zone: string, name: string) => ({
  kind: 'compute#diskType',
  id: String(30_000 + diskTypeNames.indexOf(name)),
  creationTimestamp: MADE,
  name,
  description: name,
  validDiskSize: '10GB-65536GB',
  defaultDiskSizeGb: String(diskTypeSizes[name]),
  zone: linkTo(`projects/${project}/zones/${zone}`),
  selfLink: linkTo(`projects/${project}/zones/${zone}/diskTypes/${name}`),
})

export const diskTypes = (project: string, zone: string) => diskTypeNames.map(name => diskTypeOf(project, zone, name))

export function diskType(project: string, zone: string, name: string) {
  if (!diskTypeNames.includes(name)) throw notFound(`projects/${project}/zones/${zone}/diskTypes/${name}`)
  return diskTypeOf(project, zone, name)
}

const imageOf = ({ project, name, family, license, architecture, id }: PublicImage) => ({
  kind: 'compute#image',
  id,
  creationTimestamp: MADE,
  name,
  family,
  description: `${license}, ${architecture}`,
  status: 'READY',
  sourceType: 'RAW',
  architecture: architectureName(architecture),
  diskSizeGb: '10',
  archiveSizeBytes: '0',
  storageLocations: ['us'],
  guestOsFeatures: [{ type: 'UEFI_COMPATIBLE' }, { type: 'VIRTIO_SCSI_MULTIQUEUE' }, { type: 'GVNIC' }],
  licenses: [linkTo(`projects/${project}/global/licenses/${license}`)],
  labelFingerprint: '42WmSpB8rSM=',
  selfLink: linkTo(`projects/${project}/global/images/${name}`),
})

export const publicImages = (project: string) => images.filter(image => image.project === project).map(imageOf)

export function image(project: string, name: string) {
  const found = images.find(candidate => candidate.project === project && candidate.name === name)
  if (!found) throw notFound(`projects/${project}/global/images/${name}`)
  return imageOf(found)
}
