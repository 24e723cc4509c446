/** Flags by long name, without the dashes; a switch is `true`. Order and spelling do not matter. */
export type Flags = Record<string, string>

const SHORT: Record<string, string> = { c: 'config', d: 'debug', e: 'env', v: 'verbose' }
/** Flags that take no value, so that the next word does not belong to them. */
const SWITCHES = new Set([
  'single',
  'enable-worker',
  'no-taints',
  'debug',
  'verbose',
  'force',
  'start',
  'enable-dynamic-config',
])

/** Flags of a k0s command line, whether written `--a=b`, `--a b` or `-c b`. Other words are ignored. */
export function parseFlags(words: readonly string[]): Flags {
  const flags: Flags = {}
  for (let at = 0; at < words.length; at++) {
    const match = /^--?([^=]+)(?:=([\s\S]*))?$/.exec(words[at] ?? '')
    if (!match) continue
    const [, written = '', value] = match
    const name = SHORT[written] ?? written
    if (value !== undefined) flags[name] = value
    else if (SWITCHES.has(name)) flags[name] = 'true'
    else flags[name] = words[++at] ?? ''
  }
  // A switch that is off is the same as one that is absent.
  return Object.fromEntries(Object.entries(flags).filter(([name, value]) => !(SWITCHES.has(name) && value === 'false')))
}

/** What must change for `current` to become `wanted`, e.g. `--single: add true`. Values of environment variables stay hidden. */
export function flagChanges(current: Flags, wanted: Flags): string[] {
  const names = [...new Set([...Object.keys(current), ...Object.keys(wanted)])].sort()
  return names
    .filter(name => current[name] !== wanted[name])
    .map(name => {
      if (wanted[name] === undefined) return `--${name}: remove`
      return current[name] === undefined ? `--${name}: add ${wanted[name]}` : `--${name}: ${current[name]} → ${wanted[name]}`
    })
}

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
