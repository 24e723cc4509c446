import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { namespaceOf, type Pod } from './kubernetes.ts'

/** Size in bytes at which a log file is rotated, and number of files per container: the kubelet's defaults. */
const LARGEST = 10 * 1024 * 1024
const MOST_FILES = 5
/** Maximum characters in an entry; a longer line is split into several. */
const LONGEST_LINE = 16 * 1024

const DIRECTORY = '/var/log/pods'

/** The kubelet's folder for a pod's logs: a folder per container, a file per run. */
export const logDirectory = (pod: Pod): string =>
  join(DIRECTORY, `${namespaceOf(pod)}_${pod.metadata.name}_${pod.metadata.uid}`)

export const logFile = (pod: Pod, container: string, run: number): string => join(logDirectory(pod), container, `${run}.log`)

/**
 * The log of one run of a container, in the runtime interface's format: `<time> <stream> <F or P> <text>`.
 * https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
 */
export class ContainerLog {
  readonly #file: string
  #descriptor: number | undefined
  #size = 0

  constructor(file: string) {
    this.#file = file
    this.#tolerate(() => {
      mkdirSync(dirname(file), { recursive: true })
      this.#open()
      this.#keepNewest()
    })
  }

  write(stream: 'stdout' | 'stderr', text: string, whole = true): void {
    const line = Buffer.from(`${new Date().toISOString()} ${stream} ${whole ? 'F' : 'P'} ${text}\n`)
    this.#tolerate(() => {
      if (this.#size + line.length > LARGEST) this.#rotate()
      if (this.#descriptor !== undefined) writeSync(this.#descriptor, line)
      this.#size += line.length
    })
  }

  /** Writes a stream's data line by line until it ends. */
  follow(stream: 'stdout' | 'stderr', source: Readable): void {
    let rest = ''
    source.setEncoding('utf8')
    source.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.write(stream, line)
      for (; rest.length >= LONGEST_LINE; rest = rest.slice(LONGEST_LINE))
        this.write(stream, rest.slice(0, LONGEST_LINE), false)
    })
    source.on('error', () => undefined)
    source.on('close', () => {
      if (rest) this.write(stream, rest)
    })
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  #open(): void {
    this.#descriptor = openSync(this.#file, 'a', 0o640)
    this.#size = statSync(this.#file).size
  }

  #rotate(): void {
    this.close()
    renameSync(
      this.#file,
      `${this.#file}.${new Date()
        .toISOString()
        .replace(/[-:]|\.\d+Z/g, '')
        .replace('T', '-')}`,
    )
    this.#open()
    this.#keepNewest()
  }

  /** Deletes a container's older files, but keeps the previous run's for `kubectl logs --previous`. */
  #keepNewest(): void {
    const directory = dirname(this.#file)
    const files = readdirSync(directory)
      .map(name => join(directory, name))
      .sort((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs)
    for (const file of files.slice(MOST_FILES)) rmSync(file, { force: true })
  }

  /** On a full disk a container continues without its log. */
  #tolerate(work: () => void): void {
    try {
      work()
    } catch (error) {
      process.stdout.write(`log of ${basename(dirname(this.#file))}: ${(error as Error).message}\n`)
    }
  }
}

export interface LogOptions {
  follow: boolean
  timestamps: boolean
  tailLines?: number
  sinceTime?: Date
  limitBytes?: number
  stream?: 'stdout' | 'stderr'
}

/** The log's text for `kubectl logs`; with `follow` until `isOver`. */
export async function* readLog(file: string, options: LogOptions, isOver: () => boolean): AsyncGenerator<string> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY
  const render = (lines: readonly string[]): string => {
    const text = lines.map(line => rendered(line, options) ?? '').join('')
    const bytes = Buffer.from(text)
    left -= bytes.length
    return left >= 0 ? text : bytes.subarray(0, bytes.length + left).toString()
  }
  const text = await readFile(file, 'utf8').catch(() => '')
  const lines = text.split('\n').filter(line => rendered(line, options) !== undefined)
  const wanted = options.tailLines === undefined ? lines : lines.slice(Math.max(0, lines.length - options.tailLines))
  yield render(wanted)
  if (!options.follow) return
  let position = Buffer.byteLength(text)
  let rest = ''
  for (let last = false; left > 0 && !last; await sleep(200)) {
    // Read once more after the end, for what was written just before it.
    last = isOver()
    const added = await readFrom(file, position)
    position = added.start + added.bytes
    const complete = (rest + added.text).split('\n')
    rest = complete.pop() ?? ''
    const fresh = render(complete)
    if (fresh) yield fresh
  }
}

/** The text to show for a line of the file, or undefined for one to skip. */
function rendered(line: string, { timestamps, sinceTime, stream }: LogOptions): string | undefined {
  const [, time = '', from, tag, text = ''] = /^(\S+) (stdout|stderr) ([FP]) (.*)$/s.exec(line) ?? []
  if (!from || (stream && stream !== from) || (sinceTime && new Date(time) < sinceTime)) return undefined
  return `${timestamps ? `${time} ` : ''}${text}${tag === 'F' ? '\n' : ''}`
}

/** A file that has become shorter was rotated, and is read from the beginning. */
async function readFrom(file: string, position: number): Promise<{ start: number; bytes: number; text: string }> {
  const handle = await open(file).catch(() => undefined)
  if (!handle) return { start: 0, bytes: 0, text: '' }
  try {
    const { size } = await handle.stat()
    const start = size < position ? 0 : position
    const buffer = Buffer.alloc(size - start)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start)
    return { start, bytes: bytesRead, text: buffer.toString('utf8', 0, bytesRead) }
  } finally {
    await handle.close()
  }
}
