import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { planFacts } from '../../../../lib/model/layer/plan.ts'

const show = (more: object) => JSON.stringify({ format_version: '1.2', ...more })

const change = (more: object, resource: object = {}) => ({
  ...{ address: 'module.m.google_compute_disk.boot', mode: 'managed', type: 'google_compute_disk', name: 'boot' },
  ...resource,
  change: { actions: ['update'], before: null, after: null, before_sensitive: false, after_sensitive: false, ...more },
})
const resources = (...changes: object[]) => planFacts(show({ resource_changes: changes })).resources
const one = (more: object, resource: object = {}) => resources(change(more, resource))[0]

const facts = suite('planFacts: resources')

facts('a replacement says what it is, and why', () => {
  const found = one(
    {
      actions: ['delete', 'create'],
      before: { id: 'a', size: 10 },
      after: { size: 5 },
    },
    { action_reason: 'replace_because_cannot_update' },
  )
  assert.equal(found, {
    address: 'module.m.google_compute_disk.boot',
    type: 'google_compute_disk',
    name: 'boot',
    mode: 'managed',
    actions: ['delete', 'create'],
    before: { id: 'a', size: 10 },
    after: { size: 5 },
    reason: 'replace_because_cannot_update',
  })
})
facts('data sources are not resources', () => assert.equal(resources(change({}, { mode: 'data' })), []))
facts('a plan without changes has none', () => assert.equal(planFacts(show({})).resources, []))
facts('what stays as it is has no place in it', () => assert.equal(resources(change({ actions: ['no-op'] })), []))
facts('a moved one says from where', () =>
  assert.is(
    one({ actions: ['no-op'] }, { previous_address: 'google_compute_disk.boot' })?.previousAddress,
    'google_compute_disk.boot',
  ),
)
facts('an imported one says by which id', () =>
  assert.equal(one({ actions: ['no-op'], importing: { id: 'projects/p', identity: {} } })?.importing, { id: 'projects/p' }),
)
facts('one that a replacement left behind is told from its successor', () =>
  assert.is(one({ actions: ['delete'] }, { deposed: '00000001' })?.deposed, '00000001'),
)
for (const [what, values, marks, expected] of [
  ['an attribute', { a: 'x', b: 1 }, { a: true }, { a: '(sensitive value)', b: 1 }],
  ['one below', { a: [{ b: 'x', c: 1 }] }, { a: [{ b: true }] }, { a: [{ b: '(sensitive value)', c: 1 }] }],
  ['all of a map', { a: { b: 'x' } }, { a: true }, { a: '(sensitive value)' }],
  ['nothing where there is nothing', { a: null }, { a: true }, { a: null }],
  ['what only the apply will know has a mark and no value', { a: 'x' }, { b: { c: true } }, { a: 'x' }],
  ['none', { a: 'x' }, false, { a: 'x' }],
] as const) {
  facts(`sensitive values are masked: ${what}`, () => {
    const found = one({ before: values, before_sensitive: marks, after: values, after_sensitive: marks })
    assert.equal([found?.before, found?.after], [expected, expected])
  })
}
facts('a foreign format is refused', () => assert.throws(() => planFacts('{"format_version":"2.0"}'), /format 2\.0/))
facts.run()

const variables = suite('planFacts: variables')
variables('are those that were given or have a default, without sensitive ones', () => {
  const { variables: found } = planFacts(
    show({
      variables: { zone: { value: 'a' }, none: { value: null }, token: { value: 'secret' } },
      configuration: { root_module: { variables: { zone: {}, none: {}, token: { sensitive: true } } } },
    }),
  )
  assert.equal(found, { zone: 'a', none: null })
})
variables.run()

const remote = (values: object) => ({ mode: 'data', type: 'terraform_remote_state', name: 'r', values })
const gcs = (prefix: string, more: object = {}) => remote({ backend: 'gcs', config: { bucket: 'b', prefix }, ...more })
const prior = (root_module: object) => planFacts(show({ prior_state: { values: { root_module } } })).reads

const reads = suite('planFacts: reads')
for (const [what, found, expected] of [
  ['one', prior({ resources: [gcs('00-vpc/state')] }), ['00-vpc/state']],
  ['one at the root of its bucket', prior({ resources: [remote({ backend: 'gcs', config: { bucket: 'b' } })] }), ['']],
  ['one of a module', prior({ child_modules: [{ child_modules: [{ resources: [gcs('a')] }] }] }), ['a']],
  ['the same one twice', prior({ resources: [gcs('a')], child_modules: [{ resources: [gcs('a')] }] }), ['a']],
  ['another backend', prior({ resources: [remote({ backend: 'local', config: { path: 'x' } })] }), []],
  ['another workspace', prior({ resources: [gcs('a', { workspace: 'side' })] }), []],
  ['another data source', prior({ resources: [{ ...gcs('a'), type: 'google_project' }] }), []],
  [
    'one that only the apply will read',
    planFacts(
      show({
        resource_changes: [
          {
            ...{ address: 'data.x', mode: 'data', type: 'terraform_remote_state', name: 'x' },
            change: { actions: ['read'], before: null, after: { backend: 'gcs', config: { bucket: 'b', prefix: 'a' } } },
          },
        ],
      }),
    ).reads,
    ['a'],
  ],
] as const) {
  reads(what, () =>
    assert.equal(
      found,
      expected.map(prefix => (prefix ? `b/${prefix}/default.tfstate` : 'b/default.tfstate')),
    ),
  )
}
reads.run()
