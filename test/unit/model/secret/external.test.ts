import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  chosenSecrets,
  type ExternalSecret,
  isMadeOnce,
  targetOf,
  unsynced,
  versionOf,
} from '../../../../lib/model/secret/external.ts'

const secret = (
  name: string,
  change: Partial<ExternalSecret> & { namespace?: string; deletionTimestamp?: string } = {},
): ExternalSecret => {
  const { namespace = 'threads', deletionTimestamp, ...rest } = change
  return { metadata: { name, namespace, uid: name, ...(deletionTimestamp && { deletionTimestamp }) }, ...rest }
}
const status = (refreshTime: string | null, ready: string | undefined, message = ''): ExternalSecret['status'] => ({
  refreshTime,
  ...(ready !== undefined && { conditions: [{ type: 'Ready', status: ready, message }] }),
})

const versions = suite('versionOf')
for (const [served, expected] of [
  [['v1', 'v1beta1'], 'v1'],
  [['v1beta1', 'v1alpha1'], 'v1beta1'],
  [['v1beta1', 'v1'], 'v1'],
  [['v1alpha1'], undefined],
  [[], undefined],
] as const) {
  versions(served.join(', ') || 'none', () => assert.is(versionOf(served), expected))
}
versions.run()

const choice = suite('chosenSecrets')
const all = [
  secret('nextauth'),
  secret('postgres'),
  secret('postgres', { namespace: 'staging' }),
  secret('going', { deletionTimestamp: 'x' }),
]
for (const [names, chosen, unknown] of [
  [[], ['threads/nextauth', 'threads/postgres', 'staging/postgres'], []],
  [['postgres'], ['threads/postgres', 'staging/postgres'], []],
  [['threads/postgres', 'postgre'], ['threads/postgres'], ['postgre']],
  [['going'], [], ['going']],
] as const) {
  choice(names.join(' ') || 'all', () => {
    const found = chosenSecrets(all, names)
    assert.equal(
      found.chosen.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
      [...chosen],
    )
    assert.equal(found.unknown, [...unknown])
  })
}
choice('the Secret that it makes', () => {
  assert.is(targetOf(secret('a')), 'a')
  assert.is(targetOf(secret('a', { spec: { target: { name: 'b' } } })), 'b')
})
choice('one that is made once', () => {
  assert.is(isMadeOnce(secret('a', { spec: { refreshPolicy: 'CreatedOnce' } })), true)
  assert.is(isMadeOnce(secret('a', { spec: { refreshPolicy: 'OnChange' } })), false)
})
choice.run()

const syncs = suite('unsynced')
for (const [why, before, now, expected] of [
  ['refreshed and ready', status('10:00', 'True'), status('10:01', 'True'), undefined],
  ['for the first time', undefined, status('10:01', 'True'), undefined],
  ['the time has not moved', status('10:00', 'True'), status('10:00', 'True'), 'not refreshed yet'],
  ['without a time', undefined, status(null, 'True'), 'not refreshed yet'],
  ['moved, but not ready', status('10:00', 'True'), status('10:01', 'False', 'no such key'), 'not ready: no such key'],
  ['its operator says nothing', undefined, undefined, 'its operator has not seen it yet'],
  ['it was not ready and is', status('10:00', 'False'), status('10:01', 'True'), undefined],
] as const) {
  const of = (given: ExternalSecret['status']) => secret('a', given ? { status: given } : {})
  syncs(why, () => assert.is(unsynced(of(before), of(now)), expected))
}
syncs.run()
