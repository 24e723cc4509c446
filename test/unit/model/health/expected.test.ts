import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { expectationFindings } from '../../../../lib/model/health/expected.ts'
import type { Expectations, Inventory } from '../../../../lib/model/health/inventory.ts'
import { ago, claim, container, inBrief, inventory, pod, ready } from '../../support/kubernetes.ts'

const NOTHING: Expectations = { namespaces: {}, applications: [], volumes: [] }
const findings = (expectations: Partial<Expectations>, change: Partial<Inventory> = {}) =>
  expectationFindings(inventory(change), { ...NOTHING, ...expectations })

const REPOSITORY = 'us-east1-docker.pkg.dev/web-service-design/threads/nextjs'
const running = (image: string, imageID = '') =>
  pod({
    spec: { containers: [{ name: 'nextjs', image }] },
    status: { containerStatuses: [container({ image: 'another-tag-of-it', imageID })] },
  })
const wants = (image: string): Partial<Expectations> => ({ images: [{ namespace: 'threads', image }] })

const rules = suite('expectationFindings')
for (const [why, expectations, change, expected] of [
  ['nothing is expected', {}, {}, []],
  ['as many pods as expected', { namespaces: { threads: { pods: 1 } } }, {}, []],
  ['no pod is expected', { namespaces: { threads: { pods: 0 } } }, { pods: [] }, []],
  ['expected/namespace', { namespaces: { gone: { pods: 0 } } }, {}, ['error expected/namespace']],
  ['expected/pods: one too few', { namespaces: { threads: { pods: 2 } } }, {}, ['warning expected/pods, heals']],
  [
    'expected/pods: one is not ready',
    { namespaces: { threads: { pods: 1 } } },
    { pods: [pod({ status: { conditions: ready('False') } })] },
    ['warning expected/pods, heals'],
  ],
  [
    'expected/pods: one is going',
    { namespaces: { threads: { pods: 1 } } },
    { pods: [pod({ metadata: { deletionTimestamp: ago(0) } })] },
    ['warning expected/pods, heals'],
  ],
  [
    'expected/pods: those of another namespace',
    { namespaces: { threads: { pods: 1 } } },
    { pods: [pod({ metadata: { namespace: 'other' } })] },
    ['warning expected/pods, heals'],
  ],

  ['an Application that is there', { applications: ['argocd/threads'] }, {}, []],
  ['expected/application', { applications: ['argocd/threads'] }, { applications: [] }, ['warning expected/application, heals']],
  [
    'expected/application: its name in another namespace',
    { applications: ['threads/threads'] },
    {},
    ['warning expected/application, heals'],
  ],

  ['a volume that is bound', { volumes: ['threads/postgres'] }, {}, []],
  ['expected/volume: not there', { volumes: ['threads/postgres'] }, { volumeClaims: [] }, ['warning expected/volume, heals']],
  [
    'expected/volume: not bound',
    { volumes: ['threads/postgres'] },
    { volumeClaims: [claim({ status: { phase: 'Pending' } })] },
    ['warning expected/volume, heals'],
  ],

  ['the image that runs', wants(`${REPOSITORY}:v2`), { pods: [running(`${REPOSITORY}:v2`)] }, []],
  [
    'the digest that runs, under a tag',
    wants(`${REPOSITORY}@sha256:aa`),
    { pods: [running(`${REPOSITORY}:v2`, `${REPOSITORY}@sha256:aa`)] },
    [],
  ],
  [
    'the image of another repository',
    wants(`${REPOSITORY}:v2`),
    { pods: [running(`${REPOSITORY}:v2`), running('postgres:16')] },
    [],
  ],
  [
    'expected/image: another tag',
    wants(`${REPOSITORY}:v2`),
    { pods: [running(`${REPOSITORY}:v1`)] },
    ['warning expected/image, heals'],
  ],
  [
    'expected/image: another digest',
    wants(`${REPOSITORY}@sha256:aa`),
    { pods: [running(`${REPOSITORY}:v2`, `${REPOSITORY}@sha256:bb`)] },
    ['warning expected/image, heals'],
  ],
  [
    'expected/image: one pod of two',
    wants(`${REPOSITORY}:v2`),
    { pods: [running(`${REPOSITORY}:v1`), running(`${REPOSITORY}:v2`)] },
    ['warning expected/image, heals'],
  ],
  [
    'expected/image: nobody runs it',
    wants(`${REPOSITORY}:v2`),
    { pods: [running('postgres:16')] },
    ['warning expected/image, heals'],
  ],
  [
    'expected/image: the one that runs it is going',
    wants(`${REPOSITORY}:v2`),
    { pods: [{ ...running(`${REPOSITORY}:v2`), metadata: { ...pod().metadata, deletionTimestamp: ago(0) } }] },
    ['warning expected/image, heals'],
  ],
  [
    'a registry with a port',
    wants('127.0.0.1:5000/threads/nextjs:v2'),
    { pods: [running('127.0.0.1:5000/threads/nextjs:v2')] },
    [],
  ],
  [
    'expected/image: a port is no tag',
    wants('127.0.0.1:5000/threads/nextjs:v2'),
    { pods: [running('127.0.0.1:5000/threads/nextjs')] },
    ['warning expected/image, heals'],
  ],
] as [string, Partial<Expectations>, Partial<Inventory>, string[]][]) {
  rules(why, () => assert.equal(inBrief(findings(expectations, change)), expected))
}
for (const [why, expectations, change, object, message] of [
  [
    'how many pods are ready',
    { namespaces: { threads: { pods: 3 } } },
    {},
    'Namespace/threads',
    '1 of at least 3 pods are ready',
  ],
  [
    'which volume is not bound',
    { volumes: ['threads/postgres'] },
    { volumeClaims: [claim({ status: { phase: 'Pending' } })] },
    'threads/PersistentVolumeClaim/postgres',
    'is Pending, not Bound',
  ],
  [
    'which image runs instead',
    wants(`${REPOSITORY}:v2`),
    { pods: [running(`${REPOSITORY}:v1`)] },
    'threads/Pod/nextjs-5d8f-x',
    `runs ${REPOSITORY}:v1 instead of ${REPOSITORY}:v2`,
  ],
] as [string, Partial<Expectations>, Partial<Inventory>, string, string][]) {
  rules(`what it says: ${why}`, () => {
    const [found] = findings(expectations, change)
    assert.equal([found?.object, found?.message], [object, message])
    assert.ok(found?.remedy)
  })
}
rules.run()
