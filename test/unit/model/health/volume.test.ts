import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PersistentVolumeClaim, Pod, StorageClass } from '../../../../lib/model/health/objects.ts'
import { volumeFindings } from '../../../../lib/model/health/volume.ts'
import { ago, type Change, claim, inBrief, MINUTE, NOW, pod, SECOND, storageClass } from '../../support/kubernetes.ts'

const findings = (change: Change<PersistentVolumeClaim>, classes: StorageClass[] = [storageClass()], pods: Pod[] = []) =>
  volumeFindings([claim(change)], classes, pods, NOW)

const DEFAULT = 'storageclass.kubernetes.io/is-default-class'
const plain = (name: string) => storageClass({ metadata: { name, annotations: {} } })
const unwanted = storageClass({ metadata: { annotations: { [DEFAULT]: 'false' } } })
const immediate = storageClass({ volumeBindingMode: 'Immediate' })
const pending = (age: number): Change<PersistentVolumeClaim> => ({
  metadata: { creationTimestamp: ago(age) },
  status: { phase: 'Pending' },
})
const ofClass = (storageClassName: string | undefined): Change<PersistentVolumeClaim> => ({
  ...pending(10 * MINUTE),
  spec: { storageClassName },
})
const consumer = (change: Change<Pod> = {}) =>
  pod({ spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'postgres' } }] }, ...change })

const claims = suite('claims')
for (const [why, change, classes, pods, expected] of [
  ['bound', {}, undefined, [], []],
  ['volume/lost', { status: { phase: 'Lost' } }, undefined, [], ['error volume/lost']],
  [
    'volume/terminating',
    { metadata: { deletionTimestamp: ago(0) }, status: { phase: 'Lost' } },
    undefined,
    [],
    ['warning volume/terminating, heals'],
  ],
  ['volume/class-missing: the one that it names', ofClass('gone'), undefined, [consumer()], ['error volume/class-missing']],
  ['volume/class-missing: whether or not a pod waits for it', ofClass('gone'), undefined, [], ['error volume/class-missing']],
  [
    'volume/class-missing: it names none, and none is the default',
    ofClass(undefined),
    [plain('local-path')],
    [consumer()],
    ['error storage-class/no-default', 'error volume/class-missing'],
  ],
  ['it names none, and gets the default', ofClass(undefined), undefined, [consumer()], ['error volume/pending']],
  ['volume/no-consumer', pending(10 * MINUTE), undefined, [], ['info volume/no-consumer']],
  [
    'volume/no-consumer: the pod has ended',
    pending(10 * MINUTE),
    undefined,
    [consumer({ status: { phase: 'Succeeded' } })],
    ['info volume/no-consumer'],
  ],
  ['volume/no-consumer: the pod uses another claim', pending(10 * MINUTE), undefined, [pod()], ['info volume/no-consumer']],
  [
    'volume/no-consumer: a pod of another namespace',
    pending(10 * MINUTE),
    undefined,
    [consumer({ metadata: { namespace: 'other' } })],
    ['info volume/no-consumer'],
  ],
  [
    'volume/pending: with a consumer, on its way',
    pending(5 * MINUTE - SECOND),
    undefined,
    [consumer()],
    ['warning volume/pending, heals'],
  ],
  ['volume/pending: with a consumer, for good', pending(5 * MINUTE), undefined, [consumer()], ['error volume/pending']],
  ['volume/pending: a class that waits for nobody', pending(10 * MINUTE), [immediate], [], ['error volume/pending']],
  [
    'volume/pending: without a status yet',
    { ...pending(MINUTE), status: { phase: undefined } },
    [immediate],
    [],
    ['warning volume/pending, heals'],
  ],
  [
    'volume/pending: the empty class, which a volume made by hand must have',
    ofClass(''),
    undefined,
    [consumer()],
    ['error volume/pending'],
  ],
  [
    'volume/pending: the empty class, on its way',
    { ...pending(MINUTE), spec: { storageClassName: '' } },
    undefined,
    [],
    ['warning volume/pending, heals'],
  ],
] as [string, Change<PersistentVolumeClaim>, StorageClass[] | undefined, Pod[], string[]][]) {
  claims(why, () => assert.equal(inBrief(findings(change, classes, pods)), expected))
}
for (const [why, change, pods, message, remedy] of [
  [
    'the class, in the API server’s words',
    ofClass('local-path-2'),
    [consumer()],
    'storageclass.storage.k8s.io "local-path-2" not found',
    './taskw layer:apply',
  ],
  [
    'the volume that is lost',
    { status: { phase: 'Lost' } },
    [],
    'its volume pvc-1 is lost, and the data with it',
    './taskw snapshot:list',
  ],
  [
    'for how long, with which class',
    pending(10 * MINUTE),
    [consumer()],
    'pending for 10 min with class local-path',
    'logs deployment/local-path-provisioner',
  ],
  [
    'that nobody makes a volume for the empty class',
    ofClass(''),
    [],
    'pending for 10 min: its class is "", so it waits for a volume made by hand',
    'kubectl -n threads describe pvc postgres',
  ],
] as [string, Change<PersistentVolumeClaim>, Pod[], string, string][]) {
  claims(`what it says: ${why}`, () => {
    const [found] = findings(change, undefined, pods)
    assert.is(found?.object, 'threads/PersistentVolumeClaim/postgres')
    assert.is(found?.message, message)
    assert.match(found?.remedy ?? '', remedy)
  })
}
claims.run()

const classes = suite('classes')
for (const [why, present, expected, remedy] of [
  ['one default', [storageClass(), plain('slow')], [], ''],
  ['storage-class/no-default: none at all', [], ['error storage-class/no-default'], './taskw layer:apply'],
  [
    'storage-class/no-default: one that is none',
    [unwanted],
    ['error storage-class/no-default'],
    `kubectl patch storageclass local-path -p '{"metadata":{"annotations":{"${DEFAULT}":"true"}}}'`,
  ],
  [
    'storage-class/several-defaults: the one that does not win anyway gives way',
    [storageClass({ metadata: { name: 'newer', creationTimestamp: ago(MINUTE) } }), storageClass()],
    ['warning storage-class/several-defaults'],
    `kubectl patch storageclass local-path -p '{"metadata":{"annotations":{"${DEFAULT}":"false"}}}'`,
  ],
] as [string, StorageClass[], string[], string][]) {
  classes(why, () => {
    const found = volumeFindings([], present, [], NOW)
    assert.equal(inBrief(found), expected)
    assert.is(found[0]?.remedy ?? '', remedy)
  })
}
classes.run()
