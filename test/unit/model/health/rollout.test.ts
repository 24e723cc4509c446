import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Inventory } from '../../../../lib/model/health/inventory.ts'
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '../../../../lib/model/health/objects.ts'
import { deploymentRemainder, rolloutFindings } from '../../../../lib/model/health/rollout.ts'
import { ago, type Change, daemonSet, deployment, inBrief, ownedBy, replicaSet, statefulSet } from '../../support/kubernetes.ts'

const NOTHING: Pick<Inventory, 'deployments' | 'replicaSets' | 'statefulSets' | 'daemonSets'> = {
  deployments: [],
  replicaSets: [],
  statefulSets: [],
  daemonSets: [],
}
const condition = (type: string, more: { status?: string; reason?: string; message?: string }) => ({
  conditions: [{ type, ...more }],
})
const LATE = { reason: 'ProgressDeadlineExceeded', message: 'ReplicaSet "nextjs-5d8f" has timed out progressing.' }
const QUOTA = { status: 'True', reason: 'FailedCreate', message: 'exceeded quota: pods=10' }

const deployments = suite('Deployments')
for (const [why, change, expected] of [
  ['complete', {}, []],
  ['scaled to nothing', { spec: { replicas: 0 }, status: { replicas: 0, updatedReplicas: 0, availableReplicas: 0 } }, []],
  ['one replica, where none is given', { spec: { replicas: undefined } }, []],
  ['rollout/paused', { spec: { paused: true } }, ['warning rollout/paused']],
  [
    'rollout/paused: before all else',
    { spec: { paused: true }, status: condition('Progressing', LATE) },
    ['warning rollout/paused'],
  ],
  ['rollout/progressing: not observed', { metadata: { generation: 4 } }, ['warning rollout/progressing, heals']],
  [
    'rollout/progressing: what is not observed says nothing of the deadline',
    { metadata: { generation: 4 }, status: condition('Progressing', LATE) },
    ['warning rollout/progressing, heals'],
  ],
  ['rollout/deadline', { status: condition('Progressing', LATE) }, ['error rollout/deadline']],
  ['rollout/replica-failure', { status: condition('ReplicaFailure', QUOTA) }, ['error rollout/replica-failure']],
  ['a failure that is over', { status: condition('ReplicaFailure', { ...QUOTA, status: 'False' }) }, []],
  ['rollout/progressing: too few new pods', { spec: { replicas: 2 } }, ['warning rollout/progressing, heals']],
  ['rollout/progressing: old pods left', { status: { replicas: 2 } }, ['warning rollout/progressing, heals']],
  ['rollout/progressing: not available', { status: { availableReplicas: 0 } }, ['warning rollout/progressing, heals']],
] as [string, Change<Deployment>, string[]][]) {
  deployments(why, () => assert.equal(inBrief(rolloutFindings({ ...NOTHING, deployments: [deployment(change)] })), expected))
}
for (const [why, change, remainder] of [
  ['not observed', { metadata: { generation: 4 } }, 'its controller has not seen the last change yet'],
  ['too few new pods', { spec: { replicas: 3 } }, '1 of 3 new pods have been created'],
  ['old pods', { status: { replicas: 3 } }, '2 old pods are still there'],
  ['unavailable ones', { status: { availableReplicas: 0 } }, '0 of 1 new pods are available'],
] as [string, Change<Deployment>, string][]) {
  deployments(`what is left: ${why}`, () => assert.is(deploymentRemainder(deployment(change)), remainder))
}
for (const [why, status, message] of [
  ['deadline', condition('Progressing', LATE), LATE.message],
  ['deadline, without a message', condition('Progressing', { ...LATE, message: '' }), 'exceeded its progress deadline'],
  ['replica failure', condition('ReplicaFailure', QUOTA), QUOTA.message],
  ['replica failure, by its reason', condition('ReplicaFailure', { ...QUOTA, message: '' }), 'FailedCreate'],
  ['replica failure, without either', condition('ReplicaFailure', { status: 'True' }), "pods can't be created"],
] as [string, Change<Deployment>['status'], string][]) {
  deployments(`what it says: ${why}`, () => {
    const [found] = rolloutFindings({ ...NOTHING, deployments: [deployment({ status })] })
    assert.is(found?.message, message)
    assert.match(found?.remedy ?? '', 'kubectl -n threads describe deployment nextjs')
  })
}
deployments.run()

const NO_OWNER = { ownerReferences: [] }
const replicaSets = suite('ReplicaSets')
for (const [why, change, expected] of [
  ['complete', { metadata: NO_OWNER }, []],
  ['one whose Deployment speaks for it', { status: { availableReplicas: 0 } }, []],
  [
    'rollout/progressing: not available',
    { metadata: NO_OWNER, status: { availableReplicas: 0 } },
    ['warning rollout/progressing, heals'],
  ],
  ['rollout/progressing: not observed', { metadata: { ...NO_OWNER, generation: 2 } }, ['warning rollout/progressing, heals']],
  [
    'rollout/progressing: its Deployment is an earlier one',
    { metadata: ownedBy('Deployment', 'nextjs', 'uid-earlier'), status: { availableReplicas: 0 } },
    ['warning rollout/progressing, heals'],
  ],
  [
    'rollout/replica-failure',
    { metadata: NO_OWNER, status: condition('ReplicaFailure', QUOTA) },
    ['error rollout/replica-failure'],
  ],
  [
    'a failure that is not of this generation',
    { metadata: { ...NO_OWNER, generation: 2 }, status: condition('ReplicaFailure', QUOTA) },
    ['warning rollout/progressing, heals'],
  ],
  ['scaled to nothing', { metadata: NO_OWNER, spec: { replicas: 0 }, status: { availableReplicas: 0 } }, []],
] as [string, Change<ReplicaSet>, string[]][]) {
  replicaSets(why, () => {
    const found = rolloutFindings({ ...NOTHING, deployments: [deployment()], replicaSets: [replicaSet(change)] })
    assert.equal(inBrief(found), expected)
  })
}
replicaSets.run()

const partition = (count: number) => ({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: count } } })
const UPDATING = { updatedReplicas: 1, updateRevision: 'db-2' }
const statefulSets = suite('StatefulSets')
for (const [why, change, expected] of [
  ['complete', {}, []],
  [
    'rollout/progressing: never observed',
    { metadata: { generation: 0 }, status: { observedGeneration: 0 } },
    ['warning rollout/progressing, heals'],
  ],
  ['rollout/progressing: not observed', { metadata: { generation: 2 } }, ['warning rollout/progressing, heals']],
  ['rollout/progressing: not ready', { status: { readyReplicas: 1 } }, ['warning rollout/progressing, heals']],
  ['rollout/progressing: another revision', { status: UPDATING }, ['warning rollout/progressing, heals']],
  ['a partition that is updated', { spec: partition(1), status: UPDATING }, []],
  [
    'rollout/progressing: a partition that is not',
    { spec: partition(1), status: { ...UPDATING, updatedReplicas: 0 } },
    ['warning rollout/progressing, heals'],
  ],
  ['a partition of all', { spec: partition(2), status: { ...UPDATING, updatedReplicas: 0 } }, []],
  [
    'rollout/progressing: a partition of none is no partition',
    { spec: partition(0), status: UPDATING },
    ['warning rollout/progressing, heals'],
  ],
  ['updated on deletion only', { spec: { updateStrategy: { type: 'OnDelete' } }, status: UPDATING }, []],
  [
    'rollout/progressing: on deletion only, but not ready',
    { spec: { updateStrategy: { type: 'OnDelete' } }, status: { readyReplicas: 0 } },
    ['warning rollout/progressing, heals'],
  ],
] as [string, Change<StatefulSet>, string[]][]) {
  statefulSets(why, () => assert.equal(inBrief(rolloutFindings({ ...NOTHING, statefulSets: [statefulSet(change)] })), expected))
}
statefulSets.run()

const daemonSets = suite('DaemonSets')
for (const [why, change, expected] of [
  ['complete', {}, []],
  ['wanted on no node', { status: { desiredNumberScheduled: 0, updatedNumberScheduled: 0, numberAvailable: 0 } }, []],
  ['rollout/progressing: not observed', { metadata: { generation: 2 } }, ['warning rollout/progressing, heals']],
  ['rollout/progressing: not updated', { status: { updatedNumberScheduled: 0 } }, ['warning rollout/progressing, heals']],
  ['rollout/progressing: not available', { status: { numberAvailable: 0 } }, ['warning rollout/progressing, heals']],
  ['updated on deletion only', { spec: { updateStrategy: { type: 'OnDelete' } }, status: { updatedNumberScheduled: 0 } }, []],
] as [string, Change<DaemonSet>, string[]][]) {
  daemonSets(why, () => assert.equal(inBrief(rolloutFindings({ ...NOTHING, daemonSets: [daemonSet(change)] })), expected))
}
daemonSets.run()

/** The API leaves out what is zero. */
const absences = suite('counts that are absent')
for (const [why, workloads, message] of [
  [
    'a Deployment’s new pods',
    { deployments: [deployment({ status: { updatedReplicas: undefined } })] },
    '0 of 1 new pods have been created',
  ],
  [
    'a Deployment’s available pods',
    { deployments: [deployment({ status: { availableReplicas: undefined } })] },
    '0 of 1 new pods are available',
  ],
  [
    'a Deployment’s wish',
    { deployments: [deployment({ spec: { replicas: undefined }, status: { updatedReplicas: 0 } })] },
    '0 of 1 new pods have been created',
  ],
  [
    'a ReplicaSet’s available pods',
    { replicaSets: [replicaSet({ status: { availableReplicas: undefined } })] },
    '0 of 1 pods are available',
  ],
  [
    'a ReplicaSet’s wish',
    { replicaSets: [replicaSet({ spec: { replicas: undefined }, status: { availableReplicas: 0 } })] },
    '0 of 1 pods are available',
  ],
  [
    'a StatefulSet’s ready pods',
    { statefulSets: [statefulSet({ status: { readyReplicas: undefined } })] },
    '0 of 2 pods are ready',
  ],
  [
    'a StatefulSet’s updated pods',
    { statefulSets: [statefulSet({ status: { updatedReplicas: undefined, updateRevision: 'db-2' } })] },
    '0 of 2 pods are updated',
  ],
  [
    'a StatefulSet’s wish',
    { statefulSets: [statefulSet({ spec: { replicas: undefined }, status: { readyReplicas: 0 } })] },
    '0 of 1 pods are ready',
  ],
  [
    'a DaemonSet’s updated pods',
    { daemonSets: [daemonSet({ status: { updatedNumberScheduled: undefined } })] },
    '0 of 1 pods are updated',
  ],
  [
    'a DaemonSet’s available pods',
    { daemonSets: [daemonSet({ status: { numberAvailable: undefined } })] },
    '0 of 1 pods are available',
  ],
  ...(['deployments', 'replicaSets', 'statefulSets', 'daemonSets'] as const).map(kind => [
    `all of a new one of the ${kind}`,
    { [kind]: [{ metadata: { ...deployment().metadata, generation: 1 } }] },
    'its controller has not seen the last change yet',
  ]),
] as [string, Partial<typeof NOTHING>, string][]) {
  absences(why, () =>
    assert.equal(
      rolloutFindings({ ...NOTHING, ...workloads }).map(found => found.message),
      [message],
    ),
  )
}
absences('a DaemonSet that no node wants', () =>
  assert.equal(rolloutFindings({ ...NOTHING, daemonSets: [daemonSet({ status: { desiredNumberScheduled: undefined } })] }), []),
)
absences('a Deployment of nothing', () =>
  assert.equal(
    rolloutFindings({
      ...NOTHING,
      deployments: [deployment({ spec: { replicas: 0 }, status: { replicas: undefined, updatedReplicas: undefined } })],
    }),
    [],
  ),
)
absences.run()

const GOING = { metadata: { deletionTimestamp: ago(0) } }
const deletions = suite('workloads that are being deleted')
for (const [why, workloads] of [
  ['a Deployment', { deployments: [deployment({ ...GOING, status: { availableReplicas: 0 } })] }],
  ['a Deployment that was paused', { deployments: [deployment({ ...GOING, spec: { paused: true } })] }],
  ['a ReplicaSet', { replicaSets: [replicaSet({ ...GOING, status: condition('ReplicaFailure', QUOTA) })] }],
  ['a StatefulSet', { statefulSets: [statefulSet(GOING)] }],
  ['a DaemonSet', { daemonSets: [daemonSet(GOING)] }],
] as [string, Partial<typeof NOTHING>][]) {
  deletions(`rollout/terminating: ${why}`, () =>
    assert.equal(inBrief(rolloutFindings({ ...NOTHING, ...workloads })), ['warning rollout/terminating, heals']),
  )
}
deletions.run()
