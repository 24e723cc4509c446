import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import { objectIn } from '../../../lib/runtime/serving.ts'
import type { Invocation, Running } from './running.ts'

/**
 * The protocols of `kubectl exec`: each message begins with the number of its channel. v5 lets a client close its input.
 * Source: k8s.io/apimachinery/pkg/util/remotecommand/constants.go
 */
export const PROTOCOLS: readonly string[] = ['v5.channel.k8s.io', 'v4.channel.k8s.io']
const [STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE] = [0, 1, 2, 3, 4, 255]

/** Milliseconds that the command's start is delayed to receive the terminal's size. */
const SIZE_PATIENCE = 200

interface Size {
  Width: number
  Height: number
}

/** Like the kubelet, takes no notice of anything else. */
function sizeIn(text: string): Size | undefined {
  try {
    const { Width, Height } = objectIn(text)
    return Number.isInteger(Width) && Number.isInteger(Height) ? ({ Width, Height } as Size) : undefined
  } catch {
    return undefined
  }
}

/** Runs the query's command in the container, connected to the WebSocket until either ends. */
export async function serveExec(connection: WebSocket, running: Running, query: URLSearchParams): Promise<void> {
  const command = query.getAll('command')
  const tty = query.get('tty') === '1' || query.get('tty') === 'true'
  const wants = (name: string) => ['1', 'true'].includes(query.get(name) ?? '')
  let size: Size | undefined
  let child: ChildProcess | undefined
  const early: Buffer[] = []
  let inputEnded = false

  connection.on('message', (data: Buffer) => {
    const [channel = 0, closed] = data
    if (channel === STDIN) {
      if (child) child.stdin?.write(data.subarray(1))
      else early.push(data.subarray(1))
    } else if (channel === RESIZE) size = sizeIn(data.subarray(1).toString()) ?? size
    else if (channel === CLOSE && closed === STDIN) {
      inputEnded = true
      child?.stdin?.end()
    }
  })
  const gone = new Promise<void>(resolve => connection.once('close', () => resolve()).once('error', () => resolve()))
  // An empty message tells the client that it is connected.
  connection.send(Buffer.from([wants('output') ? STDOUT : ERROR]))

  for (let waited = 0; tty && !size && waited < SIZE_PATIENCE; waited += 20) await sleep(20)
  const { command: program, args, environment } = tty ? withTerminal(running, command, size) : running.inside(command)
  child = spawn(program, args, { env: environment, stdio: [wants('input') ? 'pipe' : 'ignore', 'pipe', 'pipe'] })
  child.stdin?.on('error', () => undefined)
  for (const chunk of early) child.stdin?.write(chunk)
  if (inputEnded) child.stdin?.end()
  const ended = new Promise<number | Error>(resolve => {
    child.once('error', resolve).once('close', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)))
  })
  const output = Promise.all([carry(child.stdout, STDOUT, connection), carry(child.stderr, STDERR, connection)])
  const result = await Promise.race([ended, gone])
  if (result === undefined) {
    // The client has disconnected. The command dies with the process that entered the container.
    child.kill('SIGKILL')
    return
  }
  await output
  connection.send(Buffer.concat([Buffer.from([ERROR]), Buffer.from(JSON.stringify(statusOf(result)))]))
  connection.close(1000)
}

/** Sends a stream's data, no faster than the client reads it. */
async function carry(stream: Readable | null, channel: number, connection: WebSocket): Promise<void> {
  if (!stream) return
  const prefix = Buffer.from([channel])
  try {
    for await (const chunk of stream) {
      await new Promise<void>((resolve, reject) =>
        connection.send(Buffer.concat([prefix, chunk]), error => (error ? reject(error) : resolve())),
      )
    }
  } catch {
    // The client has disconnected.
    stream.resume()
  }
}

/** `script` provides the terminal, which Node cannot create; its size never changes. */
function withTerminal(running: Running, command: readonly string[], size?: Size): Invocation {
  const sized = size ? `stty rows ${size.Height} cols ${size.Width}; ` : ''
  const line = `${sized}exec ${command.map(quoted).join(' ')}`
  const invocation = running.inside(['script', '--quiet', '--return', '--flush', '--command', line, '/dev/null'])
  return { ...invocation, environment: { TERM: 'xterm', SHELL: '/bin/sh', ...invocation.environment } }
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

function statusOf(result: number | Error): object {
  const failure = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' }
  if (result === 0) return { metadata: {}, status: 'Success' }
  if (result instanceof Error) {
    return {
      ...failure,
      reason: 'InternalError',
      message: `error executing command in container: ${result.message}`,
      code: 500,
    }
  }
  return {
    ...failure,
    message: `command terminated with non-zero exit code: error executing command, exit status ${result}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(result) }] },
  }
}
