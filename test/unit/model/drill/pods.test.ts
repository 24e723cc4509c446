import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { duplicates, type PodRow, podRows } from '../../../../lib/model/drill/pods.ts'
import type { Severity } from '../../../../lib/model/health/finding.ts'
import type { Pod } from '../../../../lib/model/health/objects.ts'

const pod = (namespace: string, name: string, more: Partial<Pod> = {}): Pod => ({
  metadata: {
    namespace,
    name,
    uid: name,
    creationTimestamp: '2025-11-01T14:00:00Z',
    ownerReferences: [{ kind: 'ReplicaSet', name: 'nextjs-5d', uid: 'u', controller: true }],
  },
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [
      { name: 'a', restartCount: 1 },
      { name: 'b', restartCount: 2 },
    ],
  },
  ...more,
})

const rows = suite('podRows')
rows('what is shown of a pod', () =>
  assert.equal(podRows({ pods: [pod('threads', 'nextjs-1')] }, ['threads']), [
    {
      namespace: 'threads',
      name: 'nextjs-1',
      owner: 'ReplicaSet/nextjs-5d',
      ready: true,
      restarts: 3,
      createdAt: '2025-11-01T14:00:00Z',
    },
  ]),
)
rows('in order, of the namespaces asked for, without those that are ending or have ended', () =>
  assert.equal(
    podRows(
      {
        pods: [
          pod('threads', 'b'),
          pod('argocd', 'z'),
          pod('threads', 'a'),
          pod('kube-system', 'dns'),
          pod('threads', 'job', { status: { phase: 'Succeeded' } }),
          pod('threads', 'going', {
            metadata: { ...pod('threads', 'going').metadata, deletionTimestamp: '2025-11-01T14:00:00Z' },
          }),
        ],
      },
      ['threads', 'argocd'],
    ).map(({ name }) => name),
    ['z', 'a', 'b'],
  ),
)
rows.run()

const row = (namespace: string, name: string): PodRow => ({
  namespace,
  name,
  owner: '',
  ready: true,
  restarts: 0,
  createdAt: '',
})
const finding = (rule: string, severity: Severity = 'error') => ({
  rule,
  severity,
  object: 'threads/Pod/old',
  message: 'orphan',
})
const before = [row('threads', 'a'), row('threads', 'b')]

const twice = suite('duplicates')
for (const [why, after, findings, expected] of [
  ['the same number under other names', [row('threads', 'c'), row('threads', 'd')], [], []],
  ['one more', [...before, row('threads', 'c')], [], ['threads has 3 pods, up from 2']],
  ['one less is no duplicate', [row('threads', 'c')], [], []],
  ['moved to another namespace', [row('argocd', 'x'), row('threads', 'a')], [], ['argocd has 1 pods, up from 0']],
  ['an orphan', before, [finding('ownership/orphan')], ['threads/Pod/old: orphan']],
  ['what an earlier owner left that makes no pods', before, [finding('ownership/orphan', 'info')], []],
  ['other findings are not about duplicates', before, [finding('pod/crash-loop')], []],
] as const) {
  twice(why, () => assert.equal(duplicates(before, after, findings), expected))
}
twice.run()
