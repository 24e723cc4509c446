import { appendFileSync } from 'node:fs'
import { Chalk, type ChalkInstance } from 'chalk'
import { formatDuration } from './duration.ts'
import { messageOf } from './errors.ts'
import { redact } from './redact.ts'
import { inOneLine, visible, visibleInColour, withoutColour } from './visible.ts'
import { longestWait, onWaitEnd } from './waits.ts'

/** The narrative of a run, on stderr; stdout is for the result. */
export interface Log {
  info(text: string): void
  warn(text: string): void
  error(text: string): void
  /** Shown with --debug only; always in the run's log file. */
  debug(text: string): void
  /** Something that takes time: a live line in a terminal; elsewhere one line when it ends, and one every 15 s until then. */
  activity(title: string): Activity
  /** From now on everything, debug lines included, also goes to this file (0600). */
  toFile(path: string): void
  chalk: ChalkInstance
}

export interface Activity {
  /** What it is doing right now. */
  update(detail: string): void
  done(detail?: string): void
  skipped(detail?: string): void
  failed(detail?: string): void
  /** It ends without a line: the result is reported elsewhere. */
  cleared(): void
}

export interface LogOptions {
  stream?: NodeJS.WriteStream
  debug?: boolean
  /** Only warnings and errors. */
  quiet?: boolean
  /** Whether to draw a live line; by default when stderr is a terminal and CI is not set. */
  live?: boolean
  /** Says what the process waits for where no activity does. */
  waits?: boolean
}

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
const FRAME_MS = 80
/** How often a long activity reports that it is alive when there is no terminal. */
const HEARTBEAT_MS = 15_000
/** How often is looked whether there is a wait to tell of. */
const LOOK_MS = 250

export function createLog({
  stream = process.stderr,
  debug = false,
  quiet = false,
  live,
  waits = false,
}: LogOptions = {}): Log {
  const terminal = live ?? (stream.isTTY === true && !process.env.CI)
  const chalk = process.env.NO_COLOR || !stream.isTTY ? new Chalk({ level: 0 }) : new Chalk()
  let file: string | undefined
  let current: { line: (columns: number) => string } | undefined
  let frame = 0

  const clear = () => {
    if (terminal && !quiet && current) stream.write('\r\x1b[2K')
  }
  const draw = () => {
    if (!terminal || quiet || !current) return
    frame = (frame + 1) % FRAMES.length
    // A full line would wrap, and a wrapped line can't be cleared.
    stream.write(`\r\x1b[2K${current.line((stream.columns || 80) - 1)}`)
  }
  const isColoured = () => chalk.level > 0
  /** Further lines are set in: none of them can pass for another message. */
  const shown = (text: string) => (isColoured() ? visibleInColour : visible)(redact(text)).replaceAll('\n', '\n  ')
  const record = (level: string, text: string) => {
    const plain = visible(redact(isColoured() ? withoutColour(text) : text)).replaceAll('\n', '\n  ')
    if (!file) return
    try {
      appendFileSync(file, `${new Date().toISOString()} ${level} ${plain}\n`, { mode: 0o600 })
    } catch (error) {
      // A run that can still tell its story on stderr goes on without the file.
      const lost = file
      file = undefined
      print('warn', `the log goes on without ${lost}: ${messageOf(error)}`, chalk.yellow('! '))
    }
  }
  const print = (level: string, text: string, mark = '') => {
    record(level, text)
    if (quiet && level !== 'error' && level !== 'warn') return
    const stamp = terminal ? '' : `${new Date().toISOString().slice(11, 19)} `
    clear()
    stream.write(`${stamp}${mark}${shown(text)}\n`)
    draw()
  }

  const activity = (name: string): Activity => {
    const title = inOneLine(redact(name))
    const started = performance.now()
    let detail = ''
    let told = started
    /** The newer of what it said last and what it waits for. */
    const doing = () => {
      const wait = longestWait(told)
      return wait ? `waiting for ${wait.what}` : detail
    }
    // Cut before it is coloured: half an escape sequence would colour everything after it.
    const line = (columns: number) => {
      const shown = `${title} `.slice(0, columns - 2)
      const rest = `${formatDuration(performance.now() - started)} ${doing()}`.slice(0, Math.max(0, columns - 2 - shown.length))
      return `${chalk.cyan(FRAMES[frame] ?? '')} ${shown}${chalk.dim(rest)}`
    }
    current = { line }
    record('debug', `${title}: begins`)
    draw()
    const timer = setInterval(
      () => {
        if (terminal) draw()
        else print('info', `${title}: ${doing() || 'still running'} (${formatDuration(performance.now() - started)})`, '  ')
      },
      terminal ? FRAME_MS : HEARTBEAT_MS,
    )
    timer.unref()
    const cleared = () => {
      clearInterval(timer)
      clear()
      current = undefined
    }
    const end = (level: string, mark: string, extra: string | undefined, timed: boolean) => {
      cleared()
      const spent = timed ? chalk.dim(` ${formatDuration(performance.now() - started)}`) : ''
      print(level, `${title}${spent}${extra ? chalk.dim(` · ${extra}`) : ''}`, `${mark} `)
    }
    return {
      update(text) {
        record('debug', `${title}: ${text}`)
        detail = inOneLine(redact(text))
        told = performance.now()
      },
      done: extra => end('info', chalk.green('✔'), extra, true),
      skipped: extra => end('info', chalk.dim('✓'), extra, false),
      failed: extra => end('error', chalk.red('✘'), extra, true),
      cleared,
    }
  }

  const tellWaits = () => {
    let unsaid = HEARTBEAT_MS
    const live = {
      line: (columns: number) => {
        const { what = '', ms = 0 } = longestWait() ?? {}
        return `${chalk.cyan(FRAMES[frame] ?? '')} ${chalk.dim(`waiting for ${what} ${formatDuration(ms)}`.slice(0, columns - 2))}`
      },
    }
    const look = () => {
      unsaid += LOOK_MS
      const wait = longestWait()
      if (current === live && !wait) {
        clear()
        current = undefined
      }
      if (!wait || (current && current !== live)) return
      if (terminal) {
        current = live
        draw()
      } else if (unsaid >= HEARTBEAT_MS) {
        unsaid = 0
        print('info', `waiting for ${wait.what} (${formatDuration(wait.ms)})`, '  ')
      }
    }
    setInterval(look, LOOK_MS).unref()
    onWaitEnd(() => {
      if (current === live) look()
    })
  }
  if (waits) tellWaits()

  return {
    chalk,
    activity,
    info: text => print('info', text),
    warn: text => print('warn', text, chalk.yellow('! ')),
    error: text => print('error', text, chalk.red('✘ ')),
    debug: text => (debug ? print('debug', chalk.dim(text)) : record('debug', text)),
    toFile: path => {
      file = path
    },
  }
}
