import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

export interface SupervisedOptions {
  cwd: string
  /** The whole environment. */
  env: NodeJS.ProcessEnv
  signal: AbortSignal
  /** Milliseconds without a word after which it is interrupted. */
  silence: number
  /** Asked time and again while it says nothing; a failure interrupts it. */
  whenQuiet?: { after: number; ask: () => Promise<void> }
  /** Milliseconds after an interrupt when it is killed; never unless told, as a Terraform that may be writing a state. */
  killAfter?: number
  /** For its stdin; without it there is nothing to read. */
  input?: string
  /** Parent of the files that take its output; they are nameless while it runs. */
  scratch: string
  /** Called with its pid before it begins. */
  onStart?: (pid: number) => void
  onLine?: (line: string) => void
  onStderr?: (line: string) => void
}

export interface SupervisedEnd {
  exitCode: number | null
  stdout: string
  stderr: string
  silent: boolean
  /** With what asking failed, while it said nothing. */
  unanswered?: unknown
}

/** How often the supervisor looks whether the child has ended. */
const LOOK_MS = 200
const TAIL_MS = 100
const CHUNK_BYTES = 65_536
const PROGRAM_MISSING = 127

/**
 * The child is the shell itself, replaced; what watches over it is a second shell in its process group. Its end of our pipe ends
 * when we want the child interrupted and when we are killed: either way the child gets one SIGINT, and never a second.
 * Then whatever is left of its group, such as provider plugins that have lost their Terraform, is killed. The first argument says
 * after how many looks the child itself is; empty is never.
 */
const SUPERVISOR = `
read -r _ <&3 || exit 130
looks=$1
shift
main=$$
(
  exec >/dev/null 2>&1
  trap '' HUP INT TERM PIPE
  read -r _ <&3
  kill -INT "$main"
  while kill -0 "$main"; do
    # One that has ended keeps its pid where nobody asks after it.
    case $(cat "/proc/$main/stat") in *') Z '*) break ;; esac
    [ "$looks" = 0 ] && break
    looks=\${looks:+$((looks - 1))}
    sleep ${LOOK_MS / 1000}
  done
  kill -KILL "-$main"
) &
exec "$@" 3<&-
`

/** Runs a program that outlives us safely: it writes to files, not into a pipe whose reader may die, and is interrupted when we end. */
export async function supervised(program: string, args: readonly string[], options: SupervisedOptions): Promise<SupervisedEnd> {
  const { cwd, env, input, signal, silence, whenQuiet, killAfter, scratch, onStart, onLine, onStderr } = options
  await mkdir(scratch, { recursive: true, mode: 0o700 })
  const [out, err] = await Promise.all([namelessFile(scratch), namelessFile(scratch)])
  try {
    const looks = killAfter === undefined ? '' : String(Math.ceil(killAfter / LOOK_MS))
    const child = spawn('/bin/sh', ['-c', SUPERVISOR, 'sh', looks, program, ...args], {
      ...{ cwd, env, detached: true },
      stdio: [input === undefined ? 'ignore' : 'pipe', out.fd, err.fd, 'pipe'],
    })
    const pipe = child.stdio[3] as Duplex
    pipe.on('error', () => undefined)
    // It may end without reading it.
    child.stdin?.on('error', () => undefined).end(input)
    const ended = new Promise<number | null>(resolve => {
      child.once('error', () => resolve(PROGRAM_MISSING))
      child.once('exit', resolve)
    })

    let silent = false
    let unanswered: unknown
    let spoke = Date.now()
    const interrupt = () => pipe.end()
    const heard = (line: ((line: string) => void) | undefined) => ({
      line,
      spoke: () => {
        spoke = Date.now()
      },
    })
    const tails = [tail(out, heard(onLine)), tail(err, heard(onStderr))]
    let [asking, asked] = [false, 0]
    const ask = async ({ ask }: NonNullable<typeof whenQuiet>) => {
      asking = true
      await ask().catch(error => {
        unanswered = error
        interrupt()
      })
      ;[asking, asked] = [false, Date.now()]
    }
    const watch = setInterval(
      () => {
        if (Date.now() - spoke >= silence) {
          silent = true
          interrupt()
        } else if (whenQuiet && !asking && unanswered === undefined && Date.now() - Math.max(spoke, asked) >= whenQuiet.after)
          void ask(whenQuiet)
      },
      Math.min(silence, whenQuiet?.after ?? silence, 1000),
    )
    try {
      if (child.pid !== undefined) onStart?.(child.pid)
      pipe.write('begin\n')
      if (signal.aborted) interrupt()
      signal.addEventListener('abort', interrupt, { once: true })
      const exitCode = await ended
      const [stdout = '', stderr = ''] = await Promise.all(tails.map(each => each.finish()))
      return { exitCode, stdout, stderr, silent, ...(unanswered !== undefined && { unanswered }) }
    } finally {
      clearInterval(watch)
      signal.removeEventListener('abort', interrupt)
      pipe.end()
    }
  } finally {
    await Promise.all([out.close(), err.close()])
  }
}

type File = Awaited<ReturnType<typeof open>>

/** Output may hold secrets: a file without a name is gone with the last process that has it open. */
async function namelessFile(folder: string): Promise<File> {
  const path = join(folder, `.output-${randomBytes(6).toString('hex')}`)
  const file = await open(path, 'ax+', 0o600)
  await rm(path)
  return file
}

function tail(file: File, { line, spoke }: { line: ((line: string) => void) | undefined; spoke: () => void }) {
  const decoder = new StringDecoder()
  let [position, text, rest] = [0, '', '']
  const take = (said: string) => {
    text += said
    const lines = (rest + said).split('\n')
    rest = lines.pop() ?? ''
    if (line) for (const each of lines) line(each)
  }
  const read = async () => {
    const buffer = Buffer.alloc(CHUNK_BYTES)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position)
      if (bytesRead === 0) return
      position += bytesRead
      spoke()
      take(decoder.write(buffer.subarray(0, bytesRead)))
    }
  }
  let reading = Promise.resolve()
  const timer = setInterval(() => {
    reading = reading.then(read)
    reading.catch(() => undefined)
  }, TAIL_MS)
  return {
    async finish(): Promise<string> {
      clearInterval(timer)
      await reading
      await read()
      take(decoder.end())
      if (rest !== '') line?.(rest)
      return text
    },
  }
}
