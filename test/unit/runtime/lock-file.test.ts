import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { OpsError } from '../../../lib/runtime/errors.ts'
import { takeLock } from '../../../lib/runtime/lock-file.ts'
import { identify } from '../../../lib/runtime/processes.ts'

const folder = mkdtempSync(join(tmpdir(), 'lock-'))
const path = join(folder, 'lock')

const locks = suite('takeLock')
locks.after(() => rmSync(folder, { recursive: true }))

/** Five want it at the same time, and each finds itself alone. */
async function takenInTurn() {
  let holders = 0
  await Promise.all(
    Array.from({ length: 5 }, async () => {
      await using _lock = await takeLock(path)
      assert.is(++holders, 1)
      await new Promise(resolve => setTimeout(resolve, 5))
      holders--
    }),
  )
}

locks('one at a time', takenInTurn)

for (const [why, holder] of [
  ['a process that is gone', { pid: 2 ** 22 + 1, startTime: '1', since: 0 }],
  ['an earlier process with a number now in use', { ...identify(process.pid), startTime: '1', since: 0 }],
  ['a machine that lost power while it was written', ''],
  ['a file system that lost power', '\0\0\0\0'],
] as const) {
  locks(`the lock of ${why} is taken over, by one of many`, async () => {
    writeFileSync(path, typeof holder === 'string' ? holder : JSON.stringify(holder))
    await takenInTurn()
    assert.equal(readdirSync(folder), [])
  })
}

locks('an abort ends the wait with 130', async () => {
  await using _lock = await takeLock(path)
  const stop = new AbortController()
  const waiting = takeLock(path, { signal: stop.signal, onWait: () => stop.abort() })
  try {
    await waiting
    assert.unreachable()
  } catch (error) {
    assert.instance(error, OpsError)
    assert.is((error as OpsError).code, 130)
  }
})

locks.run()
