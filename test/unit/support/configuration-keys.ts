import type { z } from 'zod'

/**
 * Which keys of the environment's file the sources read, by name: `environment.a.b`, `{ b } = environment.a`,
 * `{ a: { b } }: Environment`, and the same through variables that hold a part of it. A part that is handed on whole (an argument,
 * a spread, `part[key]`) is followed no further: of its keys those count that are a property's name anywhere.
 */
export interface Reads {
  /** Paths such as `access.ssh.user`. */
  read: Set<string>
  /** Paths of the parts that are handed on. */
  whole: Set<string>
}

interface Key {
  path: string
  /** Paths of the parts around it, the outermost first. */
  parts: string[]
}

/** The keys of a schema that hold no others; below a map's own keys, which are the user's, its values' keys follow at once. */
export function leafKeys(schema: unknown, parts: string[] = []): Key[] {
  const { type, innerType, valueType, shape } = (schema as z.ZodType).def as {
    type: string
    innerType?: unknown
    valueType?: unknown
    shape?: Record<string, unknown>
  }
  const path = parts.at(-1) ?? ''
  if (innerType) return leafKeys(innerType, parts)
  if (type === 'record' && isObject(valueType)) return leafKeys(valueType, parts)
  if (!shape) return [{ path, parts: parts.slice(0, -1) }]
  return Object.entries(shape).flatMap(([name, value]) => leafKeys(value, [...parts, below(path, name)]))
}

const isObject = (schema: unknown): boolean => 'shape' in (schema as z.ZodType).def

const below = (path: string, name: string): string => (path ? `${path}.${name}` : name)

/** Whether a key is read. @param text of all sources */
export function isRead({ path, parts }: Key, { read, whole }: Reads, text: string): boolean {
  if (read.has(path)) return true
  const name = path.slice(path.lastIndexOf('.') + 1)
  return parts.some(part => whole.has(part)) && new RegExp(`\\.${name}\\b|[{,]\\s*${name}\\s*[,:}]|'${name}'`).test(text)
}

const NAME = '[A-Za-z_]\\w*'
const CHAIN = `${NAME}(?:[?!]?\\.${NAME})*`

/** What one source reads. */
export function readsOf(source: string): Reads {
  const text = withoutComments(source)
  const reads: Reads = { read: new Set(), whole: new Set() }
  /** Variables by the part that they hold. */
  const variables = new Map<string, string>()
  /** Where a chain stands that is followed through a variable or a pattern. */
  const followed = new Set<number>()

  const resolve = (chain: string): string | undefined => {
    const names = chain.split(/[?!]?\./)
    const at = names.lastIndexOf('environment')
    if (at >= 0) return names.slice(at + 1).join('.')
    const start = variables.get(names[0] ?? '')
    return start === undefined ? undefined : [start, ...names.slice(1)].join('.')
  }
  const reach = (path: string): void => {
    for (let end = path.length; end > 0; end = path.lastIndexOf('.', end - 1)) reads.read.add(path.slice(0, end))
  }
  const bind = (pattern: string, path: string): void => {
    for (const item of topLevel(pattern)) {
      const [, rest, name = '', nested, variable] = /^(\.\.\.)?(\w+)(?:: (?:\{([\s\S]*)\}|(\w+)))?/.exec(item.trim()) ?? []
      if (rest) reads.whole.add(path)
      else reach(below(path, name))
      if (nested !== undefined) bind(nested, below(path, name))
      else variables.set(variable ?? name, rest ? path : below(path, name))
    }
  }

  for (const { 0: all, 1: opening = '', index } of text.matchAll(/(environment: )?\{/g)) {
    const pattern = braced(text, index + all.length - 1)
    const after = text.slice(index + all.length + pattern.length + 1)
    const [initializer = '', chain = ''] = new RegExp(`^ = (${CHAIN})(?![(\\w])`).exec(after) ?? []
    const path = opening || /^: Environment\b(?!\[)/.test(after) ? '' : resolve(chain)
    if (path === undefined || (chain === '' && path !== '')) continue
    bind(pattern, path)
    if (chain) followed.add(text.length - after.length + initializer.length - chain.length)
  }
  for (const { 0: all, 1: variable = '', 2: chain = '', index } of text.matchAll(
    new RegExp(`\\bconst (\\w+) = (${CHAIN});?$`, 'gm'),
  )) {
    const path = resolve(chain)
    if (path === undefined) continue
    variables.set(variable, path)
    followed.add(index + all.lastIndexOf(chain))
  }
  for (const { 0: chain, index } of text.matchAll(new RegExp(`(?<!\\w|(?<!\\.\\.)\\.)${CHAIN}`, 'g'))) {
    const path = resolve(chain)
    if (path === undefined) continue
    reach(path)
    if (!followed.has(index) && !isAsked(text, index, chain)) reads.whole.add(path)
  }
  return reads
}

/** `!part`, `part ? …`, `part && …`, `part === …`: whether it is there, and nothing of what is in it. */
const isAsked = (text: string, index: number, chain: string): boolean => {
  const after = text.slice(index + chain.length, index + chain.length + 5)
  return (text[index - 1] === '!' && !after.startsWith('[')) || /^ (?:\? |&& |[!=]== )/.test(after)
}

const withoutComments = (source: string): string => source.replace(/^\s*\/\*[\s\S]*?\*\/|(?:^|\s)\/\/ .*$/gm, '')

/** What stands between a brace and the one that closes it. */
function braced(text: string, start: number): string {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    if (text[at] === '{') depth++
    if (text[at] === '}' && --depth === 0) return text.slice(start + 1, at)
  }
  return text.slice(start + 1)
}

/** The items of a list, split at the commas that no bracket encloses. */
function topLevel(list: string): string[] {
  const items = ['']
  let depth = 0
  for (const character of list) {
    if ('{[('.includes(character)) depth++
    if ('}])'.includes(character)) depth--
    if (character === ',' && depth === 0) items.push('')
    else items.push((items.pop() ?? '') + character)
  }
  return items.filter(item => item.trim() !== '')
}
