import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readIfExists } from '../../../lib/runtime/files.ts'
import { isRunning } from '../../../lib/runtime/processes.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'
import { supervised } from '../../../lib/terraform/supervised.ts'

interface Context {
  folder: string
}

/** A Terraform with a plugin that outlives it: it writes its state when it is interrupted, and counts how often it was. */
const FAKE = `#!/bin/sh
trap 'echo interrupted >>interrupts' INT
trap '' PIPE
sleep 300 & echo $! >plugin
echo $$ >pid
while [ ! -s interrupts ]; do echo working; sleep 0.1; done
for step in 1 2 3 4 5; do echo "still working $step" || exit 9; sleep 0.1; done
echo stored >state
`
const RUNNER = `
import { supervised } from ${JSON.stringify(new URL('../../../lib/terraform/supervised.ts', import.meta.url).href)}
await supervised(process.argv[1], [], { cwd: process.cwd(), env: process.env, signal: new AbortController().signal, silence: 60000, scratch: process.cwd() })
`

const runs = suite<Context>('supervised')
runs.before.each(async context => {
  context.folder = await mkdtemp(join(tmpdir(), 'threads-ops-supervised-'))
  await writeFile(join(context.folder, 'fake'), FAKE)
  await chmod(join(context.folder, 'fake'), 0o755)
})
runs.after.each(({ folder }) => rm(folder, { recursive: true, force: true }))

const file = (path: string) =>
  waitFor({ what: path, within: 20_000, every: 50, probe: async () => (await readIfExists(path))?.trim() || undefined })
const gone = (pid: number) =>
  waitFor({ what: `the end of ${pid}`, within: 20_000, every: 50, probe: async () => (isRunning(pid) ? undefined : true) })

for (const name of ['SIGKILL', 'SIGHUP', 'SIGTERM'] as const)
  runs(`${name} of the run: one interrupt, the state is written, the plugin ends`, async ({ folder }) => {
    const runner = spawn(process.execPath, ['--input-type=module-typescript', '-e', RUNNER, join(folder, 'fake')], {
      cwd: folder,
      stdio: 'ignore',
    })
    const [pid, plugin] = [Number(await file(join(folder, 'pid'))), Number(await file(join(folder, 'plugin')))]
    runner.kill(name)
    assert.is(await file(join(folder, 'state')), 'stored')
    await Promise.all([gone(pid), gone(plugin)])
    assert.is(await readFile(join(folder, 'interrupts'), 'utf8'), 'interrupted\n')
  })

const options = (folder: string) => ({
  ...{ cwd: folder, env: process.env, signal: new AbortController().signal, silence: 60_000, killAfter: 10_000 },
  scratch: folder,
})

runs('an aborted run waits for it, and hears all it says', async ({ folder }) => {
  const abort = new AbortController()
  const lines: string[] = []
  const running = supervised(join(folder, 'fake'), [], {
    ...options(folder),
    signal: abort.signal,
    onLine: line => lines.push(line),
  })
  await file(join(folder, 'plugin'))
  abort.abort()
  const { exitCode, stdout } = await running
  assert.is(exitCode, 0)
  assert.ok(stdout.endsWith('still working 5\n'))
  assert.is(lines.at(-1), 'still working 5')
  await gone(Number(await file(join(folder, 'plugin'))))
})

runs('both outputs, in UTF-8, and the exit code', async ({ folder }) => {
  const said: string[] = []
  const ended = await supervised('sh', ['-c', 'printf é; echo oops >&2; exit 2'], {
    ...options(folder),
    onStderr: line => said.push(line),
  })
  assert.equal(ended, { exitCode: 2, stdout: 'é', stderr: 'oops\n', silent: false })
  assert.equal(said, ['oops'])
})

runs('a program that is not there', async ({ folder }) =>
  assert.is((await supervised('no-such-program', [], options(folder))).exitCode, 127),
)

runs('silence is each one’s own', async ({ folder }) => {
  const [silent, speaking] = await Promise.all([
    supervised('sh', ['-c', 'exec sleep 60'], { ...options(folder), silence: 600 }),
    supervised('sh', ['-c', 'for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done'], { ...options(folder), silence: 600 }),
  ])
  assert.equal([silent.silent, silent.exitCode, speaking.silent, speaking.exitCode], [true, null, false, 0])
})

/** It does not end when it is interrupted. */
const DEAF = ['-c', 'trap "" INT; echo $$ >pid; while :; do sleep 0.1; done']
for (const [how, over] of Object.entries({
  'of an aborted run': {},
  'of a silent one': { silence: 500 },
  'of one that waits for a service': { whenQuiet: { after: 200, ask: () => Promise.reject(new Error('the tide is out')) } },
})) {
  runs(`what only reads is killed when the interrupt does not end it, ${how}`, async ({ folder }) => {
    const abort = new AbortController()
    const running = supervised('sh', DEAF, { ...options(folder), signal: abort.signal, killAfter: 400, ...over })
    const pid = Number(await file(join(folder, 'pid')))
    if (Object.keys(over).length === 0) abort.abort()
    const { exitCode } = await running
    assert.is(exitCode, null)
    await gone(pid)
  })
}
runs('one that may be writing is never killed', async ({ folder }) => {
  const { killAfter: _, ...never } = options(folder)
  const abort = new AbortController()
  const running = supervised('sh', ['-c', 'trap "" INT; echo $$ >pid; sleep 3; exit 7'], { ...never, signal: abort.signal })
  await file(join(folder, 'pid'))
  abort.abort()
  assert.is((await running).exitCode, 7)
})

runs('one that says nothing is asked about, until a question fails', async ({ folder }) => {
  let asked = 0
  const ask = async () => {
    asked += 1
    if (asked === 3) throw new Error('the tide is out')
  }
  const whenQuiet = { after: 100, ask }
  const { exitCode, unanswered, silent } = await supervised('sleep', ['60'], { ...options(folder), whenQuiet })
  assert.equal([exitCode, silent, (unanswered as Error).message, asked], [null, false, 'the tide is out', 3])
})
runs('one that speaks is not', async ({ folder }) => {
  const whenQuiet = { after: 1000, ask: () => Promise.reject(new Error('asked')) }
  const speaks = ['-c', 'for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done']
  assert.is((await supervised('sh', speaks, { ...options(folder), whenQuiet })).exitCode, 0)
})
for (const [why, program, input, expected] of [
  ['it reads its input to the end', 'cat', 'a question\n', 'a question\n'],
  ['it ends without reading all of it', 'true', 'x'.repeat(1_000_000), ''],
  ['there is none', 'cat', undefined, ''],
] as const)
  runs(why, async ({ folder }) => {
    const { exitCode, stdout } = await supervised(program, [], { ...options(folder), ...(input !== undefined && { input }) })
    assert.equal([exitCode, stdout], [0, expected])
  })
runs.run()
