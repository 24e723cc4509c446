import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { selectFields } from '../../lab/google/http/fields.ts'
import { mergePatch } from '../../lab/google/http/merge-patch.ts'
import { parseMultipart } from '../../lab/google/http/multipart.ts'
import { Rate } from '../../lab/google/http/rate.ts'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

const answer = {
  kind: 'list',
  nextPageToken: 't',
  items: [
    { name: 'a', size: '1', owner: { id: 7, kind: 'user' } },
    { name: 'b', size: '2' },
  ],
}

const fields = suite('partial responses')
const selections: [string, object][] = [
  ['nextPageToken', { nextPageToken: 't' }],
  ['items/name', { items: [{ name: 'a' }, { name: 'b' }] }],
  [
    'items/name,items/size',
    {
      items: [
        { name: 'a', size: '1' },
        { name: 'b', size: '2' },
      ],
    },
  ],
  ['items(name,owner/id),kind', { kind: 'list', items: [{ name: 'a', owner: { id: 7 } }, { name: 'b' }] }],
  ['items,items/name', { items: answer.items }],
  ['items/*', { items: answer.items }],
  ['*', answer],
  ['prefixes', {}],
]
for (const [selector, wanted] of selections) fields(selector, () => assert.equal(selectFields(answer, selector), wanted))
for (const selector of ['', 'a,', 'a/', '(a)', 'a(b', 'a)b'])
  fields(`refuses ${selector}`, () => assert.throws(() => selectFields(answer, selector), /Invalid field selection/))
fields.run()

const patches = suite('merge patch')
const merges: [string, Record<string, unknown>, Record<string, unknown>, Record<string, unknown>][] = [
  ['adds and replaces', { a: 1 }, { a: 2, b: 3 }, { a: 2, b: 3 }],
  ['removes by null', { a: 1, b: 2 }, { a: null }, { b: 2 }],
  ['merges below', { labels: { a: 'x', b: 'y' } }, { labels: { a: null, c: 'z' } }, { labels: { b: 'y', c: 'z' } }],
  ['replaces lists', { a: [1, 2] }, { a: [3] }, { a: [3] }],
  ['makes what is not there', {}, { a: { b: 1, c: null } }, { a: { b: 1 } }],
]
for (const [name, current, patch, wanted] of merges) patches(name, () => assert.equal(mergePatch(current, patch), wanted))
patches.run()

const multipart = suite('multipart bodies')
for (const [name, newline] of [
  ['CRLF', '\r\n'],
  ['LF alone', '\n'],
] as const) {
  multipart(`with ${name}`, () => {
    const body = ['--b', 'Content-Type: application/json', '', '{}', '--b', '', 'a\r\n\nb', '--b--', ''].join(newline)
    const parts = parseMultipart('multipart/related; boundary="b"', Buffer.from(body))
    assert.equal(
      parts.map(({ headers, content }) => [headers['content-type'], content.toString()]),
      [
        ['application/json', '{}'],
        [undefined, 'a\r\n\nb'],
      ],
    )
  })
}
multipart('that is cut off', () => {
  assert.throws(() => parseMultipart('multipart/related; boundary=b', Buffer.from('--b\r\n\r\nhalf')), /cut off/)
})
multipart.run()

const rate = suite('rate')
rate('as many as may come in a minute, then as they come back', () => {
  const limit = new Rate(() => 60)
  for (let index = 0; index < 60; index++) limit.take('p', 0)
  assert.throws(() => limit.take('p', 0), /Queries per minute/)
  limit.take('p', 1000)
  assert.throws(() => limit.take('p', 1000))
  for (let index = 0; index < 10; index++) limit.take('p', 11_000)
  assert.throws(() => limit.take('p', 11_000))
  limit.take('another', 11_000)
})
rate.run()

interface Context {
  lab: TestLab
}

const batch = suite<Context>('batches')
batch.before(async context => {
  context.lab = await TestLab.start()
})
batch.after(({ lab }) => lab.stop())

batch('answers each part, good or bad, by its id', async ({ lab }) => {
  const part = (id: string, request: string) =>
    `--edge\nContent-Type: application/http\nContent-ID: <x+${id}>\n\n${request} HTTP/1.1\nContent-Type: application/json\n`
  const networks = `/compute/v1/projects/${PROJECT}/global/networks`
  const body = [
    `${part('1', `POST ${networks}`)}\n{"name":"net"}`,
    part('2', `GET ${networks}/nobody`),
    part('3', `GET /compute/v1/projects/${PROJECT}/zones/us-east1-b?fields=name`),
    '--edge--',
  ].join('\n')
  const send = (token: string) =>
    fetch(`${lab.url}/batch/compute/v1`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'multipart/mixed; boundary="edge"' },
      body,
    })
  const response = await send(TOKEN)
  const parts = parseMultipart(response.headers.get('content-type') ?? '', Buffer.from(await response.arrayBuffer()))
  const seen = parts.map(({ headers, content }) => [headers['content-id'], content.toString().split('\r\n')[0]])
  assert.equal(seen, [
    ['<response-x+1>', 'HTTP/1.1 200 OK'],
    ['<response-x+2>', 'HTTP/1.1 404 Not Found'],
    ['<response-x+3>', 'HTTP/1.1 200 OK'],
  ])
  assert.match(parts[2]?.content.toString() ?? '', '{"name":"us-east1-b"}')
  assert.is((await lab.request('GET', `${networks}/net`)).status, 200)
  assert.is((await send('wrong')).status, 401)
})
batch.run()

const hosts = suite('hosts')
hosts('nothing for a website that leads to this port, not even with the token', async () => {
  const lab = await TestLab.start()
  try {
    for (const [host, expected] of [
      [`127.0.0.1:${lab.port}`, 200],
      [`localhost:${lab.port}`, 200],
      [`evil.example:${lab.port}`, 421],
    ] as const) {
      const headers = { host, authorization: `Bearer ${TOKEN}` }
      const asked = request(`${lab.url}/compute/v1/projects/${PROJECT}/global/networks`, { headers }).end()
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      answer.resume()
      assert.is(answer.statusCode, expected, host)
    }
  } finally {
    await lab.stop()
  }
})
hosts.run()
