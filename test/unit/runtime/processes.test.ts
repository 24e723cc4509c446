import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { identify, identityOf, isAlive, isRunning, livesStill } from '../../../lib/runtime/processes.ts'

const ours = identityOf(process.pid)
const NOBODY = 2 ** 22 + 1

const processes = suite('processes')
for (const [why, identity, expected] of [
  ['this one', ours, true],
  ['an earlier one with its pid', { ...ours, startTime: '1' }, false],
  ['one whose start nobody noted, and whose pid is in use', { ...ours, startTime: '' }, true],
  ['one whose start nobody noted, and whose pid is not', { ...ours, pid: NOBODY, startTime: '' }, false],
  ['one that is gone', { ...ours, pid: NOBODY }, false],
  ['one of another machine, boot or namespace', { ...ours, space: 'elsewhere' }, undefined],
  ['one of a platform that does not say', { ...ours, space: undefined }, undefined],
] as const) {
  processes(`${why} ${expected === undefined ? 'can’t be known' : expected ? 'lives' : 'has ended'}`, () => {
    assert.is(livesStill(identity), expected)
    if (expected !== undefined) assert.is(isAlive(identity), expected)
  })
}
for (const pid of [0, -1, 1.5, Number.NaN, NOBODY])
  processes(`${pid} is no process`, () => {
    assert.is(isRunning(pid), false)
    assert.is(identify(pid), undefined)
  })
processes('one that has ended and waits for its parent has ended', async () => {
  const shell = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [said] = (await once(shell.stdout, 'data')) as [Buffer]
  const child = identityOf(Number(said.toString()))
  await new Promise(resolve => setTimeout(resolve, 500))
  assert.equal([isRunning(child.pid), identify(child.pid), livesStill(child)], [false, undefined, false])
  shell.kill('SIGKILL')
})
processes.run()
