import { constants } from 'node:os'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Client, ClientChannel } from 'ssh2'

export interface Result {
  stdout: string
  stderr: string
  /** Exit code; 128 + its number for a signal, as in a shell. */
  code: number
}

export interface ChannelOptions {
  /** Standard input; a stream is given as a function, since a second attempt needs a fresh one. */
  input?: string | Uint8Array | (() => Readable) | undefined
  /** Ends the wait; the remote command may go on. */
  signal: AbortSignal
}

/** The connection was lost. `started`: the command may have run, in part or completely. */
export class ConnectionLost extends Error {
  readonly started: boolean

  constructor(message: string, started: boolean, cause?: unknown) {
    super(message, { cause })
    this.started = started
  }
}

/**
 * Runs one command line and waits for its end.
 * @throws ConnectionLost, or the signal's reason
 */
export async function execute(client: Client, line: string, { input, signal }: ChannelOptions): Promise<Result> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  aborted.catch(() => undefined)
  const opening = openChannel(client, line)
  const abort = () => {
    void opening.then(channel => channel.close()).catch(() => undefined)
    reject(signal.reason)
  }
  signal.addEventListener('abort', abort, { once: true })
  try {
    const channel = await Promise.race([opening, aborted])
    const ended = outcome(channel)
    // A failed write shows in the exit code, or as a lost connection.
    void pipeline(source(input), channel).catch(() => undefined)
    return await Promise.race([ended, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function openChannel(client: Client, line: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new ConnectionLost('the connection closed', true))
    client.once('close', lost)
    try {
      client.exec(line, (error, channel) => {
        client.off('close', lost)
        if (error) reject(new ConnectionLost(error.message, true, error))
        else resolve(channel)
      })
    } catch (error) {
      client.off('close', lost)
      reject(new ConnectionLost('not connected', false, error))
    }
  })
}

function source(input: ChannelOptions['input']): Readable {
  if (typeof input === 'function') return input()
  return Readable.from(input === undefined ? [] : [Buffer.from(input)], { objectMode: false })
}

function outcome(channel: ClientChannel): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    let code: number | undefined
    channel.on('data', (chunk: Buffer) => stdout.push(chunk))
    channel.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    channel.on('error', () => undefined)
    channel.on('exit', (status: number | null, signal?: string) => {
      code = status ?? 128 + (constants.signals[`SIG${signal}` as NodeJS.Signals] ?? 0)
    })
    channel.on('close', () => {
      if (code === undefined) reject(new ConnectionLost('the connection closed before the command ended', true))
      else resolve({ stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), code })
    })
  })
}
