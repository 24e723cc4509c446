import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { nodeFindings } from '../../../../lib/model/health/node.ts'
import type { Condition, Lease, Node } from '../../../../lib/model/health/objects.ts'
import { ago, type Change, inBrief, lease, MINUTE, NOW, node, ready, SECOND } from '../../support/kubernetes.ts'

const findings = (change: Change<Node>, heard: Change<Lease> = {}) => nodeFindings([node(change)], [lease(heard)], NOW)
const conditions = (...more: Condition[]): Change<Node> => ({ status: { conditions: [...ready('True'), ...more] } })
const renewed = (before: number): Change<Lease> => ({ spec: { renewTime: ago(before) } })

const rules = suite('nodeFindings')
for (const [why, change, expected, heard] of [
  ['ready, and heard of a moment ago', {}, []],
  [
    'node/not-ready: since a moment',
    { status: { conditions: ready('False', ago(MINUTE)) } },
    ['warning node/not-ready, heals'],
  ],
  ['node/not-ready: for good', { status: { conditions: ready('False', ago(5 * MINUTE)) } }, ['error node/not-ready']],
  [
    'node/not-ready: it stopped reporting',
    { status: { conditions: [{ type: 'Ready', status: 'Unknown', lastTransitionTime: ago(5 * MINUTE) }] } },
    ['error node/not-ready'],
  ],
  [
    'node/not-ready: it has not said yet',
    { metadata: { creationTimestamp: ago(MINUTE) }, status: { conditions: [] } },
    ['warning node/not-ready, heals'],
  ],
  ['node/not-ready: it never said', { status: { conditions: [] } }, ['error node/not-ready']],
  ['node/silent: since a minute', {}, ['warning node/silent, heals'], renewed(MINUTE)],
  ['node/silent: for good', {}, ['error node/silent'], renewed(5 * MINUTE)],
  ['silent just short of it', {}, [], renewed(MINUTE - SECOND)],
  ['the API’s microseconds', {}, [], { spec: { renewTime: '2025-11-01T11:59:30.123456Z' } }],
  ['a lease that is not renewed yet', {}, [], { spec: { renewTime: undefined } }],
  ['another node’s lease', {}, [], { metadata: { name: 'other' }, ...renewed(5 * MINUTE) }],
  ['a lease of another namespace', {}, [], { metadata: { namespace: 'kube-system' }, ...renewed(5 * MINUTE) }],
  [
    'not ready is said once, not silent as well',
    { status: { conditions: ready('False', ago(MINUTE)) } },
    ['warning node/not-ready, heals'],
    renewed(5 * MINUTE),
  ],
  ...['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'].map(type => [
    `node/pressure: ${type}`,
    conditions({ type, status: 'True' }),
    ['warning node/pressure'],
  ]),
  ['no pressure', conditions({ type: 'DiskPressure', status: 'False' }), []],
  ['a condition of somebody else', conditions({ type: 'KernelDeadlock', status: 'True' }), []],
  ['node/cordoned', { spec: { unschedulable: true } }, ['warning node/cordoned']],
] as [string, Change<Node>, string[], Change<Lease>?][]) {
  rules(why, () => assert.equal(inBrief(findings(change, heard)), expected))
}
rules('node/none', () => assert.equal(inBrief(nodeFindings([], [], NOW)), ['error node/none']))
rules.run()

const messages = suite('what a node finding says')
for (const [why, change, message, remedy] of [
  [
    'why it is not ready',
    {
      status: {
        conditions: [
          { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: 'no network', lastTransitionTime: ago(MINUTE) },
        ],
      },
    },
    'not ready for 60 s: KubeletNotReady: no network',
    './taskw up',
  ],
  [
    'that it is not ready, when nobody says why',
    { status: { conditions: ready('False', ago(MINUTE)) } },
    'not ready for 60 s',
    './taskw up',
  ],
  [
    'how to free its disk',
    conditions({ type: 'DiskPressure', status: 'True', reason: 'KubeletHasDiskPressure', message: '' }),
    'DiskPressure: KubeletHasDiskPressure',
    'free disk space on the node: `k0s ctr images prune --all`',
  ],
  ['how to uncordon it', { spec: { unschedulable: true } }, 'cordoned: no pod is scheduled to it', 'kubectl uncordon vm'],
] as [string, Change<Node>, string, string][]) {
  messages(why, () => {
    const [found] = findings(change)
    assert.equal([found?.object, found?.message, found?.remedy], ['Node/vm', message, remedy])
  })
}
messages.run()
