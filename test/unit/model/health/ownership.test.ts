import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Inventory } from '../../../../lib/model/health/inventory.ts'
import { ownershipFindings } from '../../../../lib/model/health/ownership.ts'
import {
  ago,
  beside,
  daemonSet,
  deployment,
  inBrief,
  inventory,
  job,
  LABELS,
  NOW,
  ownedBy,
  pod,
  replicaSet,
  SECOND,
  stalePod,
  staleSet,
  statefulSet,
} from '../../support/kubernetes.ts'

const findings = (change: Partial<Inventory>) => ownershipFindings(inventory(change), NOW)

const UNOWNED = { ownerReferences: [] }
const YOUNG = { creationTimestamp: ago(30 * SECOND) }
const REVISION_2 = { annotations: { 'deployment.kubernetes.io/revision': '2' } }
const OF_EARLIER = ownedBy('Deployment', 'nextjs', 'uid-earlier')
/** The live Deployment's selector takes a label more than the earlier one's did: it does not adopt what that one left. */
const NARROWER = { ...LABELS, 'app.kubernetes.io/instance': 'threads' }
const narrower = {
  deployments: [deployment({ spec: { selector: { matchLabels: NARROWER } } })],
  replicaSets: [replicaSet({ metadata: { labels: { ...NARROWER, 'pod-template-hash': '5d8f' } } })],
}

const rules = suite('ownershipFindings')
for (const [why, change, expected] of [
  ['each pod has its live owner', {}, []],
  ['a Deployment without pods', { pods: [], replicaSets: [] }, []],

  // By owner references that lead nowhere.
  ['ownership/orphan: of a ReplicaSet that is gone', { pods: [pod(), stalePod()] }, ['error ownership/orphan']],
  [
    'ownership/orphan: of a ReplicaSet that was re-created',
    { pods: [pod({ metadata: ownedBy('ReplicaSet', 'nextjs-5d8f', 'uid-earlier') })] },
    ['error ownership/orphan'],
  ],
  [
    'ownership/orphan: of a StatefulSet',
    { pods: [pod({ metadata: ownedBy('StatefulSet', 'db') })] },
    ['error ownership/orphan'],
  ],
  [
    'a StatefulSet’s',
    { statefulSets: [statefulSet()], pods: [pod({ metadata: { labels: { app: 'db' }, ...ownedBy('StatefulSet', 'db') } })] },
    [],
  ],
  [
    'ownership/orphan: of a DaemonSet',
    { pods: [pod({ metadata: ownedBy('DaemonSet', 'agent') })] },
    ['error ownership/orphan'],
  ],
  [
    'a DaemonSet’s',
    { daemonSets: [daemonSet()], pods: [pod({ metadata: { labels: { app: 'agent' }, ...ownedBy('DaemonSet', 'agent') } })] },
    [],
  ],
  ['ownership/orphan: of a Job', { pods: [pod({ metadata: ownedBy('Job', 'migrate') })] }, ['error ownership/orphan']],
  ['a Job’s', { jobs: [job()], pods: [pod({ metadata: ownedBy('Job', 'migrate') })] }, []],
  [
    'ownership/orphan: its owner’s uid is that of a set elsewhere',
    { pods: [pod(), stalePod({ namespace: 'other', ...ownedBy('ReplicaSet', 'nextjs-5d8f') })] },
    ['error ownership/orphan'],
  ],
  ['a static pod’s owner is its node', { pods: [pod({ metadata: { labels: {}, ...ownedBy('Node', 'vm') } })] }, []],
  ['an owner of a kind that is not known here', { pods: [pod({ metadata: ownedBy('Rollout', 'nextjs') })] }, []],

  // By the whole chain: the ReplicaSet is there, its Deployment is not the live one.
  [
    'ownership/orphan: a re-created Deployment’s set and pod',
    beside(staleSet(OF_EARLIER), stalePod()),
    ['error ownership/orphan', 'error ownership/orphan'],
  ],
  [
    'ownership/orphan: a deleted Deployment’s set and pod',
    { ...beside(staleSet(ownedBy('Deployment', 'other')), stalePod()) },
    ['error ownership/orphan', 'error ownership/orphan'],
  ],
  [
    'ownership/orphan: a set that has no pods any more does no harm',
    beside(staleSet(OF_EARLIER, { replicas: 0 })),
    ['info ownership/orphan'],
  ],
  ['ownership/orphan: a set that wants pods and has none yet', beside(staleSet(OF_EARLIER)), ['error ownership/orphan']],
  [
    'ownership/orphan: a set that wants no pods, but has one',
    beside(staleSet(OF_EARLIER, { replicas: 0 }), stalePod()),
    ['error ownership/orphan', 'error ownership/orphan'],
  ],
  ['a set that is being deleted', beside(staleSet({ ...OF_EARLIER, deletionTimestamp: ago(0) })), []],

  // By what a controller has made and nobody owns: `--cascade=orphan` takes the owner references away.
  [
    'ownership/orphan: a set that was let go, and that no selector takes up again',
    {
      ...beside(staleSet(UNOWNED), stalePod()),
      deployments: narrower.deployments,
      replicaSets: [...narrower.replicaSets, staleSet(UNOWNED)],
    },
    ['error ownership/orphan', 'error ownership/orphan'],
  ],
  [
    'ownership/orphan: one whose own labels were changed, so that it is not adopted',
    beside(staleSet({ ...UNOWNED, labels: { 'pod-template-hash': '77aa' } }), stalePod()),
    ['error ownership/orphan', 'error ownership/orphan'],
  ],
  [
    'ownership/orphan: one whose Deployment is gone',
    { ...beside(staleSet(UNOWNED), stalePod()), deployments: [], replicaSets: [staleSet(UNOWNED)], pods: [stalePod()] },
    ['error ownership/orphan', 'error ownership/orphan'],
  ],
  ['a set that its Deployment is about to adopt', beside(staleSet(UNOWNED), stalePod()), []],
  [
    'ownership/orphan: a Deployment that is being deleted adopts nothing',
    { ...beside(staleSet(UNOWNED), stalePod()), deployments: [deployment({ metadata: { deletionTimestamp: ago(0) } })] },
    ['error ownership/orphan', 'error ownership/orphan'],
  ],
  [
    'a set that somebody made by hand',
    beside(
      staleSet({ ...UNOWNED, labels: { app: 'mine' } }),
      stalePod({ ...ownedBy('ReplicaSet', 'nextjs-77aa', 'uid-stale-set'), labels: { app: 'mine' } }),
    ),
    [],
  ],
  ['ownership/unowned: a pod that its set has let go', { pods: [pod(), stalePod(UNOWNED)] }, ['error ownership/unowned']],
  [
    'ownership/unowned: a pod with a controller’s label, whoever has made it',
    { pods: [pod(), stalePod({ ...UNOWNED, labels: { 'pod-template-hash': '77aa' } })] },
    ['error ownership/unowned'],
  ],
  [
    'ownership/unowned: one of a StatefulSet or DaemonSet',
    { pods: [stalePod({ ...UNOWNED, labels: { 'controller-revision-hash': 'db-1' } })] },
    ['error ownership/unowned'],
  ],
  [
    'ownership/unowned: made by hand, with a workload’s labels',
    { pods: [pod(), stalePod({ ...UNOWNED, labels: LABELS })] },
    ['error ownership/unowned'],
  ],
  ['made by hand, with labels of its own', { pods: [pod(), stalePod({ ...UNOWNED, labels: { app: 'debug' } })] }, []],
  [
    'a pod that a set is about to adopt',
    {
      pods: [pod({ metadata: UNOWNED })],
      replicaSets: [replicaSet(), replicaSet({ spec: { selector: { matchLabels: { app: 'other' } } } })],
    },
    [],
  ],

  ['ownership/stale-revision', { deployments: [deployment({ metadata: REVISION_2 })] }, ['error ownership/stale-revision']],
  [
    'an earlier revision while the rollout goes on',
    { deployments: [deployment({ metadata: REVISION_2, status: { updatedReplicas: 0 } })] },
    [],
  ],
  [
    'an earlier revision while the rollout is paused',
    { deployments: [deployment({ metadata: REVISION_2, spec: { paused: true } })] },
    [],
  ],
  ['an earlier revision without pods', { deployments: [deployment({ metadata: REVISION_2 })], pods: [] }, []],
  [
    'ten is later than nine',
    {
      deployments: [deployment({ metadata: { annotations: { 'deployment.kubernetes.io/revision': '9' } } })],
      replicaSets: [replicaSet({ metadata: { annotations: { 'deployment.kubernetes.io/revision': '10' } } })],
    },
    [],
  ],

  [
    'ownership/selector-overlap: as well',
    { deployments: [deployment(), deployment({ metadata: { name: 'other', uid: 'uid-other' } })] },
    ['error ownership/selector-overlap'],
  ],

  // What was made a moment ago may have an owner that was not listed yet.
  ['a pod just made', { pods: [pod(), stalePod({ ...YOUNG, ...ownedBy('ReplicaSet', 'x') })] }, []],
  ['a set just made', beside(staleSet({ ...OF_EARLIER, ...YOUNG })), []],
  [
    'ownership/orphan: that nobody owns a set is seen at once',
    beside(
      staleSet({ ...UNOWNED, ...YOUNG, labels: { 'pod-template-hash': '77aa' } }),
      stalePod({ ...YOUNG, ...ownedBy('ReplicaSet', 'nextjs-77aa', 'uid-stale-set') }),
    ),
    ['error ownership/orphan', 'error ownership/orphan'],
  ],
  [
    'ownership/unowned: that nobody owns a pod is seen at once',
    { pods: [pod(), stalePod({ ...UNOWNED, ...YOUNG })] },
    ['error ownership/unowned'],
  ],
  ['a pod that is going', { pods: [pod(), stalePod({ ...UNOWNED, deletionTimestamp: ago(0) })] }, []],
  ['a pod that has ended', { pods: [pod(), stalePod(UNOWNED, { phase: 'Failed' })] }, []],
] as [string, Partial<Inventory>, string[]][]) {
  rules(why, () => assert.equal(inBrief(findings(change)), expected))
}
rules('the original’s four pods instead of two: the live ones are not named', () => {
  const ml = { name: 'ml-service', uid: 'uid-ml' }
  const mlLabels = { 'app.kubernetes.io/name': 'ml-service' }
  const of = (name: string, hash: string, owner: object, labels: object) =>
    pod({ metadata: { name, uid: `uid-${name}`, labels: { ...labels, 'pod-template-hash': hash }, ...owner } })
  const found = findings({
    deployments: [deployment(), deployment({ metadata: ml, spec: { selector: { matchLabels: mlLabels } } })],
    replicaSets: [
      replicaSet(),
      replicaSet({ metadata: { name: 'ml-service-9c', uid: 'uid-ml-set', ...ownedBy('Deployment', 'ml-service', 'uid-ml') } }),
      staleSet(OF_EARLIER),
      staleSet({ name: 'ml-service-77aa', uid: 'uid-stale-ml', ...ownedBy('Deployment', 'ml-service', 'uid-earlier-ml') }),
    ],
    pods: [
      pod(),
      of('ml-service-9c-x', '9c', ownedBy('ReplicaSet', 'ml-service-9c', 'uid-ml-set'), mlLabels),
      stalePod(),
      of('ml-service-77aa-y', '77aa', ownedBy('ReplicaSet', 'ml-service-77aa', 'uid-stale-ml'), mlLabels),
    ],
  })
  assert.equal(
    found.filter(({ object }) => object.includes('/Pod/')).map(({ object }) => object),
    ['threads/Pod/nextjs-77aa-y', 'threads/Pod/ml-service-77aa-y'],
  )
})
rules.run()

const messages = suite('what an ownership finding says')
for (const [why, change, object, message, remedy] of [
  [
    'a pod of a set that is gone',
    { pods: [stalePod()] },
    'threads/Pod/nextjs-77aa-y',
    'orphan of a deleted ReplicaSet nextjs-77aa',
    'kubectl -n threads delete pod nextjs-77aa-y',
  ],
  [
    'a pod of a re-created Deployment: its set would make another one',
    beside(staleSet(OF_EARLIER), stalePod()),
    'threads/Pod/nextjs-77aa-y',
    'orphan of a re-created Deployment nextjs',
    'kubectl -n threads delete replicaset nextjs-77aa',
  ],
  [
    'a set of a deleted Deployment',
    beside(staleSet(ownedBy('Deployment', 'other'))),
    'threads/ReplicaSet/nextjs-77aa',
    'orphan of a deleted Deployment other',
    'kubectl -n threads delete replicaset nextjs-77aa',
  ],
  [
    'a set that was let go names its Deployment',
    beside(staleSet({ ...UNOWNED, labels: { 'pod-template-hash': '77aa' } })),
    'threads/ReplicaSet/nextjs-77aa',
    'orphan of a re-created Deployment nextjs',
    'kubectl -n threads delete replicaset nextjs-77aa',
  ],
  [
    'a pod that was let go, beside a workload',
    { pods: [stalePod(UNOWNED)] },
    'threads/Pod/nextjs-77aa-y',
    'a duplicate: it has the labels of threads/Deployment/nextjs, but no controller owns it',
    'kubectl -n threads delete pod nextjs-77aa-y',
  ],
  [
    'a pod that was let go, alone',
    { pods: [stalePod({ ...UNOWNED, labels: { 'pod-template-hash': '77aa' } })] },
    'threads/Pod/nextjs-77aa-y',
    'the controller that made it no longer owns it',
    'kubectl -n threads delete pod nextjs-77aa-y',
  ],
  [
    'an earlier revision',
    { deployments: [deployment({ metadata: REVISION_2 })] },
    'threads/Pod/nextjs-5d8f-x',
    'belongs to revision 1 of Deployment nextjs, which is at 2',
    'kubectl -n threads delete replicaset nextjs-5d8f',
  ],
] as [string, Partial<Inventory>, string, string, string][]) {
  messages(why, () => {
    const found = findings(change).find(finding => finding.object === object)
    assert.is(found?.message, message)
    assert.ok(found?.remedy?.startsWith(remedy), found?.remedy)
  })
}
messages('the owner’s uid and the live one’s are the evidence', () => {
  const [found] = findings(beside(staleSet(OF_EARLIER)))
  assert.equal(found?.evidence, { ownerUid: 'uid-earlier', liveUid: 'uid-nextjs' })
})
messages.run()
