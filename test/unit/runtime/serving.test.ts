import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { answering, BadRequest, decoded, objectIn, targetOf } from '../../../lib/runtime/serving.ts'

const targets = suite('targetOf')
const good: [string, string, string][] = [
  ['/', '/', ''],
  ['/a/b?c=d', '/a/b', '?c=d'],
  ['/a//b', '/a//b', ''],
  ['/a%2fb%20c', '/a%2fb%20c', ''],
  ['/a?b=%ff', '/a', '?b=%ff'],
  ['/a/../b', '/b', ''],
  ['/%e2%82%ac', '/%e2%82%ac', ''],
  ['http://elsewhere/a?b', '/a', '?b'],
]
for (const [url, pathname, search] of good) {
  targets(`${url} is a path`, () => {
    const target = targetOf({ url })
    assert.equal([target.pathname, target.search], [pathname, search])
  })
}
const bad = ['//', '//host/a', '', 'a', '*', '/%ff', '/%', '/a/%zz', '/%00', '/a%0d%0ab', 'http://', 'ftp://a/b', 'http:///a']
for (const url of bad) {
  targets(`${url} is none`, () => {
    assert.throws(
      () => targetOf({ url }),
      (error: unknown) => error instanceof BadRequest && error.status === 400,
    )
  })
}
targets('a part of it is decoded', () => assert.is(decoded('a%2Fb%e2%82%ac'), 'a/b€'))
targets.run()

const bodies = suite('objectIn')
bodies('an object', () => assert.equal(objectIn('{"a": [null, {"b": 1}]}'), { a: [null, { b: 1 }] }))
const noObjects = [
  '',
  '1',
  'null',
  '[]',
  '"a"',
  '{',
  '{}{}',
  '{"__proto__": {}}',
  '{"a": [{"__proto__": 1}]}',
  '['.repeat(100_000),
]
for (const body of noObjects) bodies(`${body.slice(0, 30)} is none`, () => assert.throws(() => objectIn(body), /body is not/))
bodies.run()

/** Sends a request to a server with this handler. @returns what it answers */
async function answerOf(handler: Parameters<typeof answering>[0]): Promise<string> {
  const server = createServer(answering(handler)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.write('GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    return await text(socket)
  } finally {
    server.close()
  }
}

const handlers = suite('answering')
const { error } = console
handlers.before(() => {
  console.error = () => undefined
})
handlers.after(() => {
  console.error = error
})
const failing: [string, Parameters<typeof answering>[0], RegExp][] = [
  [
    'what the sender has to mend',
    () => {
      throw new BadRequest('mend it', 418)
    },
    /^HTTP\/1.1 418 [\s\S]*mend it\n/,
  ],
  [
    'any other failure',
    () => {
      throw new Error('broken')
    },
    /^HTTP\/1.1 500 [\s\S]*broken\n/,
  ],
  [
    'a failure later on',
    async () => {
      throw new Error('broken')
    },
    /^HTTP\/1.1 500 /,
  ],
  ['headers that no answer may have', (_, response) => response.writeHead(200, { 'content-type': 'a\nb' }), /^HTTP\/1.1 500 /],
  [
    'a failure in the middle of an answer breaks it off',
    (_, response) => {
      response.writeHead(200).write('half')
      throw new Error('broken')
    },
    /^(?![\s\S]*0\r\n\r\n$)/,
  ],
]
for (const [what, handler, wanted] of failing) {
  handlers(what, async () => assert.match(await answerOf(handler), wanted))
}
handlers.run()
