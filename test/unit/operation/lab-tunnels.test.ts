import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { stopLabTunnels } from '../../../lib/operation/lab-tunnels.ts'
import { root } from '../../../lib/runtime/files.ts'
import { identityOf, isRunning } from '../../../lib/runtime/processes.ts'
import { failureOf } from '../support/layers.ts'

const { signal } = new AbortController()

interface World {
  folder: string
  said: string[]
  children: ChildProcess[]
}
const tunnels = suite<World>('a lab that goes down')
tunnels.before.each(world => {
  Object.assign(world, { folder: mkdtempSync(join(tmpdir(), 'tunnels-')), said: [], children: [] })
})
tunnels.after.each(({ folder, children }) => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

/** A process with a record of a tunnel that it holds. */
async function open({ folder, children }: World, env: string, detached: boolean, startTime?: string) {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  children.push(child)
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  const identity = { ...identityOf(pid), ...(startTime !== undefined && { startTime }) }
  const record = { env, process: identity, detached, port: 26443, services: [], since: '2025-12-01T00:00:00Z' }
  writeFileSync(join(folder, `${env}-${pid}.json`), JSON.stringify(record))
  return { pid, runs: () => isRunning(pid) && child.signalCode === null }
}
const stop = ({ folder, said }: World) => {
  const say = (text: string) => said.push(text)
  return stopLabTunnels({ log: { info: say, warn: say }, signal }, folder)
}

for (const [why, env, detached, startTime, runs] of [
  ['in the background, of the lab', 'lab', true, undefined, false],
  ['in the background, of another environment of the lab', 'lab-staging', true, undefined, false],
  ['in a terminal', 'lab', false, undefined, true],
  ['of another environment', 'prod', true, undefined, true],
  ['of an environment whose name only begins so', 'labour', true, undefined, true],
  ['whose process is another one by now', 'lab', true, '1', true],
] as const)
  tunnels(`a tunnel ${why} ${runs ? 'stays' : 'is ended'}`, async world => {
    const tunnel = await open(world, env, detached, startTime)
    await stop(world)
    assert.is(tunnel.runs(), runs)
    assert.is(world.said.length, Number(!runs))
    if (!runs) assert.match(world.said[0] ?? '', String(tunnel.pid))
  })
tunnels('all of them at once; then there is nothing to say', async world => {
  const all = [await open(world, 'lab', true), await open(world, 'lab-staging', true)]
  await stop(world)
  assert.equal(
    all.map(({ runs }) => runs()),
    [false, false],
  )
  await stop(world)
  assert.is(world.said.length, 2)
})
tunnels('an interruption ends it', async world => {
  await open(world, 'lab', true)
  const log = { info: () => undefined, warn: () => undefined }
  const failure = await failureOf(stopLabTunnels({ log, signal: AbortSignal.abort() }, world.folder))
  assert.is(failure.code, 130)
})
for (const name of ['down', 'reset'])
  tunnels(`lab:${name} does so`, () =>
    assert.match(readFileSync(join(root, `scripts/lab/${name}.ts`), 'utf8'), 'await stopLabTunnels('),
  )
tunnels.run()
