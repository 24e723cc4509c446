import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { undoesOnlyExpiringKeys } from '../../../../lib/model/layer/expiring-keys.ts'
import type { PlannedResource, Values } from '../../../../lib/model/layer/planned.ts'

const BRIEF = 'tpo:ssh-rsa AAAA google-ssh {"userName":"tpo","expireOn":"2026-11-30T04:00:00+0000"}'
const LASTING = 'tpo:ssh-rsa AAAA me@laptop'
const OTHER = { 'startup-script': 'k0s start' }

const instance = (before: Values, after: Values, more: Partial<PlannedResource> = {}): PlannedResource => ({
  address: 'module.vpc.module.compute.google_compute_instance.vm',
  type: 'google_compute_instance',
  name: 'vm',
  mode: 'managed',
  actions: ['update'],
  before: { machine_type: 'e2-standard-2', metadata: before, metadata_fingerprint: 'abc=' },
  after: { machine_type: 'e2-standard-2', metadata: after },
  ...more,
})
const brief = instance({ ...OTHER, 'ssh-keys': BRIEF }, OTHER)

const undoes = suite('a plan that undoes nothing but keys that expire')
for (const [what, resources, does] of [
  ['a key', [brief], true],
  ['a key beside those of the tree', [instance({ 'ssh-keys': `${LASTING}\n${BRIEF}` }, { 'ssh-keys': `${LASTING}\n` })], true],
  ['of two VMs', [brief, { ...brief, address: 'google_compute_instance.other' }], true],
  ['no metadata but keys', [instance({ 'ssh-keys': BRIEF }, null as never)], true],
  ['nothing at all', [], false],
  ['a key for good', [instance({ 'ssh-keys': LASTING }, {})], false],
  ['a key for good, too', [instance({ 'ssh-keys': `${BRIEF}\n${LASTING}` }, {})], false],
  ['a key of the tree is added, too', [instance({ 'ssh-keys': BRIEF }, { 'ssh-keys': LASTING })], false],
  ['other metadata, too', [instance({ ...OTHER, 'ssh-keys': BRIEF }, {})], false],
  ['other metadata alone', [instance(OTHER, {})], false],
  ['another setting, too', [{ ...brief, after: { machine_type: 'e2-small', metadata: OTHER } }], false],
  ['a setting that is known only afterwards', [{ ...brief, after: { metadata: OTHER } }], false],
  ['another resource, too', [brief, { ...brief, type: 'google_compute_disk' }], false],
  ['a replacement', [{ ...brief, actions: ['delete', 'create'] }], false],
  ['a deletion', [{ ...brief, actions: ['delete'], after: null }], false],
  ['a move', [{ ...brief, previousAddress: 'google_compute_instance.old' }], false],
  ['an import', [{ ...brief, importing: { id: 'vm' } }], false],
] as [string, PlannedResource[], boolean][]) {
  undoes(what, () => assert.is(undoesOnlyExpiringKeys(resources), does))
}
undoes.run()
