import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { applicationFindings } from '../../../../lib/model/health/application.ts'
import type { Application } from '../../../../lib/model/health/objects.ts'
import { ago, application, type Change, HOUR, inBrief, MINUTE, NOW, SECOND } from '../../support/kubernetes.ts'

const findings = (change: Change<Application>) => applicationFindings([application(change)], NOW)

const outOfSync = (phase: string, revision: string, finished = ago(HOUR)): Change<Application> => ({
  status: {
    sync: { status: 'OutOfSync', revision: 'abc' },
    operationState: { phase, finishedAt: finished, syncResult: { revision } },
    resources: [
      { kind: 'Deployment', name: 'nextjs', status: 'OutOfSync' },
      { kind: 'Service', name: 'nextjs', status: 'Synced' },
    ],
  },
})
const health = (status: string | undefined, message?: string): Change<Application> => ({
  status: {
    health: { status, message },
    resources: [{ kind: 'Deployment', name: 'nextjs', status: 'Synced', health: { status, message } }],
  },
})
const operation = (phase: string, more: { message?: string; retryCount?: number } = {}): Change<Application> => ({
  status: { operationState: { phase, finishedAt: ago(MINUTE), syncResult: { revision: 'abc' }, ...more } },
})
const condition = (type: string, message?: string): Change<Application> => ({ status: { conditions: [{ type, message }] } })

const rules = suite('applicationFindings')
for (const [why, change, expected] of [
  ['Synced, Healthy, Succeeded', {}, []],
  ['Synced, Healthy, and never had to be synced', { status: { operationState: undefined } }, []],

  [
    'application/terminating: just now',
    { metadata: { deletionTimestamp: ago(MINUTE) } },
    ['warning application/terminating, heals'],
  ],
  [
    'application/terminating: its finalizer is not served',
    { metadata: { deletionTimestamp: ago(5 * MINUTE) } },
    ['error application/terminating'],
  ],
  [
    'application/terminating: whatever else it is',
    { metadata: { deletionTimestamp: ago(MINUTE) }, ...health('Degraded') },
    ['warning application/terminating, heals'],
  ],

  [
    'application/unreconciled: just made',
    { metadata: { creationTimestamp: ago(MINUTE) }, status: { sync: undefined } },
    ['warning application/unreconciled, heals'],
  ],
  ['application/unreconciled: for good', { status: { sync: { status: '' } } }, ['error application/unreconciled']],

  [
    'application/condition: ComparisonError',
    condition('ComparisonError', 'repository not accessible'),
    ['error application/condition'],
  ],
  ['application/condition: SyncError', condition('SyncError'), ['error application/condition']],
  ['application/condition: InvalidSpecError', condition('InvalidSpecError'), ['error application/condition']],
  ['a warning', condition('OrphanedResourceWarning', '3 orphaned resources'), []],

  ['application/operation: running', operation('Running'), ['warning application/operation, heals']],
  ['application/operation: terminating', operation('Terminating'), ['warning application/operation, heals']],
  ['application/operation: failed', operation('Failed'), ['error application/operation']],
  ['application/operation: error', operation('Error'), ['error application/operation']],

  ['application/sync: unknown', { status: { sync: { status: 'Unknown' } } }, ['error application/sync']],
  ['application/sync: a new revision to be synced', outOfSync('Succeeded', 'earlier'), ['warning application/sync, heals']],
  [
    'application/sync: of this revision, the sync has just ended',
    outOfSync('Succeeded', 'abc', ago(MINUTE)),
    ['warning application/sync, heals'],
  ],
  [
    'application/sync: this revision was synced, and it did not help',
    outOfSync('Succeeded', 'abc'),
    ['error application/sync'],
  ],
  [
    'application/sync: nothing syncs it by itself',
    { ...outOfSync('Succeeded', 'earlier'), spec: { syncPolicy: {} } },
    ['error application/sync'],
  ],
  [
    'application/sync: syncing by itself is turned off',
    { ...outOfSync('Succeeded', 'earlier'), spec: { syncPolicy: { automated: { enabled: false } } } },
    ['error application/sync'],
  ],

  ['application/health: Progressing', health('Progressing'), ['warning application/health, heals']],
  ['application/health: Missing', health('Missing'), ['warning application/health, heals']],
  ['application/health: Degraded', health('Degraded'), ['error application/health']],
  ['application/health: Suspended is not Healthy', health('Suspended'), ['error application/health']],
  ['application/health: Unknown', health('Unknown'), ['error application/health']],
  ['application/health: it says none', health(undefined), ['error application/health']],

  ['looked at in time', { status: { reconciledAt: ago(15 * MINUTE - SECOND) } }, []],
  ['application/stale', { status: { reconciledAt: ago(15 * MINUTE) } }, ['warning application/stale']],

  [
    'each trouble by itself',
    { status: { ...outOfSync('Failed', 'abc').status, ...condition('SyncError').status, health: { status: 'Degraded' } } },
    [
      'error application/condition',
      'error application/operation',
      'warning application/sync, heals',
      'error application/health',
    ],
  ],
] as [string, Change<Application>, string[]][]) {
  rules(why, () => assert.equal(inBrief(findings(change)), expected))
}
const SEVERAL = readFileSync(new URL('several-sources.json', import.meta.url), 'utf8')
for (const [why, from, to, expected] of [
  ['these revisions were synced', '', '', 'error application/sync'],
  ['another revision of one source', '["15.7.1", "0f1e2d3c"] },', '["15.7.1", "aaaa"] },', 'warning application/sync, heals'],
  ['one source more', '["15.7.1", "0f1e2d3c"] },', '["15.7.1", "0f1e2d3c", "b"] },', 'warning application/sync, heals'],
  ['no revision at all', '"revisions"', '"none"', 'warning application/sync, heals'],
] as const) {
  rules(`application/sync: several sources, ${why}`, () => {
    const text = from === '"revisions"' ? SEVERAL.replaceAll(from, to) : SEVERAL.replace(from, to)
    assert.equal(inBrief(applicationFindings([JSON.parse(text)], new Date('2026-01-01T12:00:00Z'))), [expected])
  })
}
rules.run()

const refresh = (how: string) => `kubectl -n argocd annotate application threads argocd.argoproj.io/refresh=${how} --overwrite`
const SYNC = `kubectl -n argocd patch application threads --type merge -p '{"operation":{"sync":{}}}'`
const messages = suite('what an Application finding says')
for (const [why, change, message, remedy] of [
  [
    'a condition',
    condition('ComparisonError', 'repository not accessible'),
    'ComparisonError: repository not accessible',
    refresh('hard'),
  ],
  ['a condition with an empty message', condition('ComparisonError', ''), 'ComparisonError', refresh('hard')],
  [
    'a failed sync',
    operation('Failed', { message: 'one or more objects failed to apply', retryCount: 5 }),
    'the last sync ended as Failed, retry 5: one or more objects failed to apply',
    SYNC,
  ],
  [
    'a failed sync with an empty message',
    operation('Error', { message: '' }),
    'the last sync ended as Error: without a message',
    SYNC,
  ],
  [
    'a running sync',
    operation('Running', { message: 'waiting for nextjs', retryCount: 1 }),
    'sync running, retry 1: waiting for nextjs',
    undefined,
  ],
  ['a running sync with an empty message', operation('Running'), 'sync running', undefined],
  [
    'what is out of sync',
    outOfSync('Succeeded', 'abc'),
    'OutOfSync although this revision was synced: Deployment/nextjs',
    SYNC,
  ],
  [
    'what is out of sync, when Argo CD does not say',
    { status: { ...outOfSync('Succeeded', 'x').status, resources: [] } },
    'OutOfSync, about to be synced',
    SYNC,
  ],
  [
    'what is ill',
    health('Degraded', 'crashing'),
    'Degraded: crashing: Deployment/nextjs Degraded (crashing)',
    refresh('normal'),
  ],
  [
    'for how long nobody looked',
    { status: { reconciledAt: ago(HOUR) } },
    'Argo CD last reconciled it 60 min ago: its status may be out of date',
    refresh('normal'),
  ],
] as [string, Change<Application>, string, string | undefined][]) {
  messages(why, () => {
    const [found] = findings(change)
    assert.equal([found?.object, found?.message, found?.remedy], ['argocd/Application/threads', message, remedy])
  })
}
messages.run()
