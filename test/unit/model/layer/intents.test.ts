import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Intent, intentsOf, isOurs, type StateRecord } from '../../../../lib/model/layer/intents.ts'
import { planned } from './fixture.ts'

const address = 'module.n.google_compute_network.vpc'

const intended = suite('intentsOf')
intended('creations and replacements, and nothing else', () => {
  const at = '2025-12-01T12:00:00Z'
  const values = { name: 'n' }
  const found = intentsOf(
    '00-vpc',
    [
      planned('a_b.new', ['create'], values),
      planned('a_b.replaced', ['delete', 'create'], values),
      planned('a_b.kept', ['no-op'], values),
      planned('a_b.gone', ['delete'], values),
      planned('a_b.imported', ['create'], values, { importing: { id: 'x' } }),
      planned('a_b.unknown', ['create']),
    ],
    { run: 'r1', at },
  )
  assert.equal(
    found.map(({ address, name }) => [address, name]),
    [
      ['a_b.new', 'n'],
      ['a_b.replaced', 'n'],
      ['a_b.unknown', ''],
    ],
  )
  assert.equal(found[0], { layer: '00-vpc', address: 'a_b.new', type: 'a_b', name: 'n', run: 'r1', at })
})
intended.run()

const intent = (rest: Partial<Intent> = {}): Intent => ({
  layer: '00-vpc',
  address,
  type: 'google_compute_network',
  name: 'n',
  run: 'r1',
  at: '2025-12-01T10:00:00.000Z',
  ...rest,
})
const record = (rest: Partial<StateRecord> = {}): StateRecord => ({
  layer: '00-vpc',
  run: 'r2',
  at: '2025-12-01T11:00:00.000Z',
  objects: [],
  ...rest,
})
const found = { layer: '00-vpc', address, name: 'n' }
const began = '2025-12-01T12:00:00.000Z'

const ours = suite('isOurs')
for (const [why, object, intents, records, expected] of [
  ['a killed run had begun it', found, [intent()], [], true],
  ['nobody had', found, [], [], false],
  ['in another layer', found, [intent({ layer: '01-k8s' })], [], false],
  ['under another address', found, [intent({ address: 'a_b.c' })], [], false],
  ['under another name', found, [intent({ name: 'm' })], [], false],
  ['this process itself intends it', found, [intent({ at: began })], [], false],
  ['this process and a killed one', found, [intent({ at: began }), intent()], [], true],
  ['its name is not known', { ...found, name: '' }, [intent({ name: '' })], [], false],
  ['that run came to its end without it', found, [intent()], [record({ run: 'r1' })], false],
  ['that run came to its end with it', found, [intent()], [record({ run: 'r1', objects: [{ address, name: 'n' }] })], false],
  ['that run recorded another layer', found, [intent()], [record({ run: 'r1', layer: '01-k8s' })], true],
  ['that run recorded before it began this', found, [intent()], [record({ run: 'r1', at: '2025-12-01T09:00:00.000Z' })], true],
  ['a later run finished it', found, [intent()], [record({ objects: [{ address, name: 'n' }] })], false],
  [
    'a later run finished it and another destroyed it',
    found,
    [intent()],
    [record({ objects: [{ address, name: 'n' }] }), record({ run: 'r3', at: '2025-12-01T11:30:00.000Z' })],
    false,
  ],
  [
    'a later run ended with what this one was to replace',
    found,
    [intent()],
    [record({ objects: [{ address, name: 'before' }] })],
    true,
  ],
  ['a later run ended without it', found, [intent()], [record({ objects: [{ address: 'a_b.c', name: 'n' }] })], true],
  [
    'an earlier record had it: it was being replaced',
    found,
    [intent()],
    [record({ at: '2025-12-01T09:00:00.000Z', objects: [{ address, name: 'n' }] })],
    true,
  ],
  [
    'a record of the same instant',
    found,
    [intent()],
    [record({ at: '2025-12-01T10:00:00.000Z', objects: [{ address, name: 'n' }] })],
    false,
  ],
  ['another layer has that address', found, [intent()], [record({ layer: '01-k8s', objects: [{ address, name: 'n' }] })], true],
  [
    'begun anew after it had gone',
    found,
    [intent({ at: '2025-12-01T08:00:00.000Z' }), intent({ run: 'r3' })],
    [record({ at: '2025-12-01T09:00:00.000Z', objects: [{ address, name: 'n' }] })],
    true,
  ],
  [
    'times in another form',
    found,
    [intent({ at: '2025-12-01T10:00:00Z' })],
    [record({ at: '2025-12-01T10:30:00+01:00', objects: [{ address, name: 'n' }] })],
    true,
  ],
] as const) {
  ours(why, () =>
    assert.is(
      isOurs(object, { intents: intents as readonly Intent[], records: records as readonly StateRecord[], began }),
      expected,
    ),
  )
}
ours.run()
