import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Behind, podBehind, urlOf } from '../../../../lib/model/access/forward.ts'
import type { Pod, ServicePort } from '../../../../lib/model/health/objects.ts'
import { ago, HOUR, LABELS, MINUTE, pod, ready, service } from '../../support/kubernetes.ts'

const ports = [{ name: 'http', containerPort: 3000 }]
const running = (name: string, age = HOUR, change: Parameters<typeof pod>[0] = {}): Pod => {
  const healthy = pod({
    spec: {
      containers: [
        { name: 'sidecar', image: 'i' },
        { name: 'app', image: 'i', ports },
      ],
    },
  })
  return {
    ...healthy,
    ...change,
    metadata: { ...healthy.metadata, name, creationTimestamp: ago(age), ...change.metadata },
    status: { ...healthy.status, ...change.status },
    spec: { ...healthy.spec, ...change.spec },
  }
}
const of = (port: Partial<ServicePort> = {}, selector: Record<string, string> = LABELS) =>
  service({ spec: { selector, ports: [{ name: 'http', port: 80, targetPort: 'http', ...port }] } })

const behind = suite('the pod behind a service')
for (const [why, asked, wanted, pods, expected] of [
  ['by the port’s number, its target by name', of(), 80, [running('a')], { pod: 'a', port: 3000 }],
  ['by the port’s name', of(), 'http', [running('a')], { pod: 'a', port: 3000 }],
  ['its target by number', of({ targetPort: 8080 }), 'http', [running('a')], { pod: 'a', port: 8080 }],
  [
    'without a target the port itself',
    service({ spec: { selector: LABELS, ports: [{ port: 80 }] } }),
    80,
    [running('a')],
    { pod: 'a', port: 80 },
  ],
  ['the newest', of(), 80, [running('old'), running('new', MINUTE), running('older', 2 * HOUR)], { pod: 'new', port: 3000 }],
  [
    'a new one that is not ready yet is not taken',
    of(),
    80,
    [running('old'), running('new', MINUTE, { status: { conditions: ready('False') } })],
    { pod: 'old', port: 3000 },
  ],
  [
    'nor one that is being deleted',
    of(),
    80,
    [running('old'), running('new', MINUTE, { metadata: { deletionTimestamp: ago(0) } })],
    { pod: 'old', port: 3000 },
  ],
  [
    'nor one that has ended',
    of(),
    80,
    [running('old'), running('new', MINUTE, { status: { phase: 'Failed' } })],
    { pod: 'old', port: 3000 },
  ],
  [
    'nor one of another namespace, or with other labels',
    of(),
    80,
    [running('a', HOUR, { metadata: { namespace: 'other' } }), running('b', HOUR, { metadata: { labels: { app: 'b' } } })],
    { missing: 'Service threads/nextjs has no ready pod: there is none', healing: true },
  ],
  [
    'a pod of an earlier template has no such port: another has',
    of(),
    80,
    [running('new', MINUTE, { spec: { containers: [] } }), running('old')],
    { pod: 'old', port: 3000 },
  ],
  [
    'none is ready',
    of(),
    80,
    [running('a', HOUR, { status: { conditions: ready('False') } })],
    { missing: 'Service threads/nextjs has no ready pod: none of 1 is ready', healing: true },
  ],
  [
    'an unknown port',
    of(),
    'https',
    [running('a')],
    { missing: 'Service threads/nextjs has no port https; it has: http (80)', healing: false },
  ],
  [
    'a target that no container names',
    of({ targetPort: 'web' }),
    80,
    [running('a')],
    { missing: 'no pod of Service threads/nextjs has a port called web', healing: false },
  ],
  [
    'a service without a selector',
    of({}, {}),
    80,
    [running('a')],
    { missing: "Service threads/nextjs selects no pods: it can't be forwarded to", healing: false },
  ],
] as [string, ReturnType<typeof service>, number | string, Pod[], Behind][]) {
  behind(why, () => assert.equal(podBehind(asked, wanted, pods), expected))
}
behind.run()

const urls = suite('urlOf')
urls('scheme, port and path', () =>
  assert.is(urlOf({ scheme: 'postgresql', localPort: 5432, path: '/threads' }), 'postgresql://127.0.0.1:5432/threads'),
)
urls.run()
