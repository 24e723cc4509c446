import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compileFilter } from '../../lab/google/compute/filter.ts'

const snapshot = {
  name: 'snapshot-00-vpc-20251031-151137',
  status: 'READY',
  diskSizeGb: '50',
  autoCreated: false,
  creationTimestamp: '2025-10-31T08:11:37.000-07:00',
  labels: { layer: '00-vpc', 'managed-by': 'threads-ops' },
  storageLocations: ['us', 'eu'],
}

const passing = [
  'status = READY',
  'status=READY AND labels.layer="00-vpc"',
  'labels.layer="00-vpc" labels.managed-by=threads-ops',
  '(status = FAILED) OR (labels.layer = "00-vpc")',
  'status = READY AND name = other OR labels.layer = 00-vpc',
  'NOT status = FAILED',
  'status != FAILED',
  'diskSizeGb > 9',
  'diskSizeGb <= 50',
  'autoCreated = false',
  'creationTimestamp > "2025-10-31T15:11:00Z"',
  'creationTimestamp < 2025-11-01',
  'name = "snapshot-00-*"',
  'labels:layer',
  'labels.layer:*',
  'name:vpc',
  'storageLocations = eu',
  'name eq "snapshot-.*"',
  'name ne "other-.*"',
  'labels."managed-by" = "threads-ops"',
]

const failing = [
  'status = FAILED',
  'labels.layer = "00"',
  'NOT (status = READY)',
  'name eq "snapshot"',
  'labels.missing:*',
  'diskSizeGb > 50',
  'creationTimestamp < "2025-10-31T08:11:37Z"',
]

const malformed = ['name', 'name =', 'name ~ x', '(name = x', 'name = x)', 'name eq a AND status = b', 'name eq "("', '= x', '']

const filter = suite('list filter')
for (const text of passing) filter(`passes: ${text}`, () => assert.ok(compileFilter(text)(snapshot)))
for (const text of failing) filter(`stops: ${text}`, () => assert.not(compileFilter(text)(snapshot)))
for (const text of malformed) filter(`refuses: ${text}`, () => assert.throws(() => compileFilter(text), /Invalid list filter/))
filter.run()
