import { ageOf, formatAge } from '../health/age.ts'
import { baseName, block, text, type Values } from './planned.ts'
import { manifestObject, realName } from './real-name.ts'

/** What holds data: losing it loses more than an apply brings back. */
export type DataKind =
  | 'application'
  | 'bucket'
  | 'claim'
  | 'crd'
  | 'database'
  | 'disk'
  | 'namespace'
  | 'project'
  | 'registry'
  | 'release'
  | 'secret'
  | 'snapshot'
  | 'vm'

/** One thing with data that goes with a resource. A VM may take its disk along. */
export interface Held {
  kind: DataKind
  /** By which `Holdings` knows it: a disk's or namespace's name, a release's `namespace/name`. */
  name: string
  sizeGb?: number
  /** It takes its content along: a bucket its objects, an Application what it deployed. */
  cascades?: boolean
}

/** What was looked up outside Terraform. A map is absent when nobody could look; a name that a map lacks has none. */
export interface Holdings {
  /** READY snapshots, by the name of the disk that they were taken of. */
  snapshots?: Record<string, { name: string; createdAt: string }[]>
  /** Names of the PersistentVolumeClaims, by namespace. */
  claims?: Record<string, string[]>
  /** By `namespace/name`: what uninstalling the release deletes. Neither a chart's `crds/` nor what is annotated `helm.sh/resource-policy: keep`. */
  releases?: Record<string, { crds: string[]; claims: string[] }>
}

const KINDS: readonly [type: RegExp, kind: DataKind][] = [
  [/^google_compute_(region_)?disk$/, 'disk'],
  [/^google_compute_(snapshot|image|machine_image|instant_snapshot|region_instant_snapshot)$/, 'snapshot'],
  [/^google_compute_instance(_from_template|_from_machine_image)?$/, 'vm'],
  [/^google_compute_(region_)?instance_group_manager$/, 'vm'],
  [/^google_container_(cluster|node_pool)$/, 'vm'],
  [/^google_storage_bucket$/, 'bucket'],
  [/^google_(sql|spanner|bigtable|alloydb|redis|memorystore|memcache)_/, 'database'],
  [/^google_firestore_(database|document)$/, 'database'],
  [/^google_bigquery_(dataset|table)$/, 'database'],
  [/^google_filestore_(instance|snapshot|backup)$/, 'disk'],
  [/^google_secret_manager_(regional_)?secret(_version)?$/, 'secret'],
  // What it encrypted can't be read without it.
  [/^google_kms_crypto_key(_version)?$/, 'secret'],
  // Kept nowhere but in the state.
  [/^(random_password|random_bytes|tls_private_key)$/, 'secret'],
  [/^google_artifact_registry_repository$/, 'registry'],
  [/^google_project$/, 'project'],
  [/^kubernetes_namespace(_v1)?$/, 'namespace'],
  [/^kubernetes_persistent_volume(_claim)?(_v1)?$/, 'claim'],
  [/^kubernetes_secret(_v1)?$/, 'secret'],
  [/^helm_release$/, 'release'],
  [/^argocd_application(_set)?$/, 'application'],
]

/** Who may do what with a thing is not the thing. */
const ACCESS = /_iam_(member|binding|policy|audit_config)$/

const MANIFEST_KINDS: Record<string, DataKind> = {
  Namespace: 'namespace',
  PersistentVolume: 'claim',
  PersistentVolumeClaim: 'claim',
  CustomResourceDefinition: 'crd',
  Secret: 'secret',
}

/** What a resource holds as data, by its type and its values in the state. Of a type that is not known here: nothing. */
export function heldBy(type: string, values: Values | null): Held[] {
  if (!values || ACCESS.test(type) || isLeftAlone(values)) return []
  const kind = KINDS.find(([pattern]) => pattern.test(type))?.[1] ?? manifestKind(type, values)
  if (kind === undefined) return []
  const size = values.size
  const held: Held = {
    kind,
    name: manifestObject(type, values)?.name ?? realName(type, values) ?? '',
    ...(kind === 'disk' && typeof size === 'number' && { sizeGb: size }),
    ...(cascades(kind, type, values) && { cascades: true }),
  }
  return kind === 'vm' ? [held, ...ownDisk(values)] : [held]
}

/** Its deletion only ends Terraform's part in it. */
const isLeftAlone = ({ apply_only: applyOnly, deletion_policy: policy }: Values): boolean =>
  applyOnly === true || policy === 'ABANDON' || policy === 'DISABLE'

function manifestKind(type: string, values: Values): DataKind | undefined {
  const object = manifestObject(type, values)
  if (!object) return undefined
  if (/^argoproj\.io\//.test(object.apiVersion) && /^Application(Set)?$/.test(object.kind)) return 'application'
  return MANIFEST_KINDS[object.kind]
}

/** A VM's deletion deletes its boot disk, whoever made that, unless `auto_delete` is off. */
function ownDisk(values: Values): Held[] {
  const boot = block(values, 'boot_disk')
  if (!boot || boot.auto_delete === false) return []
  const size = block(boot, 'initialize_params')?.size
  const name = baseName(text(boot.source) ?? text(values.name) ?? '')
  return [{ kind: 'disk', name, ...(typeof size === 'number' && { sizeGb: size }) }]
}

/** With this finalizer Argo CD deletes what an Application deployed before the Application itself. */
const FINALIZER = 'resources-finalizer.argocd.argoproj.io'

function cascades(kind: DataKind, type: string, values: Values): boolean {
  if (kind === 'bucket') return values.force_destroy === true
  if (kind !== 'application') return false
  return type === 'argocd_application' ? values.cascade !== false : JSON.stringify(values).includes(FINALIZER)
}

/** Whether it holds data indeed. A release does by its CRDs and claims; as long as nobody has looked, it counts as one that has some. */
export function isData({ kind, name }: Held, { releases }: Holdings): boolean {
  if (kind !== 'release' || !releases) return true
  const { crds = [], claims = [] } = releases[name] ?? {}
  return crds.length > 0 || claims.length > 0
}

/**
 * The volume claims that go with what is held, for people: `namespace threads, and with it the data of its claim postgres-pvc`. What holds
 * none is left out.
 */
export function describeClaims(held: readonly Held[], { claims, releases }: Holdings): string[] {
  return held.flatMap(({ kind, name }) => {
    if (kind === 'claim') return [`volume claim ${name}, and with it its data`]
    if (kind !== 'namespace' && kind !== 'release') return []
    const found = kind === 'namespace' ? claims && (claims[name] ?? []) : releases && (releases[name]?.claims ?? [])
    // Few charts have claims, while namespaces are what claims are in.
    if (!found)
      return kind === 'namespace' ? [`namespace ${name}, and with it the data of its claims: which, nobody can tell now`] : []
    if (found.length === 0) return []
    const one = found.length === 1 ? 'claim' : 'claims'
    return [`${kind} ${name}, and with it the data of its ${one} ${found.join(', ')}`]
  })
}

const PLAIN: Partial<Record<DataKind, string>> = {
  claim: 'volume claim',
  crd: 'CRD with all its objects',
  database: 'database',
  project: 'project with everything in it',
  registry: 'registry of images',
  secret: 'secret',
  snapshot: 'snapshot or image',
  vm: 'VM',
}

/** For people: `disk, 50 GB, newest snapshot a-snapshot (2 h old)`. */
export function describeHeld(held: Held, holdings: Holdings, now: Date): string {
  const { kind, name, sizeGb, cascades: all } = held
  switch (kind) {
    case 'disk':
      return ['disk', ...(sizeGb === undefined ? [] : [`${sizeGb} GB`]), newestSnapshot(name, holdings, now)].join(', ')
    case 'bucket':
      return all ? 'bucket with all its objects' : 'bucket'
    case 'application':
      return all ? 'Argo CD Application with all that it deployed' : 'Argo CD Application'
    case 'namespace':
      return `namespace with ${listed('claims', holdings.claims && (holdings.claims[name] ?? []))}`
    case 'release':
      return `release with ${describeRelease(name, holdings)}`
    default:
      return PLAIN[kind] ?? kind
  }
}

function newestSnapshot(disk: string, { snapshots }: Holdings, now: Date): string {
  if (!snapshots) return 'its snapshots are not known'
  const found = newest(snapshots[disk] ?? [])
  return found ? `newest snapshot ${found.name} (${formatAge(ageOf(found.createdAt, now))} old)` : 'no snapshot'
}

function describeRelease(name: string, { releases }: Holdings): string {
  if (!releases) return 'unknown CRDs'
  const { crds = [], claims = [] } = releases[name] ?? {}
  return [listed('CRDs', crds), ...(claims.length > 0 ? [listed('claims', claims)] : [])].join(' and ')
}

/** Chart authors ship dozens of CRDs: a line has room for some. */
const LISTED = 5

function listed(what: string, names: readonly string[] | undefined): string {
  if (!names) return `unknown ${what}`
  if (names.length === 0) return `no ${what}`
  const rest = names.length - LISTED
  return `${what} ${names.slice(0, LISTED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

/** The snapshot that was taken last. */
export const newest = <T extends { createdAt: string }>(snapshots: readonly T[]): T | undefined =>
  [...snapshots].sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))[0]
