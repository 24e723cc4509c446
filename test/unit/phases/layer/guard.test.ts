import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { KubernetesObject } from '../../../../lib/model/health/objects.ts'
import type { PlannedResource } from '../../../../lib/model/layer/planned.ts'
import { judgePlan, type PlanPermissions, warnOfUnmatched } from '../../../../lib/phases/layer/guard.ts'
import { OpsError } from '../../../../lib/runtime/errors.ts'
import { planned } from '../../model/layer/fixture.ts'
import { layerContext, planOf, type World } from '../../support/layers.ts'
import { BOOT_DISK, DISK, NETWORK, RULE } from './fixture.ts'

const judge = (resources: PlannedResource[], permissions: Partial<PlanPermissions> = {}, world: World = {}) =>
  judgePlan(planOf('01-k8s', resources), { fresh: false, guarded: false, ...permissions }, layerContext(world).context)
/** What it is refused for, or the addresses that pass. */
const verdict = async (...args: Parameters<typeof judge>): Promise<string> => {
  const { permitted, refusal } = await judge(...args)
  return refusal ? `${refusal.code} ${refusal.message}` : permitted.map(({ address }) => address).join(', ')
}

const judges = suite('judgePlan')
judges('what destroys nothing needs no permission, and nobody is asked about it', async () => {
  const { context } = layerContext()
  const never = async () => {
    throw new Error('asked')
  }
  Object.assign(context, { compute: never, cluster: never })
  const found = await judgePlan(planOf('00-vpc', [NETWORK]), { fresh: false, guarded: true }, context)
  assert.equal(found, { permitted: [] })
})
judges('one that is refused stops all: nothing is permitted beside it', async () => {
  const { permitted, refusal } = await judge([RULE, DISK], { allow: [RULE.address] })
  assert.equal([permitted, refusal?.code], [[], 4])
  assert.match(refusal?.message ?? '', 'would destroy 1 object')
})
judges('exactly what was announced passes; anything else was not', async () => {
  const consent = [{ address: RULE.address, name: 'the-rule' }]
  assert.is(await verdict([RULE], { consent }), RULE.address)
  assert.match(await verdict([RULE, DISK], { consent }), /^4 .*1 object.*\n.*the-disk.*was not announced/s)
  assert.match(await verdict([RULE], { consent: [{ address: RULE.address, name: 'another' }] }), /was not announced/)
})
judges(
  'what is unfinished may be replaced; what it was to replace, and is left behind under its address, may not be deleted',
  async () => {
    const half = planned('google_compute_disk.data', ['delete', 'create'], { name: 'new', snapshot: 's' })
    const unfinished = new Set([half.address])
    assert.is(await verdict([half], { unfinished }), '')
    assert.match(await verdict([half, { ...DISK, deposed: 'abcd1234' }], { unfinished }), /^4 .*1 object.*deposed abcd1234/s)
  },
)
judges.run()

const MADE_FROM = { ...BOOT_DISK, after: { ...BOOT_DISK.after, snapshot: 'the-snapshot' } }
const OWN = { name: 'own', sourceDisk: 'projects/p/zones/z/disks/the-boot-disk' }
const lost = suite('a boot disk that is to be made')
for (const [why, resource, snapshots, fresh, isRefused] of [
  ['there is no snapshot', BOOT_DISK, [], false, false],
  ['there is one of this environment', BOOT_DISK, [OWN], false, true],
  ['there is one of this environment, of a disk of another name', BOOT_DISK, [{ name: 's', sourceDisk: 'old' }], false, true],
  ['there is one without labels, of its name', BOOT_DISK, [{ ...OWN, labels: {} }], false, true],
  ['there is one without labels, of another disk', BOOT_DISK, [{ name: 's', sourceDisk: 'old', labels: {} }], false, false],
  ['there is one of another environment', BOOT_DISK, [{ ...OWN, labels: { environment: 'prod' } }], false, false],
  [
    'there is one by hand, its label naming nothing that there is',
    BOOT_DISK,
    [{ ...OWN, labels: { environment: 'x' } }],
    false,
    true,
  ],
  [
    'there is one by hand of a disk that the toolkit took one of, too',
    BOOT_DISK,
    [
      { name: 'by-hand', sourceDisk: 'old', labels: {} },
      { name: 'ours', sourceDisk: 'old', labels: { 'managed-by': 'threads-ops', environment: 'lab' }, status: 'FAILED' },
    ],
    false,
    true,
  ],
  ['there is one that is not ready', BOOT_DISK, [{ ...OWN, status: 'UPLOADING' }], false, false],
  ['it is made from one', MADE_FROM, [OWN], false, false],
  ['an empty one is asked for', BOOT_DISK, [OWN], true, false],
] as [string, PlannedResource, NonNullable<World['snapshots']>, boolean, boolean][]) {
  lost(`${why}: ${isRefused ? 'refused' : 'passes'}`, async () => {
    const found = await verdict([resource], { fresh, allow: ['*'] }, { snapshots })
    if (isRefused) assert.match(found, /^4 01-k8s would make an empty disk/)
    else assert.is(found, '')
  })
}
lost('a replacement of it makes an empty one, too, whatever is allowed', async () => {
  const replaced = { ...BOOT_DISK, actions: ['delete', 'create'], before: BOOT_DISK.after }
  assert.match(await verdict([replaced], { allow: ['*'] }, { snapshots: [OWN] }), /would make an empty disk/)
})
lost('nobody knows whether there are snapshots: it is no time to make one', async () => {
  const { context } = layerContext()
  context.compute = async () => {
    throw new OpsError(5, 'Google is away', 'wait')
  }
  try {
    await judgePlan(planOf('00-vpc', [BOOT_DISK]), { fresh: false, guarded: false }, context)
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, 'Google is away')
  }
})
lost.run()

const object = (name: string, metadata: Partial<KubernetesObject['metadata']> = {}): KubernetesObject => ({
  metadata: { name, uid: name, creationTimestamp: '2025-11-01T10:00:00Z', ...metadata },
})
const byArgo = {
  annotations: { 'meta.helm.sh/release-name': 'argocd', 'meta.helm.sh/release-namespace': 'argocd' },
}
const KEPT = { annotations: { ...byArgo.annotations, 'helm.sh/resource-policy': 'keep' } }
const RELEASE = planned('helm_release.argocd', ['delete'], { name: 'argocd', namespace: 'argocd' })
const NAMESPACE = planned('kubernetes_namespace.threads', ['delete'], { metadata: [{ name: 'threads' }] })
const crds = (metadata: Partial<KubernetesObject['metadata']>) => ({
  cluster: { customresourcedefinitions: [object('applications.argoproj.io', metadata)] },
})
const claims = (namespace: string, metadata = {}) => ({
  cluster: { persistentvolumeclaims: [object('postgres', { namespace, ...metadata })] },
})

const holds = suite('what is destroyed holds')
for (const [why, resource, world, said] of [
  ['a disk with a snapshot', DISK, { snapshots: [{ name: 's', sourceDisk: 'the-disk' }] }, 'newest snapshot s (2 h old)'],
  ['a disk without', DISK, {}, 'disk, 50 GB, no snapshot'],
  [
    'a disk whose only snapshot is not ready',
    DISK,
    { snapshots: [{ name: 's', sourceDisk: 'the-disk', status: 'FAILED' }] },
    'no snapshot',
  ],
  ['a namespace with a claim', NAMESPACE, claims('threads'), 'namespace with claims postgres'],
  ['a namespace without', NAMESPACE, claims('other'), 'namespace with no claims'],
  ['a namespace that nobody can look into', NAMESPACE, {}, 'namespace with unknown claims'],
  ['a release with CRDs', RELEASE, crds(byArgo), 'release with CRDs applications.argoproj.io'],
  ['a release with claims', RELEASE, claims('argocd', byArgo), 'claims postgres'],
  ['a release that nobody can ask about', RELEASE, {}, 'release with unknown CRDs'],
] as [string, PlannedResource, World, string][]) {
  holds(why, async () => {
    assert.match(await verdict([resource], {}, world), said)
  })
}
for (const [why, world, passes] of [
  ['with CRDs', crds(byArgo), false],
  ['with claims', claims('argocd', byArgo), false],
  ['with CRDs that Helm keeps', crds(KEPT), true],
  [
    'with CRDs of another release',
    crds({ annotations: { ...byArgo.annotations, 'meta.helm.sh/release-name': 'other' } }),
    true,
  ],
  ['with nothing of the kind', { cluster: {} }, true],
  ['that nobody can ask about', {}, false],
] as [string, World, boolean][]) {
  holds(`under the guard, a release ${why} ${passes ? 'passes' : 'does not'}`, async () => {
    const found = await verdict([RELEASE], { allow: ['*'], guarded: true }, world)
    if (passes) assert.is(found, RELEASE.address)
    else assert.match(found, /holds data/)
  })
}
holds('data pass neither by an allowance nor by an announcement, where the environment guards them', async () => {
  const consent = [{ address: DISK.address, name: 'the-disk' }]
  for (const permissions of [{ allow: [DISK.address] }, { allow: ['*'] }, { consent }, { consent, allow: ['*'] }]) {
    assert.match(await verdict([DISK], { ...permissions, guarded: true }), /holds data/)
    assert.is(await verdict([DISK], permissions), DISK.address)
  }
})
holds.run()

const unmatched = suite('warnOfUnmatched')
unmatched('each allowance that means nothing', () => {
  const { context, warnings } = layerContext()
  const destroyed = [{ address: RULE.address, type: RULE.type, action: 'delete' as const, name: '', holds: [] }]
  warnOfUnmatched([RULE.address, 'google_*', 'typo.a', 'typo.b'], destroyed, context)
  assert.equal(
    warnings,
    ['typo.a', 'typo.b'].map(pattern => `--allow-destroy '${pattern}' means nothing that would be destroyed`),
  )
})
unmatched.run()
