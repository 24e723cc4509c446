import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { applicationOf } from '../../../lab/machine/node-agent/application.ts'
import { expanded } from '../../../lab/machine/node-agent/configuration.ts'
import { filtered } from '../../../lab/machine/node-agent/extender.ts'
import { askedOutcome, evictionMessage, FAIL, failureOf } from '../../../lab/machine/node-agent/failures.ts'
import type { PulledImage } from '../../../lab/machine/node-agent/images.ts'
import type { Container, EndpointSlice, Pod, Service } from '../../../lab/machine/node-agent/kubernetes.ts'
import { firstToGo, shortageOf } from '../../../lab/machine/node-agent/pressure.ts'
import { portOf, type Streak, tally } from '../../../lab/machine/node-agent/probes.ts'
import { entered, identityOf, optionsOf, type Sandbox } from '../../../lab/machine/node-agent/sandbox.ts'
import { listenersOf, serviceNames } from '../../../lab/machine/node-agent/services.ts'
import { bytesOf } from '../../../lab/machine/node-agent/volumes.ts'

const times = { periodSeconds: 1, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 1 }
const container = (more: Partial<Container> = {}): Container => ({ name: 'app', image: 'app', ...more })
const pod = (securityContext: Pod['spec']['securityContext'] = {}): Pod => ({
  metadata: { name: 'pod', uid: 'uid' },
  spec: { nodeName: 'node', restartPolicy: 'Always', containers: [container()], securityContext },
  status: {},
})

const applications = suite('applicationOf')
for (const [image, name] of [
  ['postgres:16.4-alpine', 'postgres'],
  ['us-east1-docker.pkg.dev/web-service-design/threads/nextjs:latest', 'nextjs'],
  ['europe-west4-docker.pkg.dev/p/threads/ml-service@sha256:'.concat('a'.repeat(64)), 'ml-service'],
  ['us-east1-docker.pkg.dev/p/threads/third:v1', 'third'],
  ['us-east1-docker.pkg.dev/p/others/app:v1', undefined],
  ['threads/nextjs', undefined],
  ['quay.io/library/postgres', undefined],
] as const) {
  applications(image, () => assert.is(applicationOf(container({ image }))?.user.name, name))
}
applications('a service listens where its container says', () => {
  const image = { name: 'third', imageID: 'id', labels: {} } as PulledImage
  const portOf = (more: Partial<Container>) =>
    applicationOf(container({ image: 'us-east1-docker.pkg.dev/p/threads/third', ...more }))?.environment(image).PORT
  assert.equal([portOf({ ports: [{ containerPort: 9000 }] }), portOf({})], ['9000', '3000'])
})
applications.run()

const identities = suite('identityOf')
const image = { uid: 70, gid: 70 }
for (const [why, shared, own, expected] of [
  ['the image’s own', {}, {}, { uid: 70, gid: 70, groups: [] }],
  ['the pod’s', { runAsUser: 5, runAsGroup: 6, fsGroup: 7 }, {}, { uid: 5, gid: 6, groups: [7] }],
  ['the container’s before the pod’s', { runAsUser: 5, runAsGroup: 6 }, { runAsUser: 8 }, { uid: 8, gid: 6, groups: [] }],
  ['another user without a group is in root’s', { runAsUser: 5 }, {}, { uid: 5, gid: 0, groups: [] }],
  ['more groups', { supplementalGroups: [3, 4], fsGroup: 7 }, {}, { uid: 70, gid: 70, groups: [3, 4, 7] }],
] as const) {
  identities(why, () => {
    const context = 'supplementalGroups' in shared ? { ...shared, supplementalGroups: [...shared.supplementalGroups] } : shared
    assert.equal(identityOf(pod(context), container({ securityContext: own }), image), expected)
  })
}
identities.run()

const sandboxes = suite('a container')
const sandbox: Sandbox = {
  ...{ hostname: 'pod', readOnlyRoot: true, workingDirectory: '/srv', hidden: ['/usr/local/lab'] },
  identity: { uid: 70, gid: 71, groups: [72] },
  mounts: [
    { source: '/b', target: '/data/below/it', readOnly: true },
    { source: '/a', target: '/data' },
  ],
}
sandboxes('a mount comes before those below it, and its folders before it', () => {
  const options = optionsOf(sandbox).join(' ')
  assert.match(options, '--bind /a /data --perms 0755 --dir /data --perms 0755 --dir /data/below --ro-bind /b /data/below/it')
})
sandboxes('a read-only root is closed last', () => {
  assert.equal(optionsOf(sandbox).slice(-2), ['--remount-ro', '/'])
  assert.not.ok(optionsOf({ ...sandbox, readOnlyRoot: false }).includes('--remount-ro'))
})
sandboxes('a command inside has the container’s user, groups and folder, and no privilege', () => {
  const { args } = entered(4711, sandbox, {}, ['id', '-u'])
  assert.match(args.join(' '), /--target 4711 .*--reuid=70 --regid=71 --groups=72 .*--bounding-set=-all --no-new-privs/)
  assert.match(args.join(' '), /--target 4711 --user --mount .* \/usr\/bin\/env --chdir=\/srv -- \/usr\/bin\/perl -e /)
  assert.equal(args.slice(-3), ['--', 'id', '-u'])
})
sandboxes.run()

const probes = suite('tally')
for (const [why, outcomes, settled] of [
  ['one success is enough', 's', 's'],
  ['one failure is not', 'f', '-'],
  ['three in a row are', 'fff', '--f'],
  ['a success between them starts anew', 'ffsff', '--s--'],
  ['and goes on settling', 'ffff', '--ff'],
] as const) {
  probes(why, () => {
    let streak: Streak | undefined
    const said = [...outcomes].map(outcome => {
      const result = tally({ successThreshold: 1, failureThreshold: 3 }, streak, outcome === 's')
      streak = result.streak
      return result.settled ? outcome : '-'
    })
    assert.is(said.join(''), settled)
  })
}
probes('a port by name and by number', () => {
  const ports = [{ name: 'http', containerPort: 3000 }]
  assert.equal(
    ['http', 80, '81'].map(port => portOf(container({ ports }), port)),
    [3000, 80, 81],
  )
})
probes.run()

const services = suite('services')
const service = (name: string, spec: Partial<Service['spec']> = {}, namespace = 'threads'): Service => ({
  metadata: { name, namespace, uid: name },
  spec: { type: 'ClusterIP', clusterIP: '10.96.0.7', ports: [{ name: 'http', port: 80 }], ...spec },
})
const slice = (addresses: [string, boolean?][], port = 3000): EndpointSlice => ({
  metadata: { name: 'slice', uid: 'slice' },
  endpoints: addresses.map(([address, ready]) => ({ addresses: [address], conditions: { ready } })),
  ports: [{ name: 'http', port }],
})
const everything = () => true
services('listens at the cluster’s address, for those that are ready', () => {
  const backends = [{ host: '10.244.0.2', port: 3000 }]
  const found = listenersOf(service('a'), [slice([['10.244.0.2'], ['10.244.0.3', false]])], everything)
  assert.equal(found, [{ address: '10.96.0.7', port: 80, backends }])
})
services('and for a node port at the machine’s', () => {
  const nodePort = service('a', { ports: [{ name: 'http', port: 80, nodePort: 30000 }] })
  assert.equal(
    listenersOf(nodePort, [slice([['10.244.0.2', true]])], everything).map(({ address, port }) => `${address}:${port}`),
    ['10.96.0.7:80', '0.0.0.0:30000'],
  )
})
for (const [why, found] of [
  ['nobody is ready', listenersOf(service('a'), [slice([['10.244.0.2', false]])], everything)],
  ['nobody is there', listenersOf(service('a'), [{ ...slice([]), endpoints: null }], everything)],
  ['only those that do not run', listenersOf(service('a'), [slice([['10.244.0.2']])], () => false)],
  ['the port has another name', listenersOf(service('a', { ports: [{ port: 80 }] }), [slice([['10.244.0.2']])], everything)],
  ['it is headless', listenersOf(service('a', { clusterIP: 'None' }), [slice([['10.244.0.2']])], everything)],
] as const) {
  services(`listens nowhere when ${why}`, () => assert.equal(found, []))
}
services('names as a pod of the namespace knows them', () => {
  const names = serviceNames(
    [service('a'), service('b', { clusterIP: '10.96.0.8' }, 'other'), service('c', { clusterIP: 'None' })],
    'threads',
  )
  assert.is(
    names,
    '10.96.0.7\ta.threads.svc.cluster.local\ta.threads.svc\ta.threads\ta\n10.96.0.8\tb.other.svc.cluster.local\tb.other.svc\tb.other\n',
  )
})
services.run()

const values = suite('values')
for (const [text, expected] of [
  ['postgresql://u:$(PASSWORD)@h', 'postgresql://u:secret@h'],
  ['$(NOBODY)', '$(NOBODY)'],
  ['$$(PASSWORD)', '$(PASSWORD)'],
  ['$PASSWORD $', '$PASSWORD $'],
] as const) {
  values(`expanded: ${text}`, () => assert.is(expanded(text, { PASSWORD: 'secret' }), expected))
}
for (const [quantity, bytes] of [
  ['1Mi', 1_048_576],
  ['128Mi', 134_217_728],
  ['1.5k', 1500],
  ['7', 7],
] as const) {
  values(`bytes of ${quantity}`, () => assert.is(bytesOf(quantity), bytes))
}
values.run()

const failures = suite('failures on demand')
const failing = (fail: string): Pod => ({ ...pod(), metadata: { name: 'pod', uid: 'uid', annotations: { [FAIL]: fail } } })
const probed = container({
  ports: [{ name: 'http', containerPort: 3000 }],
  readinessProbe: { ...times, tcpSocket: { port: 'http' } },
  livenessProbe: { ...times, httpGet: { port: 'http' } },
})
failures('what is asked for', () => {
  assert.equal(
    ['oom', 'nonsense', ''].map(fail => failureOf(failing(fail))),
    ['oom', undefined, undefined],
  )
})
for (const [failure, kind, message] of [
  ['probe', 'readiness', 'dial tcp 10.244.0.2:3000: connect: connection refused'],
  ['probe', 'liveness', undefined],
  ['liveness', 'liveness', 'HTTP probe failed with statuscode: 503'],
  ['oom', 'readiness', undefined],
] as const) {
  failures(`${failure}: the ${kind} probe`, () => {
    const outcome = askedOutcome(failure, kind, probed, '10.244.0.2')
    assert.is(outcome && !outcome.ok ? outcome.message : undefined, message)
  })
}
failures('the scheduler is told that no node will do, or nothing', () => {
  const ask = (fail: string) => filtered({ Pod: failing(fail), NodeNames: ['node'] })
  assert.equal(ask('unschedulable'), { NodeNames: [], FailedNodes: { node: 'Insufficient memory' } })
  assert.equal(ask('oom'), { NodeNames: ['node'], FailedNodes: {} })
})
failures.run()

const pressure = suite('disk pressure')
pressure('below a tenth of the disk', () => {
  assert.is(shortageOf(1000, 100), undefined)
  assert.equal(shortageOf(102_400, 10_239), { resource: 'ephemeral-storage', threshold: '10240', available: '9Ki' })
})
const candidate = (name: string, used: number, priority?: number) => {
  const { spec, ...rest } = pod()
  return { used, pod: { ...rest, metadata: { name, uid: name }, spec: { ...spec, priority } } }
}
for (const [why, candidates, expected] of [
  ['whoever takes most', [candidate('a', 1), candidate('b', 2)], 'b'],
  ['of those with the lowest priority', [candidate('a', 1), candidate('b', 2, 1000)], 'a'],
  ['never what is critical', [candidate('a', 9, 2_000_001_000)], undefined],
] as const) {
  pressure(`evicts ${why}`, () => assert.is(firstToGo(candidates)?.pod.metadata.name, expected))
}
pressure('says why', () => {
  const shortage = { resource: 'memory', threshold: '100Mi', available: '5Ki' } as const
  assert.is(
    evictionMessage(pod(), shortage, '7Mi'),
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 5Ki. Container app was using 7Mi, request is 0, has larger consumption of memory. ',
  )
})
pressure.run()
