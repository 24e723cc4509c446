import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import { openTunnel } from '../../lib/google/tunnel.ts'
import { freePort } from '../unit/support/server.ts'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

interface Context {
  lab: TestLab
  echo: Server
}

const iap = suite<Context>('IAP relay')

iap.before.each(async context => {
  context.lab = await TestLab.start()
  await context.lab.makeInstance()
  context.echo = createServer(socket => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(context.echo, 'listening')
  context.lab.hypervisor.ports.set(22, (context.echo.address() as AddressInfo).port)
})
iap.after.each(async ({ lab, echo }) => {
  await lab.stop()
  echo.close()
})

const CONNECT = 0x0001
const RECONNECT = 0x0002
const DATA = 0x0004

const target = (port: number, name = 'threads-lab-vm') =>
  `connect?project=${PROJECT}&zone=us-east1-b&instance=${name}&interface=nic0&port=${port}`

class Client {
  readonly socket: WebSocket
  readonly frames: Buffer[] = []

  constructor({ port }: TestLab, path: string, token = TOKEN) {
    const headers = { authorization: `Bearer ${token}` }
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/v4/${path}`, 'relay.tunnel.cloudproxy.app', { headers })
    this.socket.on('message', (frame: Buffer) => this.frames.push(frame))
  }

  /** The first frame with this tag, without it. */
  async frame(tag: number): Promise<Buffer> {
    for (;;) {
      const found = this.frames.find(frame => frame.readUInt16BE(0) === tag)
      if (found) return found.subarray(2)
      await once(this.socket, 'message')
    }
  }

  /** What came in data frames, once it is as much as wanted. */
  async data(length: number): Promise<string> {
    for (;;) {
      const parts = this.frames.filter(frame => frame.readUInt16BE(0) === DATA).map(frame => frame.subarray(6))
      const all = Buffer.concat(parts).toString()
      if (all.length >= length) return all
      await once(this.socket, 'message')
    }
  }

  send(text: string): void {
    const head = Buffer.alloc(6)
    head.writeUInt16BE(DATA)
    head.writeUInt32BE(text.length, 2)
    this.socket.send(Buffer.concat([head, Buffer.from(text)]))
  }

  async closeCode(): Promise<number> {
    const [code] = await once(this.socket, 'close')
    return code
  }
}

iap('carries bytes both ways', async ({ lab }) => {
  const client = new Client(lab, target(22))
  await client.frame(CONNECT)
  client.send('hello')
  assert.is(await client.data(5), 'hello')
  client.socket.close()
})

iap('goes on over another WebSocket after a break', async ({ lab }) => {
  const first = new Client(lab, target(22))
  const sid = (await first.frame(CONNECT)).subarray(4).toString()
  first.send('before')
  await first.data(6)
  first.socket.terminate()
  const second = new Client(lab, `reconnect?sid=${sid}&ack=3&zone=us-east1-b`)
  assert.is((await second.frame(RECONNECT)).readBigUInt64BE(), 6n)
  second.send('after')
  assert.is(await second.data(8), 'oreafter')
  second.socket.close()
})

iap('closes with the codes that clients know', async ({ lab }) => {
  assert.is(await new Client(lab, target(22, 'nobody')).closeCode(), 4047)
  assert.is(await new Client(lab, target(6443)).closeCode(), 4003, 'nothing listens')
  assert.is(await new Client(lab, target(80)).closeCode(), 4003, 'no firewall rule')
  assert.is(await new Client(lab, 'reconnect?sid=unknown&ack=0').closeCode(), 4001)
})

for (const ack of ['', 'x', 'NaN', '-1', '1e3', '99999999999999999999', '0x1']) {
  iap(`a reconnection that acknowledges ${ack || 'nothing'} is a bad one`, async ({ lab }) => {
    const first = new Client(lab, target(22))
    const sid = (await first.frame(CONNECT)).subarray(4).toString()
    first.send('before')
    await first.data(6)
    const second = new Client(lab, `reconnect?sid=${sid}&ack=${ack}`)
    assert.is(await second.closeCode(), 4005)
    assert.is(first.socket.readyState, first.socket.OPEN)
    first.socket.close()
  })
}

const wrongFrames: [string, string, number][] = [
  ['nothing', '', 4013],
  ['half a tag', '00', 4013],
  ['a tag that is not known', '0063', 4008],
  ['data without a length', '0004', 4013],
  ['less data than it says', '00040000000901', 4013],
  ['more data than a frame may have', '0004ffffffff01', 4013],
  ['half an acknowledgement', '000701', 4013],
  ['an acknowledgement of what was never sent', '0007ffffffffffffffff', 4005],
]
for (const [what, bytes, code] of wrongFrames) {
  iap(`${what} ends the tunnel, and no other`, async ({ lab }) => {
    const [other, client] = [new Client(lab, target(22)), new Client(lab, target(22))]
    await Promise.all([other.frame(CONNECT), client.frame(CONNECT)])
    client.socket.send(Buffer.from(bytes, 'hex'))
    assert.is(await client.closeCode(), code)
    other.send('hello')
    assert.is(await other.data(5), 'hello')
    other.socket.close()
  })
}

iap('a tunnel goes on after a break, and ends with its user', async ({ lab }) => {
  const port = await freePort()
  const leadsTo = {
    relay: lab.url.replace('http', 'ws'),
    project: PROJECT,
    zone: 'us-east1-b',
    instance: 'threads-lab-vm',
    port: 22,
  }
  const tunnel = await openTunnel(port, { leadsTo, token: async () => TOKEN })
  const socket = connect(port, '127.0.0.1')
  const deadline = () => ({ signal: AbortSignal.timeout(10_000) })
  try {
    for (const text of ['before', 'after']) {
      socket.write(text)
      assert.is(String((await once(socket, 'data', deadline()))[0]), text)
      assert.is((await lab.request('POST', '/lab/tunnels/cut')).status, 204)
    }
  } finally {
    const closed = once(socket, 'close', deadline())
    await tunnel.close()
    await closed
  }
})

iap('lets nobody in without the token', async ({ lab }) => {
  const { socket } = new Client(lab, target(22), 'wrong')
  const [error] = await once(socket, 'error').catch(thrown => [thrown])
  assert.match(error.message, '401')
})

iap.run()
