import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { diskPlace, foundSnapshots, isRestorable, layerOf, madeBy } from '../../../../lib/model/snapshot/found.ts'

const OURS = { 'managed-by': 'threads-ops', environment: 'prod', layer: '01-k8s', 'state-serial': '7' }
const DISK = 'https://www.googleapis.com/compute/v1/projects/web-service-design/zones/us-east1-b/disks/threads-prod-vm'
const WHERE = {
  environment: 'prod',
  others: ['lab', 'staging'],
  layers: ['00-vpc', '01-k8s', '02-argocd-app'],
  disks: ['threads-prod-vm'],
  project: 'web-service-design',
  zone: 'us-east1-b',
}
interface Given {
  name?: string
  labels?: Record<string, string>
  sourceDiskUrl?: string
  autoCreated?: boolean
}
const snapshot = ({ name = 's', labels = {}, sourceDiskUrl = DISK, autoCreated = false }: Given) => ({
  name,
  labels,
  sourceDiskUrl,
  autoCreated,
  status: 'READY',
  architecture: 'X86_64',
})
const at = (path: string) => `https://www.googleapis.com/compute/v1/${path}`

const places = suite('diskPlace')
for (const [url, expected] of [
  [DISK, ['web-service-design', 'us-east1-b', 'threads-prod-vm']],
  [
    DISK.replace('www.googleapis.com/compute/v1', 'compute.googleapis.com/compute/beta'),
    ['web-service-design', 'us-east1-b', 'threads-prod-vm'],
  ],
  ['projects/p/zones/z/disks/d', ['p', 'z', 'd']],
  ['/projects/p/zones/z/disks/d', ['p', 'z', 'd']],
  ['projects/example.com:p/zones/z/disks/d', ['example.com:p', 'z', 'd']],
  ['projects/p/regions/r/disks/d', ['p', 'r', 'd']],
  ['zones/z/disks/d', [undefined, 'z', 'd']],
  ['disks/d', [undefined, undefined, 'd']],
  ['d', [undefined, undefined, 'd']],
  ['', [undefined, undefined, '']],
] as [string, (string | undefined)[]][])
  places(url || 'none', () => {
    const { project, location, name } = diskPlace(url)
    assert.equal([project, location, name], expected)
  })
places.run()

const found = suite('a snapshot is of this environment')
for (const [why, given, isFound] of [
  ['made by the toolkit', { labels: OURS }, true],
  ['made by the toolkit of a disk that is gone', { labels: OURS, sourceDiskUrl: 'projects/x/zones/y/disks/former' }, true],
  [
    'made by the toolkit for another environment, of a disk of this name',
    { labels: { ...OURS, environment: 'staging' } },
    false,
  ],
  ['by hand, without labels', {}, true],
  ['by hand, with labels of its own', { labels: { layer: '00-vpc', environment: 'prod', component: 'k0s-cluster' } }, true],
  ['by hand, its label naming no environment that there is', { labels: { environment: 'production' } }, true],
  ['by hand, for another environment', { labels: { environment: 'staging' } }, false],
  [
    'by hand, labelled, of a disk that is gone',
    { labels: { environment: 'prod' }, sourceDiskUrl: at('projects/web-service-design/zones/us-east1-b/disks/arm-vm') },
    true,
  ],
  ['by a schedule', { autoCreated: true }, true],
  ['by hand, of a disk whose name begins with ours', { sourceDiskUrl: `${DISK}-2` }, false],
  ['by hand, of a disk whose name is the beginning of ours', { sourceDiskUrl: DISK.slice(0, -1) }, false],
  [
    'by hand, of a disk whose name ends with ours',
    { sourceDiskUrl: DISK.replace('threads-prod-vm', 'old-threads-prod-vm') },
    false,
  ],
  [
    'by hand, of a disk of our name in another project',
    { sourceDiskUrl: DISK.replace('web-service-design', 'another') },
    false,
  ],
  ['by hand, of a disk of our name in another zone', { sourceDiskUrl: DISK.replace('us-east1-b', 'us-east1-c') }, false],
  ['by hand, of a regional disk of our name', { sourceDiskUrl: DISK.replace('zones/us-east1-b', 'regions/us-east1') }, true],
  [
    'by hand, of a regional disk of our name elsewhere',
    { sourceDiskUrl: DISK.replace('zones/us-east1-b', 'regions/us-east4') },
    false,
  ],
  [
    'by hand, the path with the project’s number',
    { sourceDiskUrl: 'projects/123456789/zones/us-east1-b/disks/threads-prod-vm' },
    true,
  ],
  ['by hand, the path without a project', { sourceDiskUrl: 'zones/us-east1-b/disks/threads-prod-vm' }, true],
  ['by hand, the bare name of the disk', { sourceDiskUrl: 'threads-prod-vm' }, true],
  ['of no disk that anybody knows', { sourceDiskUrl: '' }, false],
  [
    'called like ours, of another disk',
    {
      name: 'threads-prod-vm-01-k8s-20251101-144736',
      sourceDiskUrl: at('projects/web-service-design/zones/us-east1-b/disks/else'),
    },
    false,
  ],
  ['called like the base layer’s, of another disk', { name: 'snapshot-00-vpc-20251031-151137', sourceDiskUrl: 'else' }, false],
  [
    'with another owner’s label',
    { labels: { ...OURS, 'managed-by': 'terraform', environment: 'x' }, sourceDiskUrl: 'else' },
    false,
  ],
] as [string, Given, boolean][])
  found(`${why}: ${isFound}`, () => assert.is(foundSnapshots([snapshot(given)], WHERE).length, Number(isFound)))
found('a disk that is gone is known by the snapshots that the toolkit took of it', () => {
  const former = at('projects/web-service-design/zones/us-east1-b/disks/former')
  const byHand = snapshot({ name: 'by-hand', sourceDiskUrl: former })
  assert.equal(foundSnapshots([byHand], WHERE), [])
  const all = [byHand, snapshot({ name: 'ours', labels: OURS, sourceDiskUrl: former })]
  assert.equal(
    foundSnapshots(all, WHERE).map(({ name }) => name),
    ['by-hand', 'ours'],
  )
  const elsewhere = snapshot({ name: 'elsewhere', sourceDiskUrl: former.replace('us-east1-b', 'us-east1-c') })
  assert.is(foundSnapshots([elsewhere, ...all.slice(1)], WHERE).length, 1)
  const theirs = snapshot({ name: 'theirs', labels: { ...OURS, environment: 'staging' }, sourceDiskUrl: former })
  assert.equal(foundSnapshots([byHand, theirs], WHERE), [])
})
found('who made it and its layer are said', () => {
  const [one] = foundSnapshots([snapshot({ name: 'threads-prod-vm-01-k8s-20251101-144736' })], WHERE)
  assert.equal([one?.madeBy, one?.layer], ['hand', '01-k8s'])
})
found.run()

const makers = suite('madeBy')
for (const [why, labels, autoCreated, expected] of [
  ['the toolkit', OURS, false, 'toolkit'],
  ['a person', {}, false, 'hand'],
  ['a person, with our name as another value', { 'managed-by': 'threads-ops-2' }, false, 'hand'],
  ['a person, who names the environment', { environment: 'prod', layer: '01-k8s' }, false, 'hand'],
  ['a schedule', {}, true, 'schedule'],
  ['a schedule that copies labels', OURS, true, 'schedule'],
] as const)
  makers(why, () => assert.is(madeBy({ labels, autoCreated }), expected))
makers.run()

const layers = suite('layerOf')
for (const [why, name, label, expected] of [
  ['by its label', 's', '01-k8s', '01-k8s'],
  ['by its name, of the VM', 'threads-prod-vm-01-k8s-20251101-144736', undefined, '01-k8s'],
  ['by its name, of the base layer', 'snapshot-00-vpc-20251031-151137', undefined, '00-vpc'],
  ['the label counts for more', 'snapshot-00-vpc-20251031-151137', '01-k8s', '01-k8s'],
  ['an empty label says nothing', 'snapshot-00-vpc-20251031-151137', '', '00-vpc'],
  ['a label that names no layer says nothing', 'snapshot-00-vpc-20251031-151137', 'base', '00-vpc'],
  ['a layer whose name no label can hold', 's', 'k8s_base-adec58', 'K8s_base'],
  ['neither', 'before-the-upgrade', undefined, undefined],
  ['a name with an impossible day', 'snapshot-00-vpc-20250231-151137', undefined, undefined],
  ['a name without the time', 'snapshot-00-vpc-20251031', undefined, undefined],
  ['a layer only in the midst of the name', 'snapshot-00-vpc-final-20251031-151137', undefined, undefined],
] as const)
  layers(why, () => {
    const labels: Record<string, string> = label === undefined ? {} : { layer: label }
    assert.is(layerOf({ name, labels }, [...WHERE.layers, 'K8s_base']), expected)
  })
layers.run()

const restorable = suite('isRestorable')
for (const [why, status, architecture, expected] of [
  ['ready, x86', 'READY', 'X86_64', true],
  ['its architecture is not known', 'READY', '', true],
  ['its architecture is left open', 'READY', 'ARCHITECTURE_UNSPECIFIED', true],
  ['ARM', 'READY', 'ARM64', false],
  ['being taken', 'CREATING', 'X86_64', false],
  ['failed', 'FAILED', 'X86_64', false],
] as const)
  restorable(why, () => assert.is(isRestorable({ status, architecture }), expected))
restorable.run()
