import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Credentials } from '../../../lib/google/credentials.ts'
import { openLargeObjects } from '../../../lib/google/large-objects.ts'
import type { OpsError } from '../../../lib/runtime/errors.ts'
import { withServer } from '../support/server.ts'

const client = new OAuth2Client()
client.setCredentials({ access_token: 'a-token' })
const credentials = { client: async () => client } as unknown as Credentials

const CHUNK = 1000

/** What goes wrong with the nth PUT of content, counted from 1: how many of its bytes are kept, and the answer, if there is one. */
type Fault = { keeps: number; status?: number }

/** A bucket whose uploads are not smooth. @returns what it has in the end, and the ranges that it was sent */
async function upload(content: Buffer, faults: Record<number, Fault>) {
  let has = Buffer.alloc(0)
  let number = 0
  const ranges: string[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'POST') return response.setHeader('location', `http://${request.headers.host}/session`).end()
    if (request.method === 'DELETE') return response.writeHead(499).end()
    const body = await buffer(request)
    const range = request.headers['content-range'] ?? ''
    ranges.push(range)
    const [, from, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(range) ?? []
    const fault = from === undefined ? undefined : faults[++number]
    if (from !== undefined) has = Buffer.concat([has.subarray(0, Number(from)), body.subarray(0, fault?.keeps ?? body.length)])
    if (fault?.status) return response.writeHead(fault.status).end()
    if (fault && fault.status === 0) return request.socket.destroy()
    if (total !== '*' && has.length === Number(total))
      return response.setHeader('content-type', 'application/json').end(JSON.stringify({ generation: '7', size: total }))
    return response.writeHead(308, has.length > 0 ? { range: `bytes=0-${has.length - 1}` } : {}).end()
  }
  let written: unknown
  await withServer(
    (request, response) => void serve(request, response),
    async url => {
      const bucket = await openLargeObjects('b', credentials, { endpoint: url, chunk: CHUNK })
      written = await bucket.upload('a', Readable.from([content])).catch((error: OpsError) => error)
    },
  )
  return { has, ranges, written }
}

const uploads = suite('an upload that does not go smoothly')
const content = Buffer.from(Array.from({ length: 2500 }, (_, index) => index % 251))
for (const [why, faults, ranges] of [
  ['smoothly', {}, ['bytes 0-999/*', 'bytes 1000-1999/*', 'bytes 2000-2499/2500']],
  [
    'the bucket keeps a part of a chunk: the rest is sent again',
    { 2: { keeps: 300 } },
    ['bytes 0-999/*', 'bytes 1000-1999/*', 'bytes 1300-1999/*', 'bytes 2000-2499/2500'],
  ],
  [
    'an answer is lost: it is asked what it has',
    { 2: { keeps: 1000, status: 0 } },
    ['bytes 0-999/*', 'bytes 1000-1999/*', 'bytes */*', 'bytes 2000-2499/2500'],
  ],
  [
    'overloaded: it is asked what it has, and sent the rest',
    { 1: { keeps: 400, status: 503 } },
    ['bytes 0-999/*', 'bytes */*', 'bytes 400-999/*', 'bytes 1000-1999/*', 'bytes 2000-2499/2500'],
  ],
  [
    'the last answer is lost: the object is there',
    { 3: { keeps: 500, status: 0 } },
    ['bytes 0-999/*', 'bytes 1000-1999/*', 'bytes 2000-2499/2500', 'bytes */2500'],
  ],
] as const)
  uploads(why, async () => {
    const done = await upload(content, faults)
    assert.equal(done.ranges, [...ranges])
    assert.ok(done.has.equals(content))
    assert.is((done.written as { generation: string }).generation, '7')
  })
for (const [why, faults, code] of [
  ['the session is gone: 4', { 2: { keeps: 0, status: 404 } }, 4],
  ['refused: 5', { 1: { keeps: 0, status: 403 } }, 5],
  ['another object is there by now: 4', { 3: { keeps: 0, status: 412 } }, 4],
] as const)
  uploads(why, async () => assert.is(((await upload(content, faults)).written as OpsError).code, code))
uploads('it keeps nothing at all, and says so each time: an end', async () => {
  const done = await upload(content, Object.fromEntries(Array.from({ length: 20 }, (_, n) => [n + 1, { keeps: 0 }])))
  assert.is((done.written as OpsError).code, 5)
})
uploads('what is read and cut fails', async () => {
  await withServer(
    (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('half')
      setTimeout(() => response.destroy(), 50)
    },
    async url => {
      const bucket = await openLargeObjects('b', credentials, { endpoint: url })
      const error = await bucket
        .download('a', '1')
        .then(buffer)
        .catch((error: Error) => error)
      assert.instance(error, Error)
    },
  )
})
uploads.run()
