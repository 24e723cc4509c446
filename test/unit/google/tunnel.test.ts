import { connect, createServer } from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openTunnel } from '../../../lib/google/tunnel.ts'

const tunnels = suite('openTunnel')

/** A remote end that says its name to whoever connects. */
const remote = (name: string) => async (): Promise<Duplex> => {
  const stream = new PassThrough()
  stream.end(name)
  return Duplex.from({ readable: stream, writable: new PassThrough() })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

/** What the far end says; undefined when nobody listens. */
const heard = (port: number): Promise<string | undefined> =>
  new Promise(resolve => {
    let said = ''
    connect(port, '127.0.0.1')
      .on('data', data => {
        said += data
      })
      .on('error', () => resolve(undefined))
      .on('end', () => resolve(said))
  })

async function heardSoon(port: number): Promise<string | undefined> {
  for (let left = 20; left > 0; left--) {
    const said = await heard(port)
    if (said !== undefined) return said
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return undefined
}

tunnels('the first one listens, the second one uses it', async () => {
  const port = await freePort()
  const first = await openTunnel(port, remote('first'))
  const second = await openTunnel(port, remote('second'))
  assert.equal([first.own, second.own], [true, false])
  assert.is(await heard(port), 'first')
  await Promise.all([second.close(), first.close()])
  assert.is(await heard(port), undefined)
})

tunnels('when the first one ends, the second takes its place, and after it the third', async () => {
  const port = await freePort()
  const first = await openTunnel(port, remote('first'))
  const second = await openTunnel(port, remote('second'))
  await first.close()
  assert.is(await heardSoon(port), 'second')
  const third = await openTunnel(port, remote('third'))
  await second.close()
  assert.is(await heardSoon(port), 'third')
  await third.close()
})

tunnels('one that is closed takes no place', async () => {
  const port = await freePort()
  const first = await openTunnel(port, remote('first'))
  const second = await openTunnel(port, remote('second'))
  await second.close()
  await first.close()
  await new Promise(resolve => setTimeout(resolve, 250))
  assert.is(await heard(port), undefined)
})

tunnels.run()
