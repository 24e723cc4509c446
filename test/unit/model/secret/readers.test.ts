import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  changedAt,
  heldBack,
  isStale,
  type PodTemplate,
  type StoredSecret,
  secretsRead,
  type Workload,
} from '../../../../lib/model/secret/readers.ts'
import { ago, HOUR, LABELS, MINUTE, pod } from '../../support/kubernetes.ts'

const reads = suite('secretsRead')
const key = (name: string) => ({ valueFrom: { secretKeyRef: { name } } })
for (const [why, spec, expected] of [
  ['a variable', { containers: [{ env: [key('a'), {}] }] }, ['a']],
  ['all variables of one', { containers: [{ envFrom: [{ secretRef: { name: 'a' } }, {}] }] }, ['a']],
  ['a volume', { volumes: [{ secret: { secretName: 'a' } }, {}] }, ['a']],
  ['a part of a volume', { volumes: [{ projected: { sources: [{ secret: { name: 'a' } }, {}] } }] }, ['a']],
  ['an init container', { initContainers: [{ env: [key('a')] }] }, ['a']],
  ['several, each once', { containers: [{ env: [key('b'), key('a')] }, { env: [key('a')] }] }, ['a', 'b']],
  ['none', { containers: [{}] }, []],
] as [string, PodTemplate['spec'], string[]][]) {
  reads(why, () => assert.equal(secretsRead({ ...(spec && { spec }) }), expected))
}
reads('without a template', () => assert.equal(secretsRead(undefined), []))
reads.run()

const workload = (spec: Workload['spec'] = {}): Workload => ({
  metadata: { name: 'nextjs', namespace: 'threads', uid: 'u' },
  spec: { selector: { matchLabels: LABELS }, ...spec },
})
const held = suite('heldBack')
for (const [why, spec, expected] of [
  ['a rolling one', { updateStrategy: { type: 'RollingUpdate' } }, undefined],
  ['a paused one', { paused: true }, 'it is paused'],
  ['one on deletion', { updateStrategy: { type: 'OnDelete' } }, 'its pods are replaced only when somebody deletes them'],
] as const) {
  held(why, () => assert.is(heldBack(workload(spec)), expected))
}
held.run()

const changed = (...times: [string, string][]): StoredSecret => ({
  metadata: {
    name: 's',
    namespace: 'threads',
    uid: 's',
    managedFields: times.map(([field, time]) => ({ time, fieldsV1: { [field]: {} } })),
  },
})
const stale = suite('isStale')
for (const [why, secret, pods, expected] of [
  ['its pod began before the change', changed(['f:data', ago(MINUTE)]), [pod()], true],
  ['its pod began after the change', changed(['f:data', ago(2 * HOUR)]), [pod()], false],
  ['only a label was changed since', changed(['f:data', ago(2 * HOUR)], ['f:metadata', ago(MINUTE)]), [pod()], false],
  [
    'one of two began before',
    changed(['f:data', ago(MINUTE)]),
    [pod(), pod({ metadata: { creationTimestamp: ago(0) } })],
    true,
  ],
  ['the one before is going', changed(['f:data', ago(MINUTE)]), [pod({ metadata: { deletionTimestamp: ago(0) } })], false],
  ['a pod of another', changed(['f:data', ago(MINUTE)]), [pod({ metadata: { labels: { app: 'other' } } })], false],
  ['a pod of another namespace', changed(['f:data', ago(MINUTE)]), [pod({ metadata: { namespace: 'other' } })], false],
  ['nobody says when', changed(), [pod()], false],
  ['it has no pods', changed(['f:data', ago(MINUTE)]), [], false],
] as const) {
  stale(why, () => assert.is(isStale(workload(), secret, pods), expected))
}
stale('the last change counts', () =>
  assert.is(changedAt(changed(['f:data', ago(HOUR)], ['f:data', ago(MINUTE)])), ago(MINUTE)),
)
stale.run()
