import { randomBytes } from 'node:crypto'
import type { Cluster } from '../../cluster/cluster.ts'
import { configMaps, kinds, persistentVolumes } from '../../cluster/kinds.ts'
import type { Host } from '../../host/ssh.ts'
import type { Dump } from '../../model/drill/facts.ts'
import { type Expectation, type Found, type Marker, type Place, volumeExpectation } from '../../model/drill/marker.ts'
import type { KubernetesObject, PersistentVolumeClaim } from '../../model/health/objects.ts'
import { isOwnObject, ownObjectLabels } from '../../model/labels.ts'
import { parseNamespacedName } from '../../model/namespaced-name.ts'
import type { Context } from '../../operation/context.ts'
import { external, precondition } from '../../runtime/errors.ts'

interface ConfigMap extends KubernetesObject {
  data?: Record<string, string>
}

interface PersistentVolume extends KubernetesObject {
  /** Rancher's provisioner creates hostPath volumes, or local ones if so configured. */
  spec?: { hostPath?: { path: string }; local?: { path: string } }
}

/** Belongs to no layer and no Application. */
const CONFIG_MAP: Place = { kind: 'configmap', namespace: 'default', name: 'threads-ops-dr-drill' }
const FILE: Place = { kind: 'file', path: '/var/lib/threads-ops/dr-drill' }
const FILE_IN_VOLUME = '.threads-ops-dr-drill'
/** On the VM, readable by root only. */
const DUMPS = '/var/backups/threads-ops'

const VALUE_BYTES = 16
const DUMP_MS = 15 * 60_000
/** The scripts' exit code for a missing file. */
const ABSENT = 44

const WRITE = `
set -eu
umask 077
mkdir -p "$(dirname "$1")"
printf %s "$2" > "$1"
sync "$1"
`

const READ = `[ -e "$1" ] || exit ${ABSENT}; cat "$1"`

/** Refuses when the copy would take more than half of the free space: the cluster's store is on the same disk. tar's exit code 1 means that a file changed while it was read. */
const DUMP = `
set -eu
umask 077
mkdir -p "$(dirname "$2")"
needed=$(du -sk "$1" | cut -f 1)
free=$(df -Pk "$(dirname "$2")" | awk 'NR == 2 { print $4 }')
if [ $((needed * 2)) -gt "$free" ]; then
  echo "the volume holds $needed KiB, and only $free KiB are free" >&2
  exit 28
fi
code=0
tar --create --sparse --file "$2" --directory "$1" . 2> /dev/null || code=$?
[ "$code" -le 1 ]
sync "$2"
wc -c < "$2"
sha256sum < "$2" | cut -d ' ' -f 1
tar --extract --to-stdout --file "$2" "./$3" || true
`

/** One marker for each place that holds data: the cluster's store, the VM's disk, every volume that the environment names. */
export async function plannedMarkers(context: Context): Promise<Marker[]> {
  const cluster = await context.cluster()
  const marker = (name: string, place: Place, expectation: Expectation): Marker => ({
    name,
    place,
    value: randomBytes(VALUE_BYTES).toString('hex'),
    // Taken before it is written, so that it never proves more than it should.
    writtenAt: context.now().toISOString(),
    ...expectation,
  })
  const volumes = context.environment.verify.volumes.map(async claim =>
    marker(`volume ${claim}`, { kind: 'volume', claim, file: FILE_IN_VOLUME }, await expectationOf(claim, cluster)),
  )
  return [
    marker('cluster', CONFIG_MAP, { expected: 'kept', because: 'namespace default belongs to no layer' }),
    marker('disk', FILE, { expected: 'kept', because: 'only the base layer touches the disk' }),
    ...(await Promise.all(volumes)),
  ]
}

async function expectationOf(claim: string, cluster: Cluster): Promise<Expectation> {
  const name = parseNamespacedName(claim)
  const [space, found] = await Promise.all([
    cluster.get(kinds.namespaces, { name: name.namespace }),
    cluster.get<PersistentVolumeClaim>(kinds.volumeClaims, name),
  ])
  return volumeExpectation({
    claim,
    namespaceOfLayer: isOwnObject(space?.metadata.labels),
    annotations: found?.metadata.annotations ?? {},
  })
}

export async function writeMarker({ place, value }: Marker, context: Context): Promise<void> {
  const cluster = await context.cluster()
  if (place.kind === 'configmap') {
    const { namespace, name } = place
    const metadata = { namespace, name, labels: ownObjectLabels }
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { value } }
    await cluster.apply(configMaps, { namespace, name }, object)
    return
  }
  const path = await pathOnHost(place, cluster)
  if (path === undefined)
    throw precondition(`${describe(place)} has no volume to write a marker to`, '`./taskw verify` says why')
  await (await context.host()).run({ script: WRITE, args: [path, value] }, { sudo: true, what: 'writing a marker' })
}

export async function readMarker({ place }: Marker, context: Context): Promise<Found> {
  const cluster = await context.cluster()
  if (place.kind === 'configmap') {
    const value = (await cluster.get<ConfigMap>(configMaps, place))?.data?.value
    return value === undefined ? { state: 'absent' } : { state: 'present', value }
  }
  const path = await pathOnHost(place, cluster)
  if (path === undefined) return { state: 'absent' }
  const { code, stdout, stderr } = await (await context.host()).run(
    { script: READ, args: [path] },
    { sudo: true, readOnly: true, nothrow: true, what: 'reading a marker' },
  )
  if (code === 0) return { state: 'present', value: stdout }
  return code === ABSENT ? { state: 'absent' } : { state: 'unreadable', why: stderr.trim() || `exit code ${code}` }
}

export async function removeMarker({ place }: Marker, context: Context): Promise<void> {
  const cluster = await context.cluster()
  if (place.kind === 'configmap') {
    await cluster.delete(configMaps, place)
    return
  }
  const path = await pathOnHost(place, cluster)
  if (path !== undefined) await removeFile(await context.host(), path)
}

export const removeFile = async (host: Host, path: string): Promise<void> => {
  await host.run(['rm', '-f', path], { sudo: true, what: `removing ${path}` })
}

/**
 * Copies a volume's files to a folder on the VM that only root can read. The database keeps running, so this is no backup: it is there
 * to be examined if the volume turns out to be lost.
 */
export async function dumpVolume(claim: string, run: string, context: Context): Promise<{ dump: Dump; marker: string }> {
  const place = { kind: 'volume', claim, file: FILE_IN_VOLUME } as const
  const folder = await folderOf(claim, await context.cluster())
  if (folder === undefined) throw precondition(`${describe(place)} has no volume to copy`, '`./taskw verify` says why')
  const path = dumpPath(claim, run)
  const host = await context.host()
  const takenAt = context.now().toISOString()
  const { stdout } = await host.run(
    { script: DUMP, args: [folder, path, FILE_IN_VOLUME] },
    { sudo: true, timeout: DUMP_MS, what: `dumping ${claim}` },
  )
  const [bytes, sha256 = '', marker = ''] = stdout.split('\n')
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw external(`the dump of ${claim} could not be written`, 'check the disk of the VM')
  return { dump: { claim, path, bytes: Number(bytes), sha256, takenAt, holdsMarker: false }, marker }
}

export const dumpPath = (claim: string, run: string): string => `${DUMPS}/${run}-${claim.replace('/', '-')}.tar`

/** Undefined where there is no volume, or none yet. */
async function pathOnHost(place: Exclude<Place, { kind: 'configmap' }>, cluster: Cluster): Promise<string | undefined> {
  if (place.kind === 'file') return place.path
  const folder = await folderOf(place.claim, cluster)
  return folder === undefined ? undefined : `${folder}/${place.file}`
}

/** The folder of a claim's volume on the VM's disk. Looked up each time: a re-created claim has another volume. */
async function folderOf(claim: string, cluster: Cluster): Promise<string | undefined> {
  const found = await cluster.get<PersistentVolumeClaim>(kinds.volumeClaims, parseNamespacedName(claim))
  const volume = found?.spec?.volumeName
  const { spec } = (volume && (await cluster.get<PersistentVolume>(persistentVolumes, { name: volume }))) || {}
  return spec?.hostPath?.path ?? spec?.local?.path
}

const describe = (place: Place): string =>
  place.kind === 'configmap' ? `${place.namespace}/${place.name}` : place.kind === 'file' ? place.path : place.claim
