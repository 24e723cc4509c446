/** What the service manager understands of a systemd unit file; systemd.service(5), systemd.exec(5), systemd.kill(5). */
export interface Unit {
  description: string
  /** `notify` counts as started when it runs, as `simple` does: Node has no datagram sockets to be notified on. */
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
  /** Targets that want it once it is enabled. */
  wantedBy: string[]
}

/** @throws Error for a unit without ExecStart=. */
export function parseUnit(text: string): Unit {
  const settings = sections(text)
  const last = (section: string, name: string) => settings.get(`${section}.${name}`)?.at(-1)
  const command = words(last('Service', 'ExecStart') ?? '')
  if (command.length === 0) throw new Error('Service has no ExecStart= setting. Refusing.')
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

function sections(text: string): Map<string, string[]> {
  const settings = new Map<string, string[]>()
  let section = ''
  for (const line of text
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
    // An empty assignment takes back the earlier ones.
    if (value.trim() === '') settings.delete(key)
    else settings.set(key, [...(settings.get(key) ?? []), value.trim()])
  }
  return settings
}

function assignment(text: string): [string, string] {
  const at = text.indexOf('=')
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

/** Splits as systemd does: blanks separate, quotes join, a backslash takes the next character as it is. */
export function words(text: string): string[] {
  const result: string[] = []
  let word: string | undefined
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? ''
    if (character === '\\') word = (word ?? '') + (text[++i] ?? '')
    else if (quote) {
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

/** The first choice is what systemd takes when there is nothing or a value unknown to it. */
function oneOf<T extends string>(value: string | undefined, choices: readonly [T, ...T[]]): T {
  return choices.find(choice => choice === value) ?? choices[0]
}
