import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { inForeground } from '../../../lib/runtime/foreground.ts'

const RUN = join(import.meta.dirname, '../support/in-foreground.ts')

/** Runs `sh -c SCRIPT` in the place of a program of its own, which is ended with `kill` once it says something. */
async function ran(
  script: string,
  { input = '', kill, more = [] }: { input?: string; kill?: NodeJS.Signals; more?: string[] } = {},
) {
  const child = spawn(process.execPath, [RUN, ...more, script], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(input)
  if (kill) child.stderr.once('data', () => child.kill(kill))
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { stdout, stderr, code }
}

const foreground = suite('inForeground')
for (const [why, script, code] of [
  ['its exit code', 'exit 0', 0],
  ['any exit code', 'exit 77', 77],
  ['that of a signal, as in a shell', 'kill -KILL $$', 137],
] as const) {
  foreground(`${why} is passed on`, async () => assert.is((await ran(script)).code, code))
}
foreground('input and output are its own', async () => {
  assert.equal(await ran('tr a-z A-Z; echo oh >&2', { input: 'hello' }), { stdout: 'HELLO', stderr: 'oh\n', code: 0 })
})
foreground('its output goes to stderr where stdout is for a document, which has its exit code', async () => {
  const { stdout, stderr, code } = await ran('echo hello; exit 7', { more: ['--json'] })
  assert.equal([stderr, code], ['hello\n', 7])
  assert.is(JSON.parse(stdout).exitCode, 7)
})
foreground('whoever ends the run ends it', async () => {
  const began = performance.now()
  const { code } = await ran('echo began >&2; exec sleep 60', { kill: 'SIGTERM' })
  assert.is(code, 143)
  assert.ok(performance.now() - began < 30_000)
})
foreground('a program that is not there: 4, and what to do', async () => {
  const options = { signal: new AbortController().signal, hint: 'install it' }
  const error = await inForeground('no-such-program', [], options).catch(error => error)
  assert.equal([error.code, error.hint], [4, 'install it'])
})
foreground.run()
