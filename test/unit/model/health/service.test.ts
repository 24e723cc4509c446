import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { EndpointSlice, Pod, Service } from '../../../../lib/model/health/objects.ts'
import { serviceFindings } from '../../../../lib/model/health/service.ts'
import { ago, type Change, endpointSlice, inBrief, MINUTE, NOW, pod, ready, SECOND, service } from '../../support/kubernetes.ts'

const findings = (change: Change<Service>, slices: EndpointSlice[], pods: Pod[]) =>
  serviceFindings([service(change)], slices, pods, NOW)
const unreadySlice = endpointSlice({ endpoints: [{ addresses: ['10.244.0.7'], conditions: { ready: false } }] })
const since = (status: 'True' | 'False', before: number) => pod({ status: { conditions: ready(status, ago(before)) } })
const clusterIp: Change<Service> = { spec: { type: 'ClusterIP' } }

const rules = suite('serviceFindings')
for (const [why, change, slices, pods, expected] of [
  ['a ready endpoint', {}, [endpointSlice()], [pod()], []],
  [
    'an endpoint that does not say it is unready',
    {},
    [endpointSlice({ endpoints: [{ addresses: ['10.244.0.7'] }] })],
    [pod()],
    [],
  ],
  ['no selector: somebody else keeps its endpoints', { spec: { selector: {} } }, [], [], []],
  ['a name for something outside', { spec: { type: 'ExternalName', selector: undefined } }, [], [], []],

  [
    'service/no-endpoints: its pod starts',
    {},
    [unreadySlice],
    [since('False', MINUTE)],
    ['warning service/no-endpoints, heals'],
  ],
  [
    'service/no-endpoints: its pod does not start',
    {},
    [unreadySlice],
    [since('False', 5 * MINUTE)],
    ['error service/no-endpoints'],
  ],
  [
    'service/no-endpoints: nor does this one, which is not exposed',
    clusterIp,
    [unreadySlice],
    [since('False', 5 * MINUTE)],
    ['warning service/no-endpoints'],
  ],
  ['service/no-endpoints: not written yet', {}, [], [since('True', SECOND)], ['warning service/no-endpoints, heals']],
  ['service/no-endpoints: not written at all', {}, [], [since('True', 5 * MINUTE)], ['error service/no-endpoints']],
  [
    'service/no-endpoints: a slice without any',
    {},
    [endpointSlice({ endpoints: null as never })],
    [since('True', SECOND)],
    ['warning service/no-endpoints, heals'],
  ],
  [
    'service/no-endpoints: of several pods the latest change counts',
    {},
    [],
    [since('False', 9 * MINUTE), since('True', MINUTE)],
    ['warning service/no-endpoints, heals'],
  ],
  [
    'service/no-endpoints: another service’s slice',
    {},
    [endpointSlice({ metadata: { labels: { 'kubernetes.io/service-name': 'other' } } })],
    [since('False', MINUTE)],
    ['warning service/no-endpoints, heals'],
  ],
  [
    'service/no-endpoints: a slice of another namespace',
    {},
    [endpointSlice({ metadata: { namespace: 'other' } })],
    [since('False', MINUTE)],
    ['warning service/no-endpoints, heals'],
  ],

  ['service/selects-nothing: an exposed one', {}, [], [], ['error service/selects-nothing']],
  [
    'service/selects-nothing: a load balancer',
    { spec: { type: 'LoadBalancer' }, status: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } } },
    [],
    [],
    ['error service/selects-nothing'],
  ],
  ['service/selects-nothing: one for the inside', clusterIp, [], [], ['warning service/selects-nothing']],
  [
    'service/selects-nothing: just made',
    { metadata: { creationTimestamp: ago(MINUTE) } },
    [],
    [],
    ['warning service/selects-nothing, heals'],
  ],
  [
    'service/selects-nothing: other labels',
    {},
    [],
    [pod({ metadata: { labels: { 'app.kubernetes.io/name': 'other' } } })],
    ['error service/selects-nothing'],
  ],
  [
    'service/selects-nothing: a pod of another namespace',
    {},
    [],
    [pod({ metadata: { namespace: 'other' } })],
    ['error service/selects-nothing'],
  ],
  [
    'service/selects-nothing: a pod that has ended',
    {},
    [],
    [pod({ status: { phase: 'Failed' } })],
    ['error service/selects-nothing'],
  ],

  [
    'service/load-balancer: no address yet',
    { spec: { type: 'LoadBalancer' } },
    [endpointSlice()],
    [pod()],
    ['warning service/load-balancer, heals'],
  ],
  [
    'a load balancer with its address',
    { spec: { type: 'LoadBalancer' }, status: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } } },
    [endpointSlice()],
    [pod()],
    [],
  ],
] as [string, Change<Service>, EndpointSlice[], Pod[], string[]][]) {
  rules(why, () => assert.equal(inBrief(findings(change, slices, pods)), expected))
}
for (const [why, pods, message] of [
  ['pods that are not ready', [since('False', MINUTE)], 'no ready endpoint: none of its 1 pods is ready'],
  ['endpoints that are missing', [since('True', MINUTE)], 'no ready endpoint: its endpoints have not been written yet'],
  ['no pod', [], 'its selector matches no pod'],
] as [string, Pod[], string][]) {
  rules(`what it says: ${why}`, () => {
    const [found] = findings({}, [], pods)
    assert.equal([found?.object, found?.message], ['threads/Service/nextjs', message])
    assert.match(found?.remedy ?? '', 'kubectl -n threads')
  })
}
rules.run()
