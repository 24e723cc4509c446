import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { needed, type Schema } from '../../../lib/google/compute-schema.ts'

const PATH = ['google', 'cloud', 'compute', 'v1']
const partOf = (schema: Schema): Record<string, Schema> =>
  PATH.reduce<Schema | undefined>((part, name) => part?.nested?.[name], schema)?.nested ?? {}
const inCompute = (nested: Record<string, Schema>): Schema => {
  const v1 = { options: { a: 1 }, nested }
  const cloud = { nested: { compute: { nested: { v1, v1beta: { nested } } } } }
  return { nested: { google: { nested: { api: { nested: {} }, cloud } } } }
}
const message = (...types: string[]) => ({ fields: Object.fromEntries(types.map((type, id) => [`f${id}`, { type, id }])) })

const small = inCompute({
  Pets: {
    methods: { Get: { requestType: 'GetPet', responseType: 'Pet' }, List: { requestType: 'ListPets', responseType: 'Pets' } },
  },
  Cars: { methods: { Get: { requestType: 'GetCar', responseType: 'Car' } } },
  GetPet: message('string'),
  Pet: message('Owner', '.google.cloud.compute.v1.Food', 'Collar.Colour', 'google.protobuf.Any'),
  Owner: { fields: { pets: { keyType: 'string', type: 'Pet', id: 1 } } },
  Food: message(),
  Collar: { nested: { Colour: { values: { RED: 1 } }, Buckle: message('Metal') } },
  Metal: message(),
  ListPets: message(),
  GetCar: message(),
  Car: message(),
})

const table = suite('the part of a schema that calls need')
for (const [what, calls, kept] of [
  ['nothing', {}, []],
  ['one method', { Cars: ['Get'] }, ['Cars', 'Car', 'GetCar']],
  [
    'maps, circles, full names, and what is inside a message',
    { Pets: ['Get'] },
    ['Pets', 'GetPet', 'Pet', 'Owner', 'Food', 'Collar', 'Metal'],
  ],
] as const) {
  table(what, () => assert.equal(Object.keys(partOf(needed(small, calls))).sort(), [...kept].sort()))
}
table('only the methods that are called', () =>
  assert.equal(Object.keys(partOf(needed(small, { Pets: ['Get'] })).Pets?.methods ?? {}), ['Get']),
)
table('no other version', () => {
  const compute = needed(small, {}).nested?.google?.nested?.cloud?.nested?.compute
  assert.equal(Object.keys(compute?.nested ?? {}), ['v1'])
})
table('what is beside stays as it is', () => {
  const { google } = needed(small, {}).nested ?? {}
  assert.equal(google?.nested?.api, { nested: {} })
  assert.equal(google?.nested?.cloud?.nested?.compute?.nested?.v1?.options, { a: 1 })
})
table('a method that Google does not have is an error, rather than one that is only missed when it is called', () =>
  assert.throws(() => needed(small, { Pets: ['Feed'] }), 'Compute Engine has no Pets.Feed'),
)
table("Google's own", async () => {
  const path = createRequire(import.meta.url).resolve('@google-cloud/compute/build/protos/protos.json')
  const part = partOf(needed(JSON.parse(await readFile(path, 'utf8')), { Instances: ['Get'] }))
  assert.ok(part.Instance && part.Metadata && part.Items && part.AttachedDisk)
  assert.not(part.Firewall)
})
table.run()
