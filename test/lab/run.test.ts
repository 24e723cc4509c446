import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { processesWith } from '../../lab/machine/process.ts'
import { root } from '../../lib/runtime/files.ts'
import { waitFor } from '../../lib/runtime/wait.ts'

/** What a run of test files does with what they leave behind. */
const runs = suite<{ folder: string; temporary: string }>('test/run.ts')

runs.before.each(context => {
  context.folder = mkdtempSync(join(tmpdir(), 'run-'))
  context.temporary = join(context.folder, 'tmp')
  mkdirSync(context.temporary)
})
runs.after.each(({ folder }) => rmSync(folder, { recursive: true }))

/** A file of one test that passes, which leaves a folder and a process behind. */
const LEAVES = `
import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
mkdtempSync(join(tmpdir(), 'left-'))
spawn('sleep', ['600'], { detached: true, stdio: ['ignore', 'inherit', 'ignore'] }).unref()
console.log('  Total:     1\\n  Passed:    1\\n  Skipped:   0')
`
/** The same, and it does not end. */
const HANGS = `${LEAVES}setInterval(() => {}, 1000)\n`

function run(folder: string, temporary: string, text: string): ChildProcess {
  const file = join(folder, 'leaves.test.ts')
  writeFileSync(file, text)
  return spawn(process.execPath, [join(root, 'test/run.ts'), relative(root, file)], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

const strays = (temporary: string) =>
  processesWith('environ', words => words.some(word => word.startsWith(`TMPDIR=${temporary}/`)))

runs('what is left behind is named, ended and deleted, and fails the run', async ({ folder, temporary }) => {
  const child = run(folder, temporary, LEAVES)
  let output = ''
  child.stdout?.on('data', data => (output += data))
  const [code] = await once(child, 'close')
  assert.match(output, /^left behind: process \d+: sleep 600$/m)
  assert.match(output, /^1 passed, 0 failed$/m)
  assert.is(code, 1)
  assert.equal(strays(temporary), [])
  assert.equal(readdirSync(temporary), [])
})

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  runs(`${signal} ends and deletes all that was started`, async ({ folder, temporary }) => {
    const child = run(folder, temporary, HANGS)
    child.stdout?.resume()
    await waitFor({
      what: 'the file',
      within: 20_000,
      every: 50,
      probe: async () => strays(temporary).length === 2 || undefined,
    })
    child.kill(signal)
    const [code] = await once(child, 'exit')
    assert.is(code, 130)
    assert.equal(strays(temporary), [])
    assert.equal(readdirSync(temporary), [])
  })
}

runs.run()
