import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { k0sBinary } from '../../../../lib/phases/k0s/binary.ts'
import { OpsError } from '../../../../lib/runtime/errors.ts'
import { failureOf } from '../../support/layers.ts'
import {
  type Answers,
  BARE,
  BINARY,
  contextOn,
  fakeVm,
  HEALTHY,
  OLDER,
  OUTDATED,
  SHA256,
  STOPPED,
  VERSION,
  WITH_BINARY,
} from './fixture.ts'

const PATH = '/usr/local/bin/k0s'
const UPLOAD = 'upload of k0s'
const directory = mkdtempSync(join(tmpdir(), 'k0s-binary-'))
const file = join(directory, 'k0s')

/** A context in which the binary is a local file. */
const on = (vm: ReturnType<typeof fakeVm>, binary: object = {}) =>
  contextOn(vm, { binary: { file, sha256: SHA256, ...binary } })
const TORN: Answers = { ...BARE, binarySha256: 'c'.repeat(64), binaryVersion: '', binaryChangedAt: '1' }

const phase = suite('k0sBinary')
phase.before(() => writeFileSync(file, BINARY))
phase.after(() => rmSync(directory, { recursive: true }))

for (const [why, answers, changes] of [
  ['the wanted one', HEALTHY, undefined],
  ['none', BARE, [`install k0s ${VERSION}`]],
  ['a torn one', TORN, [`replace k0s (broken) with ${VERSION}`]],
  ['an older one that is stopped', { ...STOPPED, binaryVersion: OLDER }, [`replace k0s ${OLDER} with ${VERSION}`]],
  [
    'an older one that runs: the cluster is backed up before',
    OUTDATED,
    ['back up the cluster to /var/backups/k0s on the VM', `replace k0s ${OLDER} with ${VERSION}`],
  ],
  [
    'one of that version with another content',
    { ...WITH_BINARY, binarySha256: 'd'.repeat(64) },
    [`replace k0s ${VERSION}: SHA-256 ${'d'.repeat(64)}, expected ${SHA256}`],
  ],
] as [string, Answers, string[] | undefined][]) {
  phase(`on the VM is ${why}; a check puts nothing there`, async () => {
    const vm = fakeVm(answers)
    const evidence = { version: VERSION, sha256: SHA256 }
    assert.equal(await k0sBinary().check(on(vm).context), changes ? { state: 'todo', changes } : { state: 'done', evidence })
    assert.equal(vm.calls, [])
  })
}
phase('is verified here, and put in its place', async () => {
  const vm = fakeVm(BARE)
  const { context, progress } = on(vm)
  assert.equal(await k0sBinary().run(context), { version: VERSION, sha256: SHA256, backup: null })
  assert.equal([vm.calls, vm.uploads], [[UPLOAD], { [PATH]: BINARY }])
  assert.equal(vm.commands[UPLOAD]?.slice(0, 3), [PATH, '755', SHA256])
  assert.equal(progress, ['verifying the binary', '0.0 of 0.0 MiB'])
})
phase('an upgrade backs the cluster up, with the binary that it runs with', async () => {
  const vm = fakeVm(OUTDATED)
  const evidence = await k0sBinary().run(on(vm).context)
  assert.equal(vm.calls, ['k0s backup', UPLOAD])
  assert.equal(evidence, { version: VERSION, sha256: SHA256, backup: '/var/backups/k0s/k0s_backup_1.tar.gz' })
})
phase('a backup that fails keeps the binary as it is', async () => {
  const vm = fakeVm(OUTDATED, { 'k0s backup': new OpsError(5, 'k0s backup failed', 'look') })
  assert.is((await failureOf(k0sBinary().run(on(vm).context))).code, 5)
  assert.equal(vm.calls, ['k0s backup'])
})
phase('a file that is not the expected one never gets there, nor is the cluster backed up for it', async () => {
  const other = { sha256: 'e'.repeat(64) }
  const vm = fakeVm(OUTDATED)
  const { code, message } = await failureOf(k0sBinary().run(on(vm, other).context))
  assert.is(code, 3)
  assert.match(message, SHA256)
  assert.equal(vm.calls, [])
})
phase('somebody else has put it there since the check: nothing is sent', async () => {
  const vm = fakeVm(BARE)
  const { context } = on(vm)
  await k0sBinary().check(context)
  vm.become(HEALTHY)
  assert.equal(await k0sBinary().run(context), { version: VERSION, sha256: SHA256 })
  assert.equal(vm.calls, [])
})
phase.run()
