import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assess } from '../../../../lib/model/health/assess.ts'
import type { Expectations, Inventory } from '../../../../lib/model/health/inventory.ts'
import { root } from '../../../../lib/runtime/files.ts'
import {
  ago,
  application,
  claim,
  container,
  deployment,
  endpointSlice,
  HOUR,
  inBrief,
  inventory,
  job,
  NOW,
  namespace,
  node,
  pod,
  ready,
  SECOND,
  stalePod,
} from '../../support/kubernetes.ts'

const EXPECTED: Expectations = {
  namespaces: { threads: { pods: 1 } },
  applications: ['argocd/threads'],
  volumes: ['threads/postgres'],
}
const found = (change: Partial<Inventory>) => inBrief(assess(inventory(change), EXPECTED, NOW))

const all = suite('assess')
all('a system that is as it should be', () => assert.equal(found({}), []))
for (const [rule, change] of [
  ['warning node/cordoned', { nodes: [node({ spec: { unschedulable: true } })] }],
  ['warning namespace/terminating', { namespaces: [namespace({ metadata: { deletionTimestamp: ago(SECOND) } })] }],
  ['info pod/leftover', { pods: [pod(), pod({ status: { phase: 'Failed' } })] }],
  ['warning rollout/paused', { deployments: [deployment({ spec: { paused: true } })] }],
  ['error job/failed', { jobs: [job({ status: { conditions: [{ type: 'Failed', status: 'True' }] } })] }],
  ['error ownership/unowned', { pods: [pod(), stalePod({ ownerReferences: [] })] }],
  ['error storage-class/no-default', { storageClasses: [] }],
  [
    'warning service/no-endpoints, heals',
    { endpointSlices: [endpointSlice({ endpoints: [] })], pods: [pod({ status: { conditions: ready('True', ago(SECOND)) } })] },
  ],
  ['error application/health', { applications: [application({ status: { health: { status: 'Degraded' } } })] }],
  ['warning expected/volume, heals', { volumeClaims: [] }],
] as [string, Partial<Inventory>][]) {
  all(`each part is asked: ${rule}`, () => assert.equal(found(change), [rule]))
}
all('worst first', () =>
  assert.equal(
    found({
      nodes: [node({ spec: { unschedulable: true } })],
      pods: [pod(), pod({ metadata: { name: 'left' }, status: { phase: 'Failed' } })],
      volumeClaims: [claim({ metadata: { creationTimestamp: ago(HOUR) }, status: { phase: 'Lost' } })],
    }),
    ['error volume/lost', 'warning node/cordoned', 'warning expected/volume, heals', 'info pod/leftover'],
  ),
)
all('objects of which nothing but their names is known yet', () => {
  const bare = [{ metadata: { name: 'new', namespace: 'threads', uid: 'uid-new', creationTimestamp: ago(SECOND) } }]
  const kinds = Object.keys(inventory()).map(kind => [kind, bare])
  const rules = inBrief(assess(Object.fromEntries(kinds), { namespaces: {}, applications: [], volumes: [] }, NOW))
  assert.equal(
    rules.filter(rule => rule.startsWith('error')),
    // Neither is a matter of time.
    ['error storage-class/no-default', 'error volume/class-missing'],
  )
})
all('the node says which architecture the image should have had', () => {
  const wrong = container({
    ready: false,
    state: { waiting: { reason: 'ErrImagePull', message: 'no match for platform in manifest' } },
  })
  const [first] = assess(
    inventory({ pods: [pod({ status: { conditions: ready('False'), containerStatuses: [wrong] } })] }),
    EXPECTED,
    NOW,
  )
  assert.equal([first?.rule, first?.object], ['pod/architecture', 'threads/Pod/nextjs-5d8f-x'])
  assert.match(first?.message ?? '', 'linux/amd64')
})
all.run()

/** Every rule that the sources can report is seen to fire: some fixture is named after it, or expects it. */
const fixtures = suite('every rule has its fixture')
const sources = join(root, 'lib/model/health')
const tests = readdirSync(import.meta.dirname)
  .map(name => readFileSync(join(import.meta.dirname, name), 'utf8'))
  .join('\n')
const rules = readdirSync(sources)
  .flatMap(name => [
    ...readFileSync(join(sources, name), 'utf8').matchAll(
      /\b(?:broken|underway|doubtful|noted|level)\(\s*'([^']+)'|\brule: '([^']+)'/g,
    ),
  ])
  .map(([, called, stated]) => called ?? stated ?? '')
fixtures('they are found in the sources', () => assert.ok(rules.length > 30, `${rules.length} rules`))
for (const rule of new Set(rules)) {
  fixtures(rule, () => assert.match(tests, new RegExp(`'(error|warning|info) ${rule}[,']`)))
}
const manual = readFileSync(join(root, 'docs/verify.md'), 'utf8')
for (const rule of new Set(rules)) fixtures(`${rule} is in docs/verify.md`, () => assert.match(manual, `\`${rule}\``))
fixtures.run()
