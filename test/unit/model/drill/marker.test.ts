import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Found, isRecovered, judgeMarker, type Marker, volumeExpectation } from '../../../../lib/model/drill/marker.ts'

const claim = 'threads/postgres'
const options = (value: string) => ({ 'argocd.argoproj.io/sync-options': value })

const expectation = suite('volumeExpectation')
for (const [why, namespaceOfLayer, annotations, expected] of [
  ['nothing holds it', false, {}, 'lost'],
  ['not to be pruned is not enough', false, options('Prune=false'), 'lost'],
  ['not to be deleted', false, options('Delete=false'), 'kept'],
  ['one option among others', false, options('Prune=false, Delete=false'), 'kept'],
  ['only after a confirmation, which the drill does not give', false, options('Delete=confirm'), 'lost'],
  ['a layer takes its namespace along', true, options('Delete=false'), 'lost'],
] as const) {
  expectation(why, () => assert.is(volumeExpectation({ claim, namespaceOfLayer, annotations }).expected, expected))
}
expectation.run()

const marker = (expected: Marker['expected']): Marker => ({
  name: 'm',
  place: { kind: 'volume', claim, file: 'f' },
  value: 'aa',
  writtenAt: '2025-11-01T14:00:00Z',
  expected,
  because: 'so it is',
})
const present = (value: string): Found => ({ state: 'present', value })
const absent: Found = { state: 'absent' }
const unreadable: Found = { state: 'unreadable', why: 'no route' }

const judged = suite('judgeMarker')
for (const [why, expected, found, outcome, says] of [
  ['kept and there', 'kept', present('aa'), 'pass', 'intact'],
  ['kept and gone', 'kept', absent, 'fail', 'lost, but should'],
  ['kept and another', 'kept', present('ab'), 'fail', 'another value'],
  ['kept and empty', 'kept', present(''), 'fail', 'another value'],
  ['kept and unreadable', 'kept', unreadable, 'inconclusive', 'no route'],
  ['kept and never read', 'kept', undefined, 'inconclusive', 'not read'],
  ['lost as expected', 'lost', absent, 'pass', 'lost, as expected: so it is'],
  ['better than expected', 'lost', present('aa'), 'pass', 'intact'],
  ["somebody else's where a loss was expected", 'lost', present('ab'), 'fail', 'another value'],
  ['a loss that nobody looked at', 'lost', unreadable, 'inconclusive', 'no route'],
] as const) {
  judged(why, () => {
    const check = judgeMarker(marker(expected), found)
    assert.is(check.outcome, outcome)
    assert.match(check.says, says)
  })
}
judged('a copy is named', () =>
  assert.match(judgeMarker(marker('lost'), absent, '/b/x.tar').says, 'so it is; /b/x.tar on the VM is a copy'),
)
judged('only the value that was written counts as recovered', () =>
  assert.equal(
    [present('aa'), present('ab'), absent, unreadable, undefined].map(found => isRecovered(marker('kept'), found)),
    [true, false, false, false, false],
  ),
)
judged.run()
