import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isRunning } from '../../../lib/runtime/processes.ts'

const SCRIPT = join(import.meta.dirname, '../support/ending.ts')
const folder = mkdtempSync(join(tmpdir(), 'ending-'))
const lock = join(folder, 'lock')

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}
type Act = (child: ReturnType<typeof start>) => unknown

const start = (how: string, options: string[] = [], stdout: 'pipe' | number = 'pipe', stderr: 'pipe' | number = 'pipe') =>
  spawn(process.execPath, [SCRIPT, lock, how, ...options], { stdio: ['ignore', stdout, stderr] })

/** Runs it until it holds the lock, acts, and waits for its end: then the lock is free and its child has ended. */
async function endOf(child: ReturnType<typeof start>, act: Act = () => undefined): Promise<Ended> {
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) child[name]?.on('data', data => (said[name] += data))
  const exited = once(child, 'exit')
  const guard = setTimeout(() => child.kill('SIGKILL'), 15_000)
  let pid = 0
  while (child.exitCode === null && child.signalCode === null && !pid) {
    pid = Number(existsSync(lock) ? readFileSync(lock, 'utf8') : 0)
    await sleep(10)
  }
  await sleep(50)
  await act(child)
  const [code] = await exited
  clearTimeout(guard)
  await sleep(20)
  assert.is(existsSync(lock), false, `the lock is left: ${said.stderr}`)
  assert.is(pid > 0 && isRunning(pid), false, 'its child is left')
  return { code, ...said }
}

const endings = suite('how a script ends')
endings.after.each(() => rmSync(lock, { force: true }))
endings.after(() => rmSync(folder, { recursive: true }))

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  endings(`${name}: 130, and said`, async () => {
    const { code, stderr } = await endOf(start('waits'), child => child.kill(name))
    assert.is(code, 130)
    assert.match(stderr, 'letting the current step end cleanly')
    assert.match(stderr, 'sleep: interrupted')
  })
}
endings('told again when it has ended, as by a terminal and by taskw: 130 all the same', async () => {
  const { code, stderr } = await endOf(start('lingers'), async child => {
    child.kill('SIGTERM')
    while (existsSync(lock)) await sleep(10)
    await sleep(200)
    child.kill('SIGTERM')
  })
  assert.is(code, 130)
  assert.match(stderr, 'sleep: interrupted')
})
for (const [how, expected, said] of [
  ['ends', 0, ''],
  ['fails', 4, /^\S+ ✘ no$/m],
] as const) {
  endings(`what it has given up keeps no process that ${how}`, async () => {
    const started = performance.now()
    const { code, stderr } = await endOf(start(`${how} with a question unanswered`))
    assert.is(code, expected)
    assert.match(stderr, said)
    assert.not.match(stderr, /interrupted|bug/)
    assert.ok(performance.now() - started < 20_000, `${performance.now() - started} ms`)
  })
}
endings('a closed stderr: 130', async () => {
  const { code } = await endOf(start('waits'), child => child.stderr?.destroy())
  assert.is(code, 130)
})
endings('closed stdout and stderr, as by `2>&1 | head -1`: 130', async () => {
  const { code } = await endOf(start('waits'), child => {
    child.stdout?.destroy()
    child.stderr?.destroy()
  })
  assert.is(code, 130)
})
endings('a closed stdout alone, as by `| head -1`: the result is nobody’s, the exit code that of the run', async () => {
  const { code, stderr } = await endOf(start('ends at once', ['--json']), child => child.stdout?.destroy())
  assert.is(code, 0, stderr)
})
for (const [how, code, message] of [
  ['throws in a timer', 1, /Cannot read properties of undefined[\s\S]*this is a bug[\s\S]*at /],
  ['rejects unheard', 1, /nobody listens[\s\S]*this is a bug/],
  ['loses the lock', 4, /taken over by bob[\s\S]*wait for bob/],
  ['waits for nothing', 1, /waits for something that will never come/],
  ['logs to a full disk', 0, /the log goes on without \/dev\/full: .*no space left/],
] as const) {
  endings(`${how}: ${code}, and said`, async () => {
    const ended = await endOf(start(how, ['--json']))
    assert.is(ended.code, code, ended.stderr)
    assert.match(ended.stderr, message)
    assert.is(JSON.parse(ended.stdout || '{"exitCode":1}').exitCode, code)
  })
}
endings('a result that the disk has no room for: 4, and said', async () => {
  const { code, stderr } = await endOf(start('ends at once', [], openSync('/dev/full', 'w')))
  assert.is(code, 4)
  assert.match(stderr, /the result could not be written: .*no space left/)
})
endings('a story that the disk has no room for: the run goes on to its end', async () => {
  const { code, stdout } = await endOf(start('ends at once', [], 'pipe', openSync('/dev/full', 'w')))
  assert.equal([code, stdout], [0, 'slept\n'])
})
endings.run()
