import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { kinds } from '../../../lib/cluster/kinds.ts'
import { loadEnvironment } from '../../../lib/config/load.ts'
import type { Pod } from '../../../lib/model/health/objects.ts'
import type { Context } from '../../../lib/operation/context.ts'
import {
  chosenServices,
  type Forwards,
  type OpenedService,
  openForwards,
  serviceLine,
} from '../../../lib/operation/forwards.ts'
import type { OpsError } from '../../../lib/runtime/errors.ts'
import { LABELS, pod, ready, service } from '../support/kubernetes.ts'
import { freePort } from '../support/server.ts'

const lab = await loadEnvironment('lab')
const choice = suite('chosenServices')
choice('by name, each once, in the order that was asked', () =>
  assert.equal(
    chosenServices(['postgres', 'nextjs', 'postgres'], lab).map(({ name }) => name),
    ['postgres', 'nextjs'],
  ),
)
for (const [name, said] of [
  ['nextj', 'lab has no service "nextj" (did you mean "nextjs"?)'],
  ['argo', 'lab has no service "argo"'],
  ['toString', 'lab has no service "toString"'],
] as const) {
  choice(`${name} is refused`, () => {
    try {
      chosenServices([name], lab)
      assert.unreachable()
    } catch (error) {
      assert.is((error as OpsError).code, 2)
      assert.match((error as OpsError).message, said)
      assert.match((error as OpsError).hint, 'argocd, nextjs, ml-service, postgres')
    }
  })
}
choice('without any, where to list them', () => {
  try {
    chosenServices(['x'], { ...lab, access: { ...lab.access, services: {} } })
    assert.unreachable()
  } catch (error) {
    assert.match((error as OpsError).hint, 'access.services in environments/lab.yaml')
  }
})
choice('a line says where it is and where its login is', () => {
  const [postgres] = chosenServices(['postgres'], lab) as [OpenedService]
  assert.match(serviceLine(postgres), 'postgres  postgresql://127.0.0.1:25432/threads  (user threads; ')
})
choice.run()

interface World {
  warnings: string[]
  pods: Pod[]
  opened: Forwards[]
  /** Pods answer with their names; a pod whose name is missing here is gone. */
  programs: Map<string, Server>
  context: Context
}
const forwards = suite<World>('openForwards')
forwards.before.each(world => {
  const warnings: string[] = []
  const programs = new Map<string, Server>()
  Object.assign(world, { warnings, programs, pods: [], opened: [] })
  world.context = {
    signal: new AbortController().signal,
    log: { warn: (text: string) => warnings.push(text) },
    cluster: async () => ({
      get: async (_kind: unknown, { name }: { name: string }) =>
        name === 'nextjs' ? service({ spec: { selector: LABELS, ports: [{ port: 80 }] } }) : undefined,
      list: async (kind: unknown) => (kind === kinds.pods ? world.pods : []),
      dial: async ({ pod }: { pod: string }) => {
        const program = programs.get(pod)
        if (!program) throw new Error(`pods "${pod}" not found`)
        return connect((program.address() as AddressInfo).port, '127.0.0.1')
      },
    }),
  } as unknown as Context
})
forwards.after.each(async ({ opened, programs }) => {
  for (const one of opened) await one.close()
  for (const program of programs.values()) program.close()
})

async function start(world: World, name: string): Promise<void> {
  const program = createServer(socket => socket.on('data', data => socket.end(`${name} heard ${data}`)))
  await once(program.listen(0, '127.0.0.1'), 'listening')
  world.programs.set(name, program)
  world.pods.push(pod({ metadata: { name } }))
}
const nextjs = (localPort: number, more: Partial<OpenedService> = {}): OpenedService => ({
  ...{ name: 'nextjs', namespace: 'threads', service: 'nextjs', port: 80, localPort, scheme: 'http', path: '/' },
  ...more,
})
async function open(world: World, more: Partial<OpenedService> = {}): Promise<number> {
  const localPort = await freePort()
  world.opened.push(await openForwards([nextjs(localPort, more)], world.context))
  return localPort
}
async function ask(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.end('hello')
  return text(socket).catch(() => '')
}

forwards('a connection reaches a ready pod', async world => {
  await start(world, 'a')
  assert.is(await ask(await open(world)), 'a heard hello')
})
forwards('when the pod is replaced, the next connection reaches the new one', async world => {
  await start(world, 'a')
  const port = await open(world)
  assert.is(await ask(port), 'a heard hello')
  world.programs.get('a')?.close()
  world.programs.delete('a')
  world.pods.length = 0
  await start(world, 'b')
  assert.is(await ask(port), 'b heard hello')
  assert.equal(world.warnings, [])
})
forwards('what can not be reached is told, and the connection ended', async world => {
  await start(world, 'a')
  const port = await open(world)
  world.programs.get('a')?.close()
  world.programs.delete('a')
  assert.is(await ask(port), '')
  assert.equal(world.warnings, ['nextjs: pods "a" not found'])
})
forwards('while none is ready, a connection waits for one', async world => {
  const port = await open(world)
  world.pods.push(pod({ metadata: { name: 'a' }, status: { conditions: ready('False') } }))
  const asked = ask(port)
  setTimeout(() => {
    world.pods.length = 0
    void start(world, 'a')
  }, 300)
  assert.is(await asked, 'a heard hello')
})
for (const [why, more, said] of [
  ['a service that does not exist', { service: 'other' }, 'there is no Service threads/other'],
  ['a port that it does not have', { port: 'https' }, 'Service threads/nextjs has no port https; it has: 80'],
] as const) {
  forwards(`${why} is refused at once`, async world => {
    const refused = await open(world, more).catch((error: OpsError) => error)
    assert.is((refused as OpsError).code, 4)
    assert.match((refused as OpsError).message, said)
  })
}
forwards('a port in use is told with who holds it, and stays theirs; the others are closed again', async world => {
  await start(world, 'a')
  const stranger = createServer(socket => socket.end('stranger'))
  await once(stranger.listen(0, '127.0.0.1'), 'listening')
  const { port: taken } = stranger.address() as AddressInfo
  const free = await freePort()
  const services = [nextjs(free), nextjs(taken, { name: 'other' })]
  const refused = await openForwards(services, world.context).catch((error: OpsError) => error)
  assert.is((refused as OpsError).code, 4)
  assert.match((refused as OpsError).message, `other: port ${taken} is in use by process ${process.pid}: `)
  assert.is(await ask(taken), 'stranger')
  stranger.close()
  world.opened.push(await openForwards([nextjs(free)], world.context))
})
forwards.run()
