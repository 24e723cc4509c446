import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { imagesOf, serverPod } from '../../../../lib/model/backup/pod.ts'
import type { Pod } from '../../../../lib/model/health/objects.ts'

const pod = (
  name: string,
  { ready = true, app = 'postgres', phase = 'Running', annotations = {}, containers = ['postgres'] } = {},
): Pod => ({
  metadata: { name, uid: name, namespace: 'threads', labels: { 'app.kubernetes.io/name': app }, annotations },
  spec: { containers: containers.map(each => ({ name: each, image: `${each}:1` })) },
  status: { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
})
const selector = { matchLabels: { 'app.kubernetes.io/name': 'postgres' } }

const found = suite('serverPod')
for (const [why, pods, expected] of [
  ['none', [], undefined],
  ['of another workload', [pod('a', { app: 'nextjs' })], undefined],
  ['not ready', [pod('a', { ready: false })], undefined],
  ['ended', [pod('a', { phase: 'Succeeded' })], undefined],
  ['the one that is ready', [pod('a', { ready: false }), pod('b')], { pod: 'b', container: 'postgres' }],
  ['its first container', [pod('a', { containers: ['postgres', 'exporter'] })], { pod: 'a', container: 'postgres' }],
  [
    'the container that it names as the usual one',
    [
      pod('a', {
        containers: ['exporter', 'postgres'],
        annotations: { 'kubectl.kubernetes.io/default-container': 'postgres' },
      }),
    ],
    { pod: 'a', container: 'postgres' },
  ],
] as const)
  found(why, () => assert.equal(serverPod(pods, selector), expected))
found.run()

const images = suite('imagesOf')
images('those of live pods, by name', () =>
  assert.equal(
    imagesOf([pod('b', { app: 'nextjs', containers: ['web'] }), pod('a'), pod('c', { app: 'old', phase: 'Failed' })]),
    {
      'nextjs/web': 'web:1',
      'postgres/postgres': 'postgres:1',
    },
  ),
)
images.run()
