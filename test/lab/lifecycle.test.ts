import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { forgetResting, recordResting, restingMachines } from '../../lab/lifecycle/resting.ts'
import { labStatus, type Operation, whyOff } from '../../lab/lifecycle/status.ts'
import { layoutOf } from '../../lab/state/layout.ts'
import { identify } from '../../lib/runtime/processes.ts'

const LINK = 'https://www.googleapis.com/compute/v1/projects/p/zones/z/instances'
const operation = (operationType: string, minute: number, name = 'vm'): Operation => ({
  operationType,
  targetLink: `${LINK}/${name}`,
  insertTime: `2025-12-01T10:0${minute}:00.000-08:00`,
  user: 'operator@lab.invalid',
})

const reasons = suite('why a machine is off')
for (const [why, status, statusMessage, operations, expected] of [
  ['one that runs', 'RUNNING', '', [operation('stop', 1)], null],
  ['one that boots', 'STAGING', '', [operation('stop', 1)], null],
  ['its own message', 'TERMINATED', 'no space', [operation('stop', 1)], 'no space'],
  [
    'stopped by somebody',
    'TERMINATED',
    '',
    [operation('insert', 0), operation('stop', 1)],
    'stopped by operator@lab.invalid, at 2025-12-01T10:01:00.000-08:00',
  ],
  [
    'the last of several',
    'TERMINATED',
    '',
    [operation('compute.instances.preempted', 2), operation('stop', 1), operation('start', 3)],
    'preempted, at 2025-12-01T10:02:00.000-08:00',
  ],
  ['on its way', 'STOPPING', '', [operation('compute.instances.preempted', 1)], 'preempted, at 2025-12-01T10:01:00.000-08:00'],
  ["another machine's end", 'TERMINATED', '', [operation('stop', 1, 'other')], 'nothing is recorded about it'],
] as [string, string, string, Operation[], string | null][]) {
  reasons(why, () => assert.is(whyOff({ selfLink: `${LINK}/vm`, status, statusMessage }, operations), expected))
}
reasons.run()

const resting = suite<{ lab: string }>('machines of a lab that is down')
resting.before.each(async context => {
  context.lab = await mkdtemp(join(tmpdir(), 'lab-'))
  await mkdir(join(context.lab, 'run/machines'), { recursive: true })
})
resting.after.each(({ lab }) => rm(lab, { recursive: true, force: true }))

/** A machine's record; this process takes the place of its own ones while it runs. */
const record = async (lab: string, name: string, runs: boolean) => {
  const process = runs ? identify(globalThis.process.pid) : { pid: 1, startTime: 'never', bootId: 'none' }
  const machine = { id: `p/z/${name}`, name, address: '10.0.0.2', disk: `/x/${name}-disk`, supervisor: process, init: process }
  await writeFile(join(lab, `run/machines/${name}.json`), JSON.stringify(machine))
}
const ids = async (lab: string) => (await restingMachines(lab)).map(({ id }) => id)

resting('those that run are recorded', async ({ lab }) => {
  await record(lab, 'on', true)
  await record(lab, 'dead', false)
  await recordResting(lab)
  assert.equal(await ids(lab), ['p/z/on'])
})
resting('a way down that was interrupted is gone on with', async ({ lab }) => {
  await record(lab, 'first', true)
  await recordResting(lab)
  await rm(join(lab, 'run/machines/first.json'))
  await record(lab, 'second', true)
  await recordResting(lab)
  assert.equal(await ids(lab), ['p/z/first', 'p/z/second'])
})
resting('forgotten once, or never recorded', async ({ lab }) => {
  await forgetResting(lab)
  assert.equal(await ids(lab), [])
})
resting('a damaged record counts as none', async ({ lab }) => {
  await writeFile(join(lab, 'run/resting.json'), '{"machines": 3}')
  assert.equal(await ids(lab), [])
})
resting('lab:status says what boots it', async ({ lab }) => {
  await record(lab, 'on', true)
  await recordResting(lab)
  await rm(join(lab, 'run/machines/on.json'))
  const { isUp, machines } = await labStatus(layoutOf(lab))
  assert.is(isUp, false)
  assert.equal(
    machines.map(({ name, state, reason, disk }) => [name, state, reason, disk]),
    [['on', 'TERMINATED', 'the lab is down; `./taskw lab:up` boots it again', 'on-disk']],
  )
})
resting.run()

const logs = suite<{ folder: string }>('the ends of logs')
logs.before.each(async context => {
  context.folder = await mkdtemp(join(tmpdir(), 'logs-'))
  await writeFile(join(context.folder, 'google.log'), 'one\ntwo\nthree\n')
})
logs.after.each(({ folder }) => rm(folder, { recursive: true, force: true }))

/** A script that prints the end of the log, as `lab:logs` does. */
const printing = (folder: string, follow: boolean, file = 'google.log') => {
  const script = `
    import { runScript } from '${new URL('../../lib/runtime/script.ts', import.meta.url)}'
    import { printEnds } from '${new URL('../../lab/lifecycle/logs.ts', import.meta.url)}'
    await runScript({ name: 'logs', summary: '', async run({ signal }) {
      await printEnds(['${join(folder, file)}'], { lines: 2, follow: ${follow}, signal })
      return { document: {} }
    } }, [])`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', data => (said.stdout += data))
  child.stderr.on('data', data => (said.stderr += data))
  const has = async (text: string) => {
    while (!said.stdout.includes(text) && child.exitCode === null) await once(child.stdout, 'data')
  }
  return { child, said, has, ended: once(child, 'close') }
}
logs('the last lines', async ({ folder }) => {
  const { said, ended } = printing(folder, false)
  assert.equal([(await ended)[0], said.stdout], [0, 'two\nthree\n'])
})
logs('what is written later, until it is interrupted: at once', async ({ folder }) => {
  const { child, said, has, ended } = printing(folder, true)
  await has('three')
  await appendFile(join(folder, 'google.log'), 'four\n')
  await has('four')
  const interrupted = performance.now()
  child.kill('SIGINT')
  // That is how it is meant to end.
  assert.is((await ended)[0], 0, said.stderr)
  assert.ok(performance.now() - interrupted < 2000)
  assert.is(said.stdout, 'two\nthree\nfour\n')
})
logs('a reader who has enough is no failure', async ({ folder }) => {
  await writeFile(join(folder, 'google.log'), `${'x'.repeat(2 ** 20)}\n`)
  const { child, said, ended } = printing(folder, false)
  child.stdout.destroy()
  assert.is((await ended)[0], 0, said.stderr)
})
logs('a file that is not there: 5', async ({ folder }) => {
  const { said, ended } = printing(folder, false, 'other.log')
  assert.is((await ended)[0], 5)
  assert.match(said.stderr, /No such file[\s\S]*tail failed with exit code 1/)
})
logs.run()
