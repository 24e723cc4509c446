import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { orphansOf } from '../../../../lib/model/snapshot/orphans.ts'
import type { Prunable } from '../../../../lib/model/snapshot/pruning.ts'

const OURS = { 'managed-by': 'threads-ops', environment: 'lab', layer: '01-k8s' }
const snapshot = (name: string, day: number, sourceDisk: string, more: Partial<Prunable> = {}): Prunable => ({
  ...{ name, id: name, status: 'READY', labels: OURS, labelFingerprint: 'f', autoCreated: false, sourceDisk },
  ...{ createdAt: `2026-11-0${day}T00:00:00Z`, ...more },
})
const OLD = snapshot('old', 1, 'gone')
const NEW = snapshot('new', 2, 'there')
const gone = { ...OURS, environment: 'trial' }

const orphans = suite('orphansOf')
for (const [why, own, expected] of [
  ['its disk is gone, and there is a newer one of another', [OLD, NEW], ['old']],
  ['the last that a lost disk can be restored from is none', [OLD], []],
  ['nor are all of them, while no disk is there', [OLD, snapshot('newer', 2, 'gone-too')], []],
  ['nor one that is newer than those of the disk', [snapshot('newer', 3, 'gone'), NEW], []],
  ['nor one of another layer', [OLD, { ...NEW, labels: { ...OURS, layer: '00-vpc' } }], []],
  ['nor while the newer one failed', [OLD, { ...NEW, status: 'FAILED' }], []],
  ['one that failed itself is', [{ ...OLD, status: 'FAILED' }, NEW], ['old']],
  ['one that is being taken is none', [{ ...OLD, status: 'CREATING' }, NEW], []],
  ['nor a protected one', [{ ...OLD, labels: { ...OURS, protect: 'true' } }, NEW], []],
  ['nor a schedule’s', [{ ...OLD, autoCreated: true }, NEW], []],
  ['nor one whose disk is there', [snapshot('old', 1, 'there'), NEW], []],
  ['of an environment without a file all', [{ ...OLD, labels: gone }], ['old']],
  ['but while its disk is there, somebody has it', [{ ...NEW, labels: gone }], []],
  ['of another environment with a file none', [{ ...OLD, labels: { ...OURS, environment: 'prod' } }, NEW], []],
  ['of no environment none', [{ ...OLD, labels: { 'managed-by': 'threads-ops' } }, NEW], []],
] as [string, Prunable[], string[]][])
  orphans(why, () => {
    const world = { environment: 'lab', environments: ['lab', 'prod'], hasDisk: (s: Prunable) => s.sourceDisk === 'there' }
    assert.equal(
      orphansOf(own, world).map(({ snapshot: { name } }) => name),
      expected,
    )
  })
orphans.run()
