/** The parts of a systemd unit file that the service manager supports; systemd.service(5), systemd.exec(5), systemd.kill(5). */
export interface Unit {
  description: string
  /**
   * `notify` counts as started when it is running, like `simple`: Node has no Unix datagram sockets to receive the
   * notification.
   */
  type: 'simple' | 'notify' | 'oneshot'
  remainAfterExit: boolean
  /** Program and arguments. */
  command: string[]
  environment: Record<string, string>
  restart: 'no' | 'always' | 'on-failure'
  /** Milliseconds between an end and the next start. */
  restartDelay: number
  /** Milliseconds from SIGTERM to SIGKILL. */
  stopTimeout: number
  /** Whether only the main process is signalled, or its whole process group. */
  killMode: 'process' | 'control-group'
  /** The unit starts only if this file is executable. */
  condition?: string
  /** Targets that start it once it is enabled. */
  wantedBy: string[]
}

/**
 * The unit that results from a file and its drop-ins, in the order in which they are merged.
 * @throws Error for a unit without a command, or with more than one
 */
export function parseUnit(...files: readonly string[]): Unit {
  const settings = sections(files)
  const last = (section: string, name: string) => settings.get(`${section}.${name}`)?.at(-1)
  const commands = settings.get('Service.ExecStart') ?? []
  const command = words(commands[0] ?? '')
  if (command.length === 0) throw new Error('Service has no ExecStart= setting. Refusing.')
  if (commands.length > 1) throw new Error('Service has more than one ExecStart= setting. Refusing.')
  return {
    description: last('Unit', 'Description') ?? '',
    type: oneOf(last('Service', 'Type'), ['simple', 'notify', 'oneshot']),
    remainAfterExit: /^(yes|true|on|1)$/i.test(last('Service', 'RemainAfterExit') ?? ''),
    command,
    environment: Object.fromEntries((settings.get('Service.Environment') ?? []).flatMap(words).map(assignment)),
    restart: oneOf(last('Service', 'Restart'), ['no', 'always', 'on-failure']),
    restartDelay: duration(last('Service', 'RestartSec') ?? '100ms'),
    stopTimeout: duration(last('Service', 'TimeoutStopSec') ?? '90'),
    killMode: oneOf(last('Service', 'KillMode'), ['control-group', 'process']),
    condition: last('Unit', 'ConditionFileIsExecutable'),
    wantedBy: (settings.get('Install.WantedBy') ?? []).flatMap(words),
  }
}

/**
 * The folders of a unit's drop-ins, below the unit folders; of two files with the same name, the one in the earlier folder
 * counts. Besides the unit's own folder they include those of each prefix ending in a dash, and that of all services.
 * systemd.unit(5)
 */
export function dropInDirectories(name: string, unitDirectories: readonly string[]): string[] {
  const type = name.slice(name.lastIndexOf('.') + 1)
  const parts = name.slice(0, -type.length - 1).split('-')
  const prefixes = parts.slice(1).map((_part, index) => `${parts.slice(0, index + 1).join('-')}-.${type}.d`)
  const own = [`${name}.d`, ...prefixes.reverse()]
  return [
    ...unitDirectories.flatMap(directory => own.map(folder => `${directory}/${folder}`)),
    ...unitDirectories.map(directory => `${directory}/${type}.d`),
  ]
}

/** All values of each `Section.Name`, in order. */
function sections(files: readonly string[]): Map<string, string[]> {
  const settings = new Map<string, string[]>()
  for (const file of files) {
    let section = ''
    for (const line of file
      .replace(/\\\n/g, ' ')
      .split('\n')
      .map(line => line.trim())) {
      if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
      const header = /^\[(.+)\]$/.exec(line)?.[1]
      if (header) {
        section = header
        continue
      }
      const [name, value] = assignment(line)
      const key = `${section}.${name.trim()}`
      // An empty assignment discards the earlier ones.
      if (value.trim() === '') settings.delete(key)
      else settings.set(key, [...(settings.get(key) ?? []), value.trim()])
    }
  }
  return settings
}

function assignment(text: string): [string, string] {
  const at = text.indexOf('=')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

/** What follows the backslash of an escape sequence. systemd.syntax(7) */
const ESCAPE = /^(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|[abfnrtvs])/
const CONTROLS: Record<string, string> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', s: ' ' }

const meaning = (sequence: string): string =>
  CONTROLS[sequence] ?? String.fromCodePoint(Number(/^[xuU]/.test(sequence) ? `0x${sequence.slice(1)}` : `0o${sequence}`))

/** Splits as systemd does: blanks separate, quotes group, and a backslash makes any other character literal. */
export function words(text: string): string[] {
  const result: string[] = []
  let word: string | undefined
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? ''
    if (character === '\\') {
      const sequence = ESCAPE.exec(text.slice(i + 1))?.[0]
      word = (word ?? '') + (sequence ? meaning(sequence) : (text[i + 1] ?? ''))
      i += sequence?.length ?? 1
    } else if (quote) {
      if (character === quote) quote = ''
      else word += character
    } else if (character === '"' || character === "'") {
      quote = character
      word ??= ''
    } else if (/\s/.test(character)) {
      if (word !== undefined) result.push(word)
      word = undefined
    } else word = (word ?? '') + character
  }
  return word === undefined ? result : [...result, word]
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, sec: 1000, min: 60_000, m: 60_000, h: 3_600_000, '': 1000 }

/** A time span in milliseconds; a bare number is seconds. systemd.time(7) */
function duration(text: string): number {
  const parts = [...text.matchAll(/([\d.]+)\s*([a-z]*)/g)]
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 1000), 0)
}

/** The first choice is systemd's default, also for an unknown value. */
function oneOf<T extends string>(value: string | undefined, choices: readonly [T, ...T[]]): T {
  return choices.find(choice => choice === value) ?? choices[0]
}
