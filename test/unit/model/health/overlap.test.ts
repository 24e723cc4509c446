import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Inventory } from '../../../../lib/model/health/inventory.ts'
import { overlapFindings } from '../../../../lib/model/health/overlap.ts'
import { ago, deployment, inventory, LABELS, ownedBy, pod, statefulSet } from '../../support/kubernetes.ts'

const other = (name: string, namespace = 'threads') => deployment({ metadata: { name, namespace, uid: `uid-${name}` } })
const BOTH = (other: string) => `selectors overlap: ${other} both select nextjs-5d8f-x`

const rules = suite('overlapFindings')
for (const [why, change, expected] of [
  ['one selector, one owner', {}, []],
  ['selectors alike in two namespaces', { deployments: [deployment(), other('nextjs', 'other')] }, []],
  ['other labels', { statefulSets: [statefulSet()] }, []],
  [
    'a pod that nobody owns is another rule’s',
    { pods: [pod({ metadata: ownedBy('ReplicaSet', 'gone') })], deployments: [deployment(), other('zebra')] },
    [],
  ],
  [
    'a pod that is going',
    { pods: [pod({ metadata: { deletionTimestamp: ago(0) } })], deployments: [deployment(), other('zebra')] },
    [],
  ],
  [
    'ownership/selector-overlap',
    { deployments: [deployment(), other('zebra')] },
    [BOTH('threads/Deployment/nextjs and threads/Deployment/zebra')],
  ],
  [
    'ownership/selector-overlap: the owner’s name is the later one',
    { deployments: [deployment(), other('ant')] },
    [BOTH('threads/Deployment/ant and threads/Deployment/nextjs')],
  ],
  [
    'ownership/selector-overlap: of different kinds',
    { statefulSets: [statefulSet({ spec: { selector: { matchLabels: LABELS } } })] },
    [BOTH('threads/Deployment/nextjs and threads/StatefulSet/db')],
  ],
  [
    'ownership/selector-overlap: of a pod that its owner has directly',
    {
      statefulSets: [statefulSet({ spec: { selector: { matchLabels: LABELS } } })],
      pods: [pod({ metadata: ownedBy('StatefulSet', 'db') })],
    },
    [BOTH('threads/Deployment/nextjs and threads/StatefulSet/db')],
  ],
  [
    'ownership/selector-overlap: once for each pair, however many pods',
    { deployments: [deployment(), other('zebra')], pods: [pod({ metadata: { name: 'first' } }), pod()] },
    [BOTH('threads/Deployment/nextjs and threads/Deployment/zebra')],
  ],
] as [string, Partial<Inventory>, string[]][]) {
  rules(why, () => {
    const found = overlapFindings(inventory(change))
    assert.equal(
      found.map(({ message }) => message),
      expected,
    )
    for (const { rule, severity, remedy } of found) {
      assert.equal([severity, rule], ['error', 'ownership/selector-overlap'])
      assert.match(remedy ?? '', 'selectors of their own')
    }
  })
}
rules.run()
