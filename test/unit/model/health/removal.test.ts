import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Inventory } from '../../../../lib/model/health/inventory.ts'
import { remaining, removalsOf } from '../../../../lib/model/health/removal.ts'
import {
  ago,
  beside,
  container,
  deployment,
  inventory,
  LABELS,
  NOW,
  ownedBy,
  pod,
  ready,
  replicaSet,
  service,
  stalePod,
  staleSet,
  statefulSet,
} from '../../support/kubernetes.ts'

const UNOWNED = { ownerReferences: [] }
const OF_EARLIER = ownedBy('Deployment', 'nextjs', 'uid-earlier')
const REVISION_2 = { annotations: { 'deployment.kubernetes.io/revision': '2' } }
const unready = pod({ status: { conditions: ready('False') } })
const SET = 'ReplicaSet nextjs-77aa'
const POD = 'Pod nextjs-77aa-y'

const removals = suite('what is removed, and what is kept')
for (const [why, change, removed, kept] of [
  ['nothing is stale', {}, [], []],
  [
    'the set of a re-created Deployment goes, and its pod with it',
    beside(staleSet(OF_EARLIER), stalePod()),
    [`${SET} with nextjs-77aa-y`],
    [],
  ],
  [
    'every pod of the set goes with it, the youngest too',
    beside(
      staleSet(OF_EARLIER),
      stalePod(),
      stalePod({
        name: 'z',
        uid: 'uid-z',
        creationTimestamp: ago(0),
        ...ownedBy('ReplicaSet', 'nextjs-77aa', 'uid-stale-set'),
      }),
    ),
    [`${SET} with nextjs-77aa-y, z`],
    [],
  ],
  ['a set without pods', beside(staleSet(OF_EARLIER, { replicas: 0 })), [SET], []],
  [
    'a set that was let go',
    beside(staleSet({ ...UNOWNED, labels: { 'pod-template-hash': '77aa' } }), stalePod()),
    [`${SET} with nextjs-77aa-y`],
    [],
  ],
  ['a pod whose set is gone', { pods: [pod(), stalePod()] }, [POD], []],
  ['a pod that was let go', { pods: [pod(), stalePod(UNOWNED)] }, [POD], []],
  [
    'the set of an earlier revision, never its pod alone',
    {
      deployments: [deployment({ metadata: REVISION_2 })],
      replicaSets: [replicaSet(), replicaSet({ metadata: { name: 'new', uid: 'uid-new', ...REVISION_2 } })],
      pods: [pod(), pod({ metadata: { name: 'new-x', uid: 'uid-new-x', ...ownedBy('ReplicaSet', 'new') } })],
    },
    ['ReplicaSet nextjs-5d8f with nextjs-5d8f-x'],
    [],
  ],

  // Nobody can tell from outside whether it is wanted.
  [
    'a pod made by hand',
    { pods: [pod(), stalePod({ ...UNOWNED, labels: LABELS })] },
    [],
    [`${POD}: no controller made it: delete it by hand if nobody wants it`],
  ],
  [
    'two owners that want the same pods',
    { deployments: [deployment(), deployment({ metadata: { name: 'other', uid: 'uid-other' } })] },
    [],
    [],
  ],

  // What takes its place is not there yet.
  [
    'the successor’s rollout goes on',
    { ...beside(staleSet(OF_EARLIER), stalePod()), deployments: [deployment({ status: { availableReplicas: 0 } })] },
    [],
    [`${SET}: threads/Deployment/nextjs is still replacing it: 0 of 1 new pods are available`],
  ],
  [
    'a StatefulSet’s rollout goes on',
    {
      pods: [pod(), stalePod({ ...ownedBy('StatefulSet', 'db', 'uid-earlier') })],
      statefulSets: [statefulSet({ status: { readyReplicas: 1 } })],
    },
    [],
    [`${POD}: threads/StatefulSet/db is still replacing it: 1 of 2 pods are ready`],
  ],

  // A service would be left with nothing.
  [
    'the successor is scaled to nothing',
    {
      ...beside(staleSet(OF_EARLIER), stalePod()),
      pods: [stalePod()],
      deployments: [deployment({ spec: { replicas: 0 }, status: { replicas: 0, updatedReplicas: 0, availableReplicas: 0 } })],
    },
    [],
    [`${SET}: threads/Service/nextjs would be left without a ready pod`],
  ],
  [
    'there is no successor, and it alone serves',
    { deployments: [], replicaSets: [staleSet(UNOWNED)], pods: [stalePod()] },
    [],
    [`${SET}: threads/Service/nextjs would be left without a ready pod`],
  ],
  [
    'there is no successor, and it serves nobody',
    { deployments: [], replicaSets: [staleSet(UNOWNED)], pods: [stalePod()], services: [] },
    [`${SET} with nextjs-77aa-y`],
    [],
  ],
  [
    'it serves, but is not ready: nothing is lost',
    { deployments: [], replicaSets: [staleSet(UNOWNED)], pods: [stalePod(undefined, { conditions: ready('False') })] },
    [`${SET} with nextjs-77aa-y`],
    [],
  ],
  [
    'the one that would remain is not ready',
    { ...beside(staleSet(OF_EARLIER), stalePod()), pods: [unready, stalePod()] },
    [],
    [`${SET}: threads/Service/nextjs would be left without a ready pod`],
  ],
  [
    'the one that would remain is going',
    { ...beside(staleSet(OF_EARLIER), stalePod()), pods: [pod({ metadata: { deletionTimestamp: ago(0) } }), stalePod()] },
    [],
    [`${SET}: threads/Service/nextjs would be left without a ready pod`],
  ],
  [
    'two stale ones that only have each other',
    {
      deployments: [],
      replicaSets: [staleSet(UNOWNED)],
      pods: [stalePod(), stalePod({ name: 'z', uid: 'uid-z', labels: { ...LABELS, 'pod-template-hash': '88bb' }, ...UNOWNED })],
    },
    [],
    [
      `${SET}: threads/Service/nextjs would be left without a ready pod`,
      'Pod z: threads/Service/nextjs would be left without a ready pod',
    ],
  ],
  [
    'a service of another namespace',
    {
      deployments: [],
      replicaSets: [staleSet(UNOWNED)],
      pods: [stalePod()],
      services: [service({ metadata: { namespace: 'other' } })],
    },
    [`${SET} with nextjs-77aa-y`],
    [],
  ],
  [
    'a service without a selector',
    {
      deployments: [],
      replicaSets: [staleSet(UNOWNED)],
      pods: [stalePod()],
      services: [service({ spec: { selector: undefined } })],
    },
    [`${SET} with nextjs-77aa-y`],
    [],
  ],

  // Leftovers are no duplicates, and their logs may be wanted.
  ['a failed pod', { pods: [pod(), pod({ metadata: { name: 'left' }, status: { phase: 'Failed' } })] }, [], []],
  [
    'a crashing pod of the live owner',
    {
      pods: [
        pod({
          status: {
            conditions: ready('False'),
            containerStatuses: [container({ ready: false, state: { waiting: { reason: 'CrashLoopBackOff' } } })],
          },
        }),
      ],
    },
    [],
    [],
  ],
] as [string, Partial<Inventory>, string[], string[]][]) {
  removals(why, () => {
    const { remove, keep } = removalsOf(inventory(change), NOW)
    assert.equal(
      remove.map(
        ({ kind, name, pods }) =>
          `${kind} ${name}${kind === 'ReplicaSet' && pods.length > 0 ? ` with ${pods.join(', ')}` : ''}`,
      ),
      removed,
    )
    assert.equal(
      keep.map(({ kind, name, why: reason }) => `${kind} ${name}: ${reason}`),
      kept,
    )
  })
}
removals('by uid, so that nothing else of that name is meant', () => {
  const { remove } = removalsOf(inventory({ pods: [pod(), stalePod(UNOWNED)] }), NOW)
  assert.equal(remove, [
    {
      kind: 'Pod',
      namespace: 'threads',
      name: 'nextjs-77aa-y',
      uid: 'uid-stale-pod',
      pods: ['nextjs-77aa-y'],
      why: 'a duplicate: it has the labels of threads/Deployment/nextjs, but no controller owns it',
    },
  ])
})
removals('the original’s four pods instead of two: two go, and not the live ones', () => {
  const { remove, keep } = removalsOf(
    inventory({
      ...beside(staleSet(OF_EARLIER), stalePod()),
      services: [service(), service({ metadata: { name: 'nextjs-alias' } })],
    }),
    NOW,
  )
  assert.equal([remove.map(({ uid }) => uid), keep], [['uid-stale-set'], []])
})
removals.run()

const rests = suite('what remains of it')
const gone = beside(staleSet(OF_EARLIER), stalePod())
const { remove } = removalsOf(inventory(gone), NOW)
for (const [why, change, expected] of [
  ['all of it', gone, ['nextjs-77aa', 'nextjs-77aa-y']],
  ['its pods, after the set', { ...gone, replicaSets: [replicaSet()] }, ['nextjs-77aa-y']],
  [
    'its pods as long as they end',
    { pods: [pod(), stalePod({ ...ownedBy('ReplicaSet', 'x', 'uid-stale-set'), deletionTimestamp: ago(0) })] },
    ['nextjs-77aa-y'],
  ],
  ['nothing', {}, []],
  ['nothing, though another one has taken its name', beside(staleSet({ uid: 'uid-next' })), []],
] as [string, Partial<Inventory>, string[]][]) {
  rests(why, () => assert.equal(remaining(remove, inventory(change)), expected))
}
rests('a pod by itself', () => {
  const alone = inventory({ pods: [pod(), stalePod(UNOWNED)] })
  assert.equal(remaining(removalsOf(alone, NOW).remove, alone), ['nextjs-77aa-y'])
})
rests.run()
