import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { holderInLsof, holderText, listeningInodes, portHolder } from '../../../lib/runtime/port-holder.ts'
import { freePort } from '../support/server.ts'

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000 100 0 0 10 0
   1: 0100007F:0BB8 0100007F:D2A4 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000 20 4 30 10 -1
   2: 00000000000000000000000001000000:0BB9 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4713 1 0 100 0 0 10 0
`
const holders = suite('who holds a port')
for (const [why, port, expected] of [
  ['the one that listens, and not its connections', 3000, ['4711']],
  ['on an address of IPv6', 3001, ['4713']],
  ['nobody', 3002, []],
] as const) {
  holders(why, () => assert.equal(listeningInodes(TABLE, port), [...expected]))
}
for (const [why, text, expected] of [
  ['a process', 'p812\ncnode\nf23\n', { pid: 812, command: 'node' }],
  ['nothing', '', undefined],
] as const) {
  holders(`lsof: ${why}`, () => assert.equal(holderInLsof(text), expected))
}
holders('this process', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const found = await portHolder((server.address() as AddressInfo).port)
  server.close()
  assert.is(found?.pid, process.pid)
  assert.match(found?.command ?? '', 'node')
  assert.match(holderText(found), `by process ${process.pid}: `)
})
holders('nobody, or somebody who is not seen', async () => {
  assert.is(await portHolder(await freePort()), undefined)
  assert.match(holderText(undefined), 'only its own user or root can see')
})
holders.run()
