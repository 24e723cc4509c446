import { dirname, join, normalize } from 'node:path'

export interface Import {
  /** Path of the file that is imported, from the checkout's root. */
  target: string
  /** `import type … from`: it is gone when the program runs. */
  isType: boolean
}

/** `import … from`, `export … from`, `import '…'` and `import('…')`, over several lines and inside types, too. */
const IMPORT = /^(?:import|export)\b(?<type> type\b)?[^'";]*?\bfrom '(?<fixed>\.[^']+)'|\bimport\(?\s*'(?<bare>\.[^']+)'/gm

/** What a source imports of the checkout's own. @param file its path from the root */
export const importsOf = (file: string, text: string): Import[] =>
  [...text.matchAll(IMPORT)].map(({ groups: { type, fixed, bare } = {} }) => ({
    target: normalize(join(dirname(file), fixed ?? bare ?? '')),
    isType: type !== undefined,
  }))

/** The shortest way that leads from a file by imports back to it, both ends named; undefined when there is none. */
export function circleThrough(file: string, imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const cameFrom = new Map<string, string>()
  const queue = [file]
  for (const at of queue) {
    for (const next of imports.get(at) ?? []) {
      if (cameFrom.has(next)) continue
      cameFrom.set(next, at)
      if (next === file) return wayBack(file, cameFrom)
      queue.push(next)
    }
  }
  return undefined
}

function wayBack(file: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const way = [file]
  do way.unshift(cameFrom.get(way[0] ?? '') ?? file)
  while (way[0] !== file)
  return way
}

/** As above, but only what is there once the program has started: no types, and nothing that is imported when needed. */
const STATIC = /^(?:import|export)\b(?! type\b)[^'";]*?\bfrom '(?<from>[^']+)'|^import '(?<bare>[^']+)'/gm

/** What loading a source loads at once: the checkout's files by their paths from the root, packages by their names; of Node nothing. */
export const loadedBy = (file: string, text: string): string[] =>
  [...text.matchAll(STATIC)]
    .map(({ groups: { from, bare } = {} }) => from ?? bare ?? '')
    .filter(specifier => !specifier.startsWith('node:'))
    .map(specifier => (specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : packageOf(specifier)))

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** All that is reached from a file by imports, itself included, each with the shortest way to it. */
export function reachedFrom(file: string, imports: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const ways = new Map([[file, [file]]])
  for (const [at, way] of ways) for (const next of imports.get(at) ?? []) if (!ways.has(next)) ways.set(next, [...way, next])
  return ways
}
