import { rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'
import { external, messageOf, timedOut } from '../runtime/errors.ts'
import { dialThroughIap } from './iap.ts'
import { type FarEnd, type FromHolder, listenTo, send } from './lease.ts'

/**
 * The process that forwards a local port for all who hold a lease of it: `tunnel-process.ts SOCKET FAR-END`, with the listening socket
 * of the port as descriptor 3 and that of the leases as descriptor 4. It starts often and lives long, so it imports little, and has no
 * credentials: it asks the holders for a token. It ends with the last lease.
 */
const PORT_FD = 3
const LEASES_FD = 4

/** Whoever started it may have been killed before it held a lease. In milliseconds. */
const FIRST_LEASE_MS = 5000
/** As long as an access token may take. In milliseconds. */
const TOKEN_MS = 60_000
/** What the ends of forwarded connections may take. In milliseconds. */
const ENDING_MS = 500

const [socketPath = '', farEnd = ''] = process.argv.slice(2)
const leadsTo = JSON.parse(farEnd) as FarEnd

interface Question {
  number: number
  asked: Set<Socket>
  answer(from: Socket, token?: string, failed?: string): void
}

const holders = new Set<Socket>()
const questions = new Map<number, Question>()
let lastNumber = 0

/** The first token that a holder gives, those who come meanwhile included. */
function token(): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const timer = setTimeout(() => reject(timedOut('nobody gave an access token', 'run it again')), TOKEN_MS)
  const question: Question = {
    number: ++lastNumber,
    asked: new Set(),
    answer(from, given, failed = 'the run has ended') {
      if (!this.asked.delete(from)) return
      if (given !== undefined) resolve(given)
      else if (this.asked.size === 0) reject(external(`no access token: ${failed}`, 'run it again'))
    },
  }
  questions.set(question.number, question)
  for (const holder of holders) ask(holder, question)
  return promise.finally(() => {
    clearTimeout(timer)
    questions.delete(question.number)
  })
}

function ask(holder: Socket, { number, asked }: Question): void {
  asked.add(holder)
  send(holder, { asks: number })
}

const streams = new Set<Duplex>()
const forward = createServer(client => {
  streams.add(client)
  client.on('close', () => streams.delete(client))
  client.on('error', () => client.destroy())
  dialThroughIap({ ...leadsTo, token }).then(
    remote => {
      // Whoever has hung up meanwhile is not joined with anything.
      if (client.destroyed || remote.destroyed) {
        client.destroy()
        remote.destroy()
        return
      }
      streams.add(remote)
      remote.on('close', () => streams.delete(remote))
      pipeline(client, remote, () => client.destroy())
      pipeline(remote, client, () => remote.destroy())
    },
    error => {
      client.destroy()
      for (const holder of holders) send(holder, { failed: messageOf(error) })
    },
  )
})

// A lease's end is answered when what it held has ended.
const leases = createServer({ allowHalfOpen: true }, holder => {
  clearTimeout(unused)
  holders.add(holder)
  listenTo<FromHolder>(holder, answer => {
    const { token: given, failed } = answer as { token?: string; failed?: string }
    questions.get(answer.answers)?.answer(holder, given, failed)
  })
  const left = () => {
    if (!holders.delete(holder)) return
    for (const question of questions.values()) question.answer(holder)
    if (holders.size > 0) holder.end()
    else end(() => holder.end())
  }
  holder.on('end', left)
  holder.on('close', left)
  send(holder, { pid: process.pid, leadsTo })
  for (const question of questions.values()) ask(holder, question)
})

function end(ended: () => void = () => undefined): void {
  // First: whoever listens on the port next makes this socket anew.
  rmSync(socketPath, { force: true })
  leases.close()
  forward.close(ended)
  for (const stream of streams) stream.destroy()
  setTimeout(() => process.exit(), ENDING_MS).unref()
}

const unused = setTimeout(end, FIRST_LEASE_MS)
forward.listen({ fd: PORT_FD })
leases.listen({ fd: LEASES_FD })
