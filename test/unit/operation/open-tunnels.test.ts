import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ended, openTunnels, published, stopDetached } from '../../../lib/operation/open-tunnels.ts'
import { identityOf } from '../../../lib/runtime/processes.ts'

const tunnel = { env: 'lab', detached: false, port: 26443, services: [], since: '2025-12-01T00:00:00Z' }
const { signal } = new AbortController()

const records = suite<{ folder: string }>('what tunnels have opened')
records.before.each(context => {
  context.folder = mkdtempSync(join(tmpdir(), 'tunnels-'))
})
records.after.each(({ folder }) => rmSync(folder, { recursive: true }))

records('is there as long as they are, and of its environment only', async ({ folder }) => {
  const record = await published(tunnel, folder)
  const found = await openTunnels('lab', folder)
  assert.equal(
    found.map(({ port, process: { pid } }) => [port, pid]),
    [[26443, process.pid]],
  )
  assert.equal(await openTunnels('prod', folder), [])
  await record[Symbol.asyncDispose]()
  assert.equal(await openTunnels('lab', folder), [])
})
records('what a dead process has left is removed; what is no record is passed over', async ({ folder }) => {
  const dead = { ...tunnel, process: { ...identityOf(process.pid), startTime: '1' } }
  writeFileSync(join(folder, 'lab-1.json'), JSON.stringify(dead))
  writeFileSync(join(folder, 'lab-2.json'), '{')
  assert.equal(await openTunnels('lab', folder), [])
  assert.equal(readdirSync(folder), ['lab-2.json'])
})
records('only those in the background are ended', async ({ folder }) => {
  await published(tunnel, folder)
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  const other = { ...tunnel, detached: true, process: identityOf(child.pid ?? 0) }
  writeFileSync(join(folder, `lab-${child.pid}.json`), JSON.stringify(other))
  const ended = await stopDetached('lab', signal, folder)
  assert.equal(
    ended.map(({ process: { pid } }) => pid),
    [child.pid],
  )
  assert.is((await openTunnels('lab', folder)).length, 1)
  assert.equal(await stopDetached('lab', signal, folder), [])
})
records.run()

const failures = suite('a tunnel that ends before it is open')
for (const [why, code, expected] of [
  ['fails with its own exit code', 4, 4],
  ['was killed', null, 5],
  ['says that all is well', 0, 5],
] as const) {
  failures(why, () => {
    const error = ended(code, 'one\ntwo\n')
    assert.equal([error.code, error.message], [expected, 'the tunnel ended before it was open:\none\ntwo'])
  })
}
failures.run()
