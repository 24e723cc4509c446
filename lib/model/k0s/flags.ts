/** Flags by long name, without the dashes; a switch is `true`. Order and spelling do not matter. */
export type Flags = Record<string, string>

const SHORT = new Map([
  ['c', 'config'],
  ['d', 'debug'],
  ['e', 'env'],
  ['h', 'help'],
  ['v', 'verbose'],
])
/** The flags of `k0s controller` that take no value, so that the next word does not belong to them. https://docs.k0sproject.io/stable/cli/k0s_controller/ */
const SWITCHES = new Set([
  'debug',
  'disable-telemetry',
  'enable-cloud-provider',
  'enable-dynamic-config',
  'enable-k0s-cloud-provider',
  'enable-metrics-scraper',
  'enable-worker',
  'force',
  'help',
  'ignore-pre-flight-checks',
  'init-only',
  'no-taints',
  'single',
  'start',
  'verbose',
])
/** Whose value may itself begin with a dash. */
const TAKES_FLAGS = /-extra-args$/
/** As Go's strconv.ParseBool reads them. */
const TRUE = new Set(['1', 't', 'T', 'true', 'True', 'TRUE'])
const FALSE = new Set(['0', 'f', 'F', 'false', 'False', 'FALSE'])

/**
 * Flags of a k0s command line, whether written `--a=b`, `--a b` or `-c b`. Other words are ignored. Of a flag that is not known here,
 * the next word is the value unless it is a flag itself.
 */
export function parseFlags(words: readonly string[]): Flags {
  const flags = new Map<string, string>()
  const set = (name: string, value: string | undefined, next: string | undefined): boolean => {
    const takesNext = value === undefined && !SWITCHES.has(name) && next !== undefined
    const takes = takesNext && (TAKES_FLAGS.test(name) || !next.startsWith('-'))
    flags.set(name, value ?? (takes ? next : 'true'))
    return takes
  }
  for (let at = 0; at < words.length; at++) {
    const [word = '', next] = [words[at], words[at + 1]]
    const [, long, value] = /^--([^=]+)(?:=([\s\S]*))?$/.exec(word) ?? []
    if (long !== undefined) {
      if (set(long, value, next)) at++
      continue
    }
    let letters = /^-([A-Za-z][\s\S]*)$/.exec(word)?.[1] ?? ''
    while (letters !== '') {
      const name = SHORT.get(letters.charAt(0)) ?? letters.charAt(0)
      const rest = letters.slice(1)
      letters = SWITCHES.has(name) && !rest.startsWith('=') ? rest : ''
      if (set(name, rest === '' || letters !== '' ? undefined : rest.replace(/^=/, ''), next)) at++
    }
  }
  return Object.fromEntries([...flags].flatMap(([name, value]) => spelled(name, value)))
}

/** A switch that is off is the same as one that is absent. */
function spelled(name: string, value: string): [string, string][] {
  if (!SWITCHES.has(name)) return [[name, value]]
  if (FALSE.has(value)) return []
  return [[name, TRUE.has(value) ? 'true' : value]]
}

/** A flag whose value is not the wanted one; undefined is a flag that is not given. */
export interface FlagDifference {
  name: string
  from: string | undefined
  to: string | undefined
}

/** How flags differ, by name. */
export function flagDifferences(current: Flags, wanted: Flags): FlagDifference[] {
  const [from, to] = [new Map(Object.entries(current)), new Map(Object.entries(wanted))]
  return [...new Set([...from.keys(), ...to.keys()])]
    .sort()
    .map(name => ({ name, from: from.get(name), to: to.get(name) }))
    .filter(flag => flag.from !== flag.to)
}

/** What must change for `current` to become `wanted`, e.g. `--single: add true`. Values of environment variables stay hidden. */
export const flagChanges = (current: Flags, wanted: Flags): string[] =>
  flagDifferences(current, wanted).map(({ name, from, to }) => {
    if (to === undefined) return `--${name}: remove`
    return from === undefined ? `--${name}: add ${to}` : `--${name}: ${from} → ${to}`
  })

/** What the unit file of a service runs. */
export interface Unit {
  args: string[]
  environment: Record<string, string>
}

/** ExecStart and Environment of a systemd unit; other directives do not matter here. */
export function parseUnit(text: string): Unit {
  const lines = text.replace(/\\\n\s*/g, ' ').split('\n')
  const values = (directive: string) =>
    lines.filter(line => line.startsWith(`${directive}=`)).flatMap(line => splitWords(line.slice(directive.length + 1)))
  return {
    args: values('ExecStart').slice(1),
    environment: Object.fromEntries(
      values('Environment').map(word => [word.split('=', 1)[0] ?? '', word.slice(word.indexOf('=') + 1)]),
    ),
  }
}

/** Words by systemd's quoting. https://www.freedesktop.org/software/systemd/man/latest/systemd.syntax.html#Quoting */
function splitWords(line: string): string[] {
  const words: string[] = []
  for (const [word] of line.matchAll(/(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\.|[^\s"'\\])+/g)) {
    const bare = word.replace(/"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'/g, (_, double, single) => double ?? single)
    words.push(bare.replace(/\\(.)/g, '$1').replaceAll('%%', '%'))
  }
  return words
}
