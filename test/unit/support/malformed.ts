import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A whole number below a limit. */
export type Random = (below: number) => number

/** mulberry32: the same numbers for the same seed. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

export const bytesFrom = (random: Random, length: number): Buffer => Buffer.from(Array.from({ length }, () => random(256)))

export interface Malformed {
  what: string
  /** Sent one after the other, a moment apart. */
  pieces: Buffer[]
  /** How the sender goes on: it waits for the answer, closes its half of the connection, or breaks it off. */
  after: 'waits' | 'closes' | 'breaks off'
  /**
   * `refused`: a status of 4xx; `closed`: that, or no answer at all, where nothing whole was sent; `survived`: any answer but 5xx, for what one
   * server refuses and another need not look at.
   */
  wants: 'refused' | 'closed' | 'survived'
}

export interface HttpOptions {
  /** Paths below which there is something. */
  below: string[]
  /** What each request needs to be looked at: its token, say. */
  headers?: string[]
  /** Requests whose body is JSON, as `POST /path`. */
  takesJson?: string[]
  /** A path that is upgraded to WebSockets. */
  upgrades?: string
  /** Sent ahead of each request. */
  ahead?: Buffer
  /** How many of the requests below its own paths are sent: another seed sends others. */
  most?: number
}

const BAD_ESCAPES = ['%ff', '%', '%zz', '%e0%a4%a', '%c0%ae%c0%ae', '%00', 'a%0d%0aX-Injected:%20b', '\xff\xfe', '\x7f']
const BAD_TARGETS = ['//', '///', '//evil.example/', '', '*', 'x', 'http://', 'http://[', '?', '/ /', '/\0']
const ODD_PARTS = [
  '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '%2f%2f',
  '..;/',
  '__proto__',
  'constructor',
  '\\',
  '%25ff',
  '{x}',
  `${'a'.repeat(3000)}`,
  '-x',
  '%f0%9f%98%80',
]
const ODD_QUERIES = [
  '?%ff',
  '?a=%',
  '?fields=(((',
  '?filter=((',
  '?maxResults=-1',
  '?pageToken=%00',
  '?alt=media&alt=json',
  '?uploadType=%ff',
  `?x=${'&x'.repeat(2000)}`,
  '?wait_for_change=true&timeout_sec=x',
  '?name=..&ifGenerationMatch=x',
  '?__proto__=1',
  '?#',
  '?service=git-receive-pack%00',
]
const WRONG_METHODS = ['PROPFIND', 'TRACE', 'PURGE', 'LINK', 'M-SEARCH', 'SUBSCRIBE']
const NO_METHODS = ['BREW', 'get', '', 'G\0T', 'GET\t', 'POST POST']
const BAD_HEADERS = [
  'no colon',
  'X: a\0b',
  ': nameless',
  'X Y: a',
  'Content-Length: -1',
  'Content-Length: 1e3',
  'Content-Length: 5\r\nContent-Length: 6',
  'Content-Length: 5\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked, chunked',
  `X: ${'a'.repeat(40_000)}`,
]
const ODD_HEADERS = [
  'Host: [',
  'Host: a b',
  'Host: x/../..',
  'Host: \xff',
  'Host: ',
  'Authorization: ',
  'Authorization: Basic',
  'Authorization: Basic \xff!',
  'Authorization: Bearer a b c',
  'Range: bytes=9-1,x',
  'Content-Range: bytes x-y/z',
  'Content-Type: multipart/related',
  'Content-Type: \xff',
  'Git-Protocol: \xff',
  'If-None-Match: "',
  'Expect: nothing',
  'Transfer-Encoding: xyz',
  'Cookie: __proto__=1',
  'Connection: upgrade, host, content-length',
  'Trailer: content-length',
  Array.from({ length: 1500 }, (_, index) => `X${index}: a`).join('\r\n'),
]
const BAD_BODIES: [string, Buffer][] = [
  ['text', Buffer.from('not JSON')],
  ['cut off', Buffer.from('{"name": "a')],
  ['two values', Buffer.from('{}{}')],
  ['null', Buffer.from('null')],
  ['a list', Buffer.from('[]')],
  ['a number', Buffer.from('17')],
  ['a text in quotes', Buffer.from('"a"')],
  ['deep lists', Buffer.from('['.repeat(100_000))],
  ['deep objects', Buffer.from(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`)],
  ['__proto__', Buffer.from('{"__proto__": {"polluted": true}}')],
  ['__proto__ below', Buffer.from('{"labels": {"__proto__": {"polluted": true}}}')],
  ['bytes', Buffer.from([0xff, 0xfe, 0, 1, 2, 0x80])],
]

const request = (line: string, headers: string[], body: Buffer = Buffer.alloc(0)): Buffer =>
  Buffer.concat([Buffer.from(`${line}\r\n${headers.map(header => `${header}\r\n`).join('')}\r\n`, 'latin1'), body])

/** Malformed requests for a server of HTTP: all that need no path of its own, and those of the seed that do. */
export function malformedHttp(random: Random, options: HttpOptions): Malformed[] {
  const { ahead, most = 100 } = options
  const always = requestsFor(random, { ...options, below: [], takesJson: options.takesJson?.slice(0, 1) ?? [] })
  const below = requestsFor(random, options).filter(({ what }) => !always.some(one => one.what === what))
  const chosen = Array.from({ length: Math.min(most, below.length) }, () => below.splice(random(below.length), 1)).flat()
  const all = [...always, ...chosen]
  return ahead ? all.map(one => ({ ...one, pieces: [ahead, ...one.pieces] })) : [...all, ...malformedBytes(random)]
}

function requestsFor(random: Random, { below, headers = [], takesJson = [], upgrades }: HttpOptions): Malformed[] {
  const usual = ['Host: localhost', 'Connection: close', ...headers]
  const found: Malformed[] = []
  const add = (wants: Malformed['wants'], what: string, ...pieces: Buffer[]) =>
    found.push({ what, wants, pieces, after: wants === 'closed' ? 'closes' : 'waits' })
  const line = (wants: Malformed['wants'], text: string, more: string[] = []) =>
    add(wants, text.slice(0, 80), request(`${text} HTTP/1.1`, [...usual, ...more]))

  for (const target of BAD_TARGETS) line('refused', `GET ${target}`)
  for (const folder of ['/', ...below]) {
    for (const bad of BAD_ESCAPES) {
      line('refused', `GET ${folder}${bad}`)
      line('refused', `POST ${folder}a/${bad}/b`)
    }
    for (const part of ODD_PARTS) for (const method of ['GET', 'POST', 'DELETE']) line('survived', `${method} ${folder}${part}`)
    for (const query of ODD_QUERIES) line('survived', `GET ${folder}${query}`)
    for (const method of WRONG_METHODS) line('refused', `${method} ${folder}`)
    for (const header of ODD_HEADERS) line('survived', `GET ${folder}`, [header])
    for (let turn = 0; turn < 8; turn++) {
      const target = bytesFrom(random, 1 + random(60))
        .toString('latin1')
        .replace(/[\r\n ]/g, '%')
      line('survived', `${['GET', 'PUT', 'DELETE', 'HEAD'][random(4)]} ${folder}${target}`)
      line('refused', `GET ${folder}${'ab'.repeat(random(9))}%${'ghxyz'[random(5)]}${random(10)}`)
    }
  }
  line('refused', `GET /${'a'.repeat(70_000)}`)
  for (const method of NO_METHODS) line('refused', `${method} /`)
  for (const header of BAD_HEADERS) add('refused', header.slice(0, 60), request('GET / HTTP/1.1', [...usual, header]))
  add('refused', 'no Host', request('GET /%ff HTTP/1.1', ['Connection: close']))
  add('refused', 'HTTP/9.9', request('GET / HTTP/9.9', usual))

  for (const target of takesJson) {
    const more = [...usual, 'Content-Type: application/json']
    for (const [what, body] of BAD_BODIES) {
      add('refused', `${target}: ${what}`, request(`${target} HTTP/1.1`, [...more, `Content-Length: ${body.length}`], body))
    }
    const whole = Buffer.from('{"name": "malformed"}')
    const first = whole.subarray(0, 8)
    add('refused', `${target}: too short a length`, request(`${target} HTTP/1.1`, [...more, 'Content-Length: 8'], whole))
    add('closed', `${target}: too long a length`, request(`${target} HTTP/1.1`, [...more, 'Content-Length: 900'], whole))
    const chunked = (body: string) => request(`${target} HTTP/1.1`, [...more, 'Transfer-Encoding: chunked'], Buffer.from(body))
    add('closed', `${target}: a chunk of no size`, chunked('zz\r\n{}\r\n0\r\n\r\n'))
    add('closed', `${target}: a chunk that is cut off`, chunked('20\r\n{"name":'))
    const slowly = request(`${target} HTTP/1.1`, [...more, 'Content-Length: 21'], first)
    found.push({ what: `${target}: broken off`, wants: 'closed', pieces: [slowly, first], after: 'breaks off' })
    for (let turn = 0; turn < 3; turn++) {
      const body = bytesFrom(random, 1 + random(200))
      add(
        'refused',
        `${target}: random bytes`,
        request(`${target} HTTP/1.1`, [...more, `Content-Length: ${body.length}`], body),
      )
    }
  }

  for (const target of ['/', '//', '/%ff', '/nowhere', ...(upgrades ? [upgrades] : [])]) {
    const sound = { Upgrade: 'websocket', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version': '13' }
    const flawed: [string, Record<string, string>][] = [
      ['without a key', { Upgrade: sound.Upgrade, 'Sec-WebSocket-Version': '13' }],
      ['with a bad key', { ...sound, 'Sec-WebSocket-Key': 'x' }],
      ['with a bad version', { ...sound, 'Sec-WebSocket-Version': '99' }],
      ['to something else', { Upgrade: 'h2c' }],
      ['with bad protocols', { ...sound, 'Sec-WebSocket-Protocol': ',,a,,' }],
    ]
    for (const [what, members] of flawed) {
      const lines = Object.entries(members).map(([name, value]) => `${name}: ${value}`)
      const all = ['Host: localhost', 'Connection: Upgrade, close', ...headers, ...lines]
      for (const method of ['GET', 'POST']) {
        const wants = upgrades || target === '//' || target === '/%ff' ? 'refused' : 'survived'
        add(wants, `${method} ${target}: an upgrade ${what}`, request(`${method} ${target} HTTP/1.1`, all))
      }
    }
    const broken = request(`GET ${target} HTTP/1.1`, ['Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket'])
    found.push({ what: `${target}: an upgrade, broken off`, wants: 'survived', pieces: [broken], after: 'breaks off' })
  }
  return found
}

/** What is no message of any of our protocols. */
export function malformedBytes(random: Random): Malformed[] {
  const some = (what: string, ...pieces: (string | Buffer)[]): Malformed => ({
    what,
    wants: 'closed',
    after: 'closes',
    pieces: pieces.map(piece => (typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)),
  })
  return [
    some('nothing'),
    some('nothing, slowly', '\r', '\n', '\r'),
    some('a line of nothing', '\n'),
    some('half a request line', 'GET /hea'),
    some('half a header', 'GET / HTTP/1.1\r\nHos'),
    some('slowly, and never whole', 'GET', ' / HTT', 'P/1.1\r', '\nHost: l'),
    some('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    some('a TLS greeting', Buffer.from('16030100a5010000a10303', 'hex'), bytesFrom(random, 160)),
    some('PROXY, version 1', 'PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n'),
    some('PROXY, version 2, of no family', Buffer.from('0d0a0d0a000d0a515549540a21ff0000', 'hex')),
    some('JSON', '{"verb": null}\n'),
    some('a number', '17\n'),
    some('null', 'null\n'),
    some('text that never ends', 'a'.repeat(200_000)),
    some('zeros', Buffer.alloc(5000)),
    { ...some('broken off', 'GET / HTTP/1.1\r\n'), after: 'breaks off' },
    { ...some('broken off at once'), after: 'breaks off' },
    ...Array.from({ length: 12 }, (_, index) =>
      some(`random bytes, ${index}`, bytesFrom(random, 1 + random(300)), bytesFrom(random, 30)),
    ),
  ]
}

const PIECE_MS = 3
/** How long a sender that waits does so before it closes its half of the connection, where an answer may and where it must come. In milliseconds. */
const [SHORT_PATIENCE_MS, PATIENCE_MS] = [300, 15_000]
/** What no server takes to hang up after that. In milliseconds. */
const ANSWER_MS = 30_000

/** How to reach a server: TCP unless it says otherwise. */
export type Reach = () => Socket

export const toPort =
  (port: number): Reach =>
  () =>
    connect({ port, host: '127.0.0.1', allowHalfOpen: true })

export const toSocket =
  (path: string): Reach =>
  () =>
    connect({ path, allowHalfOpen: true })

function breakOff(socket: Socket): void {
  try {
    socket.resetAndDestroy()
  } catch {
    // Only TCP has a reset.
    socket.destroy()
  }
}

/**
 * Sends it and goes on as it says. @returns everything that was answered until the server hung up
 * @throws Error when it does not
 */
export async function exchange(
  reach: Reach,
  { what, pieces, after = 'waits', wants }: Pick<Malformed, 'what' | 'pieces'> & Partial<Malformed>,
): Promise<string> {
  const socket = reach()
  const received: Buffer[] = []
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.on('data', chunk => received.push(chunk)).on('error', () => resolve())
  socket.on('end', () => resolve()).on('close', () => resolve())
  const patience = setTimeout(() => socket.end(), wants === 'survived' ? SHORT_PATIENCE_MS : PATIENCE_MS)
  const timer = setTimeout(() => reject(new Error(`${what}: neither answered nor closed`)), ANSWER_MS)
  try {
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) await sleep(PIECE_MS)
      if (socket.writable) socket.write(piece)
    }
    if (after === 'closes') socket.end()
    if (after === 'breaks off') {
      await sleep(PIECE_MS)
      breakOff(socket)
    }
    await promise
    return Buffer.concat(received).toString('latin1')
  } finally {
    clearTimeout(patience)
    clearTimeout(timer)
    socket.destroy()
  }
}

/** The statuses in what a connection has answered. */
export const statusesIn = (answer: string): number[] =>
  [...answer.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map(([, status]) => Number(status))

/** A server says by these what it has not or cannot do; any other 5xx is a handler's failure. */
const SAID = [501, 503]

/** What is wrong with the answer; undefined when nothing is. */
export function wrongWith({ wants, what }: Malformed, answer: string): string | undefined {
  const statuses = statusesIn(answer)
  const isRefusal = statuses.some(status => status >= 400)
  const isRight = wants === 'survived' || isRefusal || (wants === 'closed' && statuses.length === 0)
  return isRight && !statuses.some(status => status >= 500 && !SAID.includes(status))
    ? undefined
    : `${what}: ${answer.slice(0, 300) || 'no answer'}`
}
