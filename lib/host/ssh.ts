import type { Readable } from 'node:stream'
import { formatDuration } from '../runtime/duration.ts'
import { external, interrupted, OpsError, timedOut } from '../runtime/errors.ts'
import { ConnectionLost, execute, type Result } from './channel.ts'
import { type Connection, type ConnectionOptions, connect, SILENCE_MS } from './connection.ts'
import { type Command, commandLine } from './quote.ts'

export type { Result } from './channel.ts'

export interface RunOptions {
  /** As root. */
  sudo?: boolean
  /** Standard input. Secrets go here: arguments can be read by every user of the host. */
  input?: string | Uint8Array | (() => Readable)
  /** In milliseconds; 2 minutes by default. */
  timeout?: number
  /** The exit code is data: a failure does not throw. */
  nothrow?: boolean
  /** It changes nothing, so it may be run again when the connection drops in the middle. */
  readOnly?: boolean
  /** What messages call it; by default the first word of the command. */
  what?: string
}

/** A machine behind SSH. Reconnects by itself when the tunnel has dropped, but never repeats a change blindly. */
export interface Host {
  readonly name: string
  /** @throws OpsError 5 for a failed command or a lost connection, 4 when the host is off or gone, 124 past the timeout, 130 */
  run(command: Command, options?: RunOptions): Promise<Result>
  close(): Promise<void>
}

const TIMEOUT_MS = 120_000
const LINES_SHOWN = 12

/**
 * @returns once the host answers
 * @throws OpsError as `connect` does
 */
export async function openHost(options: ConnectionOptions): Promise<Host> {
  const { name, user, signal, log, explain = async error => error, silence = SILENCE_MS } = options
  let connection: Promise<Connection> = connect(options)
  await connection

  const again = () => {
    log.debug(`ssh ${user}@${name}: connecting again`)
    return connect(options)
  }
  const open = (): Promise<Connection> => {
    connection = connection.then(current => (current.isOpen() ? current : again()), again)
    return connection
  }

  /** Aborted, with the reason, when a host that says nothing turns out to be off or gone. */
  const goneWhileSilent = (current: Connection, what: string) => {
    const gone = new AbortController()
    let asking = false
    const ask = async () => {
      if (asking || current.silentFor() < silence) return
      asking = true
      const unheard = external(`${what} on ${name}: not a word for ${formatDuration(current.silentFor())}`, 'run it again')
      const reason = await explain(unheard).catch(() => undefined)
      asking = false
      if (reason instanceof OpsError && reason !== unheard) gone.abort(reason)
    }
    const timer = setInterval(() => void ask(), silence / 4)
    return { signal: gone.signal, forget: () => clearInterval(timer) }
  }

  const run: Host['run'] = async (command, runOptions = {}) => {
    const { sudo = false, input, timeout = TIMEOUT_MS, nothrow = false, readOnly = false } = runOptions
    const what = runOptions.what ?? ('script' in command ? 'script' : (command[0] ?? ''))
    const line = commandLine(command, { sudo: sudo && user !== 'root' })
    const deadline = AbortSignal.timeout(timeout)
    const attempt = async () => {
      const current = await open()
      const gone = goneWhileSilent(current, what)
      try {
        return await execute(current.client, line, { input, signal: AbortSignal.any([signal, deadline, gone.signal]) })
      } catch (error) {
        // The client may not have noticed yet.
        if (error instanceof ConnectionLost || gone.signal.aborted) current.close()
        throw error
      } finally {
        gone.forget()
      }
    }
    let result: Result
    try {
      result = await attempt().catch(error => {
        if (error instanceof ConnectionLost && (readOnly || !error.started)) return attempt()
        throw error
      })
    } catch (error) {
      if (signal.aborted) throw interrupted(`${what} on ${name}: interrupted`, 'run the same command again to go on', error)
      if (deadline.aborted) throw overdue(name, what, timeout)
      if (error instanceof ConnectionLost) throw await explain(lost(name, what, error))
      throw error
    }
    log.debug(`${name}: ${what}: exit code ${result.code}`)
    if (result.code !== 0 && !nothrow) throw failed(name, what, result)
    return result
  }

  return {
    name,
    run,
    async close() {
      const current = await connection.catch(() => undefined)
      current?.close()
    },
  }
}

const overdue = (name: string, what: string, ms: number): OpsError =>
  timedOut(`${what} on ${name}: no answer within ${formatDuration(ms)}`, 'run the same command again to go on')

const lost = (name: string, what: string, error: ConnectionLost): OpsError =>
  external(
    `${what} on ${name}: ${error.message}; it may have run`,
    'run the same command again: every phase first checks what is already done',
    error,
  )

function failed(name: string, what: string, { stdout, stderr, code }: Result): OpsError {
  const said = (stderr.trim() || stdout.trim()).split('\n').slice(-LINES_SHOWN).join('\n')
  return external(
    `${what} on ${name} failed with exit code ${code}${said ? `:\n${said}` : ''}`,
    'fix the cause, then run the same command again',
  )
}
