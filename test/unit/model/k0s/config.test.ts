import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { clusterConfig, configChanges, storageType } from '../../../../lib/model/k0s/config.ts'

const input = { address: '10.142.0.2', vmName: 'threads-lab-vm', spec: {} }

const builds = suite('clusterConfig')
builds('spells out address, names and storage', () => {
  assert.equal(parse(clusterConfig(input)), {
    apiVersion: 'k0s.k0sproject.io/v1beta1',
    kind: 'ClusterConfig',
    metadata: { name: 'k0s' },
    spec: {
      api: {
        address: '10.142.0.2',
        port: 6443,
        sans: ['10.142.0.2', 'threads-lab-vm', '127.0.0.1', 'localhost', 'kubernetes'],
      },
      storage: { type: 'etcd' },
      telemetry: { enabled: false },
    },
  })
})
builds("the environment's spec is merged in and wins", () => {
  const spec = { telemetry: { enabled: true }, storage: { etcd: { extraArgs: { a: 'b' } } }, images: { repository: 'r' } }
  const { storage, telemetry, images } = parse(clusterConfig({ ...input, spec })).spec
  assert.equal(
    { storage, telemetry, images },
    {
      storage: { type: 'etcd', etcd: { extraArgs: { a: 'b' } } },
      telemetry: { enabled: true },
      images: { repository: 'r' },
    },
  )
})
builds('is read by k0s, as YAML 1.1, as it is meant', () => {
  const spec = parse(readFileSync(new URL('yaml-1.1.spec.yaml', import.meta.url), 'utf8'))
  assert.equal(parse(clusterConfig({ ...input, spec }), { version: '1.1' }).spec.network, spec.network)
})
builds('a member that every object has is a member', () => {
  const spec = JSON.parse('{"__proto__": {"a": 1}, "constructor": {"b": 2}}')
  assert.match(clusterConfig({ ...input, spec }), /__proto__:\n +a: 1\n +constructor:\n +b: 2/)
})
builds('its storage can be read back', () => {
  assert.is(storageType(clusterConfig(input)), 'etcd')
  assert.is(storageType('spec: {}'), undefined)
  assert.is(storageType('{'), undefined)
  assert.is(storageType('spec: a text'), undefined)
})
builds.run()

const compares = suite('configChanges')
for (const [why, current, wanted, expected] of [
  ['order and comments mean nothing', 'b: 1 # one\na: {d: 1, c: 2}', 'a:\n  c: 2\n  d: 1\nb: 1', []],
  ['order within a list of maps', 'a: [{x: 1, y: 2}]', 'a: [{y: 2, x: 1}]', []],
  ['another value', 'spec: {api: {port: 6443}}', 'spec: {api: {port: 7443}}', ['spec.api.port: 6443 → 7443']],
  ['another list', 'a: [1, 2]', 'a: [2, 1]', ['a: [1,2] → [2,1]']],
  ['a member more', 'a: 1', 'a: 1\nb: {c: 1}', ['b: add {"c":1}']],
  ['a member less', 'a: 1\nb: 2', 'a: 1', ['b: remove']],
  ['text for a number', 'a: "1"', 'a: 1', ['a: "1" → 1']],
  ['a switch that k0s reads as a boolean', 'a: Off', 'a: "Off"', ['a: false → "Off"']],
  ['an undefined alias', 'a: *b', 'a: 1', ['the file is not YAML: write it anew']],
  ['no YAML', 'a: [', 'a: 1', ['the file is not YAML: write it anew']],
  ['an empty file', '', 'a: 1', ['the file differs as a whole: write it anew']],
] as const) {
  compares(why, () => assert.equal(configChanges(current, wanted), expected))
}
compares.run()
