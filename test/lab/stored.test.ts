import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { $ } from 'zx/core'
import { State } from '../../lab/google/state.ts'
import { died, google } from '../../lab/lifecycle/daemon.ts'
import { readData, readRecord } from '../../lab/state/stored.ts'
import { OpsError } from '../../lib/runtime/errors.ts'
import { writeAtomically } from '../../lib/runtime/files.ts'

const folder = mkdtempSync(join(tmpdir(), 'stored-'))
const file = join(folder, 'file.json')

const stored = suite('what the lab has stored')
stored.after(() => rmSync(folder, { recursive: true }))

const refused = async (work: Promise<unknown>): Promise<OpsError> => {
  const error: unknown = await work.then(
    () => undefined,
    thrown => thrown,
  )
  assert.instance(error, OpsError)
  return error as OpsError
}

for (const text of ['', '{"pid":', '\0\0\0\0', 'null', '[1]', '"text"', '7']) {
  stored(`${JSON.stringify(text)} is no record, and damaged data`, async () => {
    writeFileSync(file, text)
    assert.is(await readRecord(file), undefined)
    const { code, message, hint } = await refused(readData(file, () => true))
    assert.is(code, 4)
    assert.match(message, `${file} is damaged`)
    assert.match(hint, '`./taskw lab:reset`')
  })
}

stored('a whole one is both', async () => {
  writeFileSync(file, '{"id":7}')
  assert.equal(await readRecord(file), { id: 7 })
  assert.equal(await readData<{ id: number }>(file, ({ id }) => id === 7), { id: 7 })
})

stored('data that does not fit its file is damaged; a missing record is none', async () => {
  writeFileSync(file, '{"id":7}')
  await refused(readData<{ id: number }>(file, ({ id }) => id === 8))
  assert.is(await readRecord(join(folder, 'none.json')), undefined)
})

stored('on a full disk a write says which file has no room, leaves nothing behind, and the old one as it was', async () => {
  const small = mkdtempSync(join(tmpdir(), 'small-'))
  await $({ quiet: true })`mount -t tmpfs -o size=64k tmpfs ${small}`
  try {
    const path = join(small, 'state.json')
    await writeAtomically(path, '{"id":7}')
    const { code, message } = await refused(writeAtomically(path, Buffer.alloc(128 * 1024, ' ')))
    assert.is(code, 4)
    assert.is(message, `${path}: no space left on device`)
    assert.equal(readdirSync(small), ['state.json'])
    assert.equal(await readRecord(path), { id: 7 })
  } finally {
    await $({ quiet: true })`umount ${small}`
    rmSync(small, { recursive: true })
  }
})
stored.run()

const rooms = suite('the room that the stand-in holds back')
rooms('full, what was begun is still written, and nothing begins until there is room again', async () => {
  const small = mkdtempSync(join(tmpdir(), 'small-'))
  const filler = join(small, 'filler')
  await $({ quiet: true })`mount -t tmpfs -o size=96m tmpfs ${small}`
  try {
    const state = new State(small)
    const { room } = state
    const things = await state.open<{ name: string; value: number }>('things', ({ name }) => name)
    await things.put({ name: 'thing', value: 1 })
    const begin = () => room.check('POST', '/compute/v1/projects/p/global/networks')
    assert.ok(await room.keep())
    assert.is(await room.isShort(), false)
    await begin()
    await $({ quiet: true, nothrow: true })`dd if=/dev/zero of=${filler} bs=64k`
    assert.ok(await room.isShort(), 'machines end before they meet the end of it')
    await begin()
    await things.put({ name: 'thing', value: 2 })
    assert.is(things.get('thing')?.value, 2)
    assert.equal(await readRecord(join(small, 'things/thing.json')), { name: 'thing', value: 2 })
    const error: unknown = await begin().catch(thrown => thrown)
    assert.match(String(error), `${small}: no space left on device`)
    await room.check('POST', '/compute/v1/projects/p/global/operations/o/wait')
    await room.check('POST', '/v1/projects/p:getIamPolicy')
    await room.check('DELETE', '/compute/v1/projects/p/global/networks/n')
    rmSync(filler)
    await begin()
    assert.ok(readdirSync(small).includes('reserve'))
  } finally {
    await $({ quiet: true })`umount ${small}`
    rmSync(small, { recursive: true })
  }
})
rooms.run()

const ends = suite('a daemon that dies while it starts')
for (const { why, code, said, message, hint } of [
  { why: 'an expected failure', code: 4, said: 'one\nit is full\nmake room\n', message: 'it is full', hint: 'make room' },
  {
    why: 'a bug',
    code: 1,
    said: 'TypeError: x\n  at y\n',
    message: 'lab/google/main.ts ended while it started:\nTypeError: x\n  at y',
  },
  { why: 'a signal', code: null, said: 'begun\n', message: 'lab/google/main.ts ended while it started:\nbegun' },
  { why: 'no word', code: 4, said: '', message: 'lab/google/main.ts ended while it started:\n' },
]) {
  ends(`of ${why}`, () => {
    const error = died(google, code, said, '/log')
    assert.is(error.code, 4)
    assert.is(error.message, message)
    assert.is(error.hint, hint ?? 'see /log')
  })
}
ends.run()
