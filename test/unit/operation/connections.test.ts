import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { lazy, openConnections, patient } from '../../../lib/operation/connections.ts'
import { external, timedOut } from '../../../lib/runtime/errors.ts'
import { freePort, withServer } from '../support/server.ts'

/** An opening that ends when the test says so; each is numbered. */
function openings() {
  const pending: { resolve(value: string): void; reject(error: Error): void }[] = []
  const args: unknown[][] = []
  const open = lazy((...given: unknown[]) => {
    args.push(given)
    return new Promise<string>((resolve, reject) => pending.push({ resolve, reject }))
  })
  const end = (number: number) => pending[number - 1] as (typeof pending)[number]
  return { open, end, args, count: () => pending.length }
}
const failed = (promise: Promise<unknown>) =>
  promise.then(
    () => 'it did not fail',
    error => (error as Error).message,
  )

const opens = suite('lazy')
opens('is not opened before it is asked for, and then once for all', async () => {
  const { open, end, count } = openings()
  assert.is(count(), 0)
  const callers = [open(), open(), open()]
  assert.is(count(), 1)
  end(1).resolve('a')
  assert.equal(await Promise.all(callers), ['a', 'a', 'a'])
  assert.is(await open(), 'a')
  assert.is(count(), 1)
})
opens('the first call says how', async () => {
  const { open, args } = openings()
  open(1)
  open(2)
  assert.equal(args, [[1]])
})
opens('a failure is for those who waited for it: the next call tries again', async () => {
  const { open, end, count } = openings()
  const callers = [open(), open()]
  end(1).reject(new Error('away'))
  assert.equal(await Promise.all(callers.map(failed)), ['away', 'away'])
  const again = open()
  assert.is(count(), 2)
  end(2).resolve('b')
  assert.is(await again, 'b')
  assert.is(await open(), 'b')
})
opens('a failure that nobody waits for ends no process', async () => {
  const { open, end } = openings()
  open()
  open.forget()
  end(1).reject(new Error('away'))
  await new Promise(setImmediate)
})
opens('forgotten, it is handed over and opened anew', async () => {
  const { open, end, count } = openings()
  assert.is(open.forget(), undefined)
  const first = open()
  assert.is(open.forget(), first)
  assert.is(open.forget(), undefined)
  const second = open()
  assert.is(count(), 2)
  end(2).resolve('b')
  end(1).resolve('a')
  assert.equal([await first, await second, await open()], ['a', 'b', 'b'])
})
opens('the failure of an earlier opening does not take a later one away', async () => {
  const { open, end, count } = openings()
  const first = open()
  open.forget()
  const second = open()
  end(1).reject(new Error('away'))
  assert.is(await failed(first), 'away')
  await new Promise(setImmediate)
  assert.is(open(), second)
  end(2).resolve('b')
  assert.is(await open(), 'b')
  assert.is(count(), 2)
})
opens('a deadline is that of its caller: who has more time tries again', async () => {
  const asked: (number | undefined)[] = []
  const { promise, reject } = Promise.withResolvers<string>()
  const host = patient(async within => {
    asked.push(within)
    return asked.length === 1 ? promise : 'open'
  })
  const [hasty, unhurried] = [host(10), host()]
  reject(timedOut('too late', 'again'))
  assert.equal([await failed(hasty), await unhurried, asked], ['too late', 'open', [10, undefined]])
})
opens('what failed for another reason is not tried again', async () => {
  let opened = 0
  const host = patient(async () => {
    opened++
    throw external('away', 'again')
  })
  assert.equal(await Promise.all([host(10), host()].map(failed)), ['away', 'away'])
  assert.is(opened, 1)
})
opens.run()

/** Connections of an environment whose base layer says this; Google is not reached. */
function connections(outputs: Record<string, () => string>, over: object = {}) {
  const asked: string[] = []
  const sources = {
    environment: {},
    endpoints: undefined,
    credentials: {},
    baseLayer: '00-vpc',
    output: async (layer: string, name: string) => {
      asked.push(`${layer} ${name}`)
      return outputs[name]?.() ?? ''
    },
    signal: new AbortController().signal,
    ...over,
  } as unknown as Parameters<typeof openConnections>[0]
  return { ...openConnections(sources), asked }
}

const places = suite('where Google is asked')
places('the project and the zone that are said', async () => {
  const { defaults, apiEnd } = connections({ project_id: () => 'p', zone: () => 'us-east1-b', vm_name: () => 'vm' })
  assert.equal(await defaults(), { project: 'p', zone: 'us-east1-b', region: 'us-east1' })
  const { project, zone, instance, port } = await apiEnd()
  assert.equal([project, zone, instance, port], ['p', 'us-east1-b', 'vm', 6443])
})
const client = new OAuth2Client()
client.setCredentials({ access_token: 'token' })
places('a connection to a VM that is off says so, and until when', async () => {
  const vm = (_request: unknown, response: ServerResponse) =>
    void response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ name: 'vm', id: '1', status: 'TERMINATED', disks: [], networkInterfaces: [] }))
  await withServer(vm, async url => {
    const { dial } = connections(
      { project_id: () => 'p', zone: () => 'us-east1-b', vm_name: () => 'vm' },
      {
        environment: { schedule: { on: '09:00', off: '21:00', timeZone: 'UTC' } },
        endpoints: { compute: url, iapRelay: `ws://127.0.0.1:${await freePort()}` },
        credentials: { token: async () => 'token', client: async () => client },
        now: () => new Date('2025-12-01T03:00:00Z'),
      },
    )
    assert.is(await failed(dial(22)), 'VM/vm is off until 09:00 (UTC), by its schedule')
  })
})
places.run()

const port = String(await freePort())
const closes = suite('disconnect')
closes('what was never opened is not opened for it', async () => {
  const { disconnect, asked } = connections({})
  await disconnect()
  assert.equal(asked, [])
})
closes('closes what is open; the next call opens it again', async () => {
  const { tunnel, disconnect } = connections({ api_local_port: () => port })
  const first = await tunnel()
  assert.is(await tunnel(), first)
  let closed = 0
  const { close } = first
  first.close = async () => {
    closed++
    await close()
  }
  await disconnect()
  assert.is(closed, 1)
  const second = await tunnel()
  assert.is.not(second, first)
  await disconnect()
})
closes('what could not be opened is nothing to close', async () => {
  let away = true
  const { tunnel, disconnect } = connections({
    api_local_port: () => {
      if (away) throw new Error('not applied')
      return port
    },
  })
  const opening = failed(tunnel())
  await disconnect()
  assert.is(await opening, 'not applied')
  away = false
  await tunnel()
  await disconnect()
})
closes('what never opens is given up', async () => {
  const { host, disconnect } = connections(
    {
      vm_name: () => new Promise<never>(() => undefined) as unknown as string,
      project_id: () => 'p',
      zone: () => 'us-east1-b',
    },
    { environment: { name: 'prod', access: { ssh: { user: 'ops' } } }, credentials: { client: async () => client } },
  )
  void host().catch(() => undefined)
  const began = performance.now()
  await disconnect()
  assert.ok(performance.now() - began < 10_000)
})
closes('a tunnel that is only being opened is closed once it is open', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const { tunnel, disconnect } = connections({ api_local_port: () => promise as unknown as string })
  const opening = failed(tunnel())
  const ending = disconnect()
  resolve(port)
  await ending
  assert.match(await opening, /interrupted|it did not fail/)
  const server = createServer()
  server.listen(Number(port), '127.0.0.1')
  await once(server, 'listening')
  server.close()
})
closes.run()
