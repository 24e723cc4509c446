import { Document, isMap, isScalar, parse, stringify, visit } from 'yaml'
import type { Json } from '../../runtime/json.ts'

/** A key that nothing was found for. */
export interface Gap {
  path: readonly [string, ...string[]]
  /** What it looks like. */
  example: Json
  why: string
}

/** A first draft of an environment's file. */
export interface Draft {
  content: { [key: string]: Json | undefined }
  gaps: Gap[]
  /** What the reader should check, by the key that it is about. */
  notes: { key: string; text: string }[]
}

/** Puts a value where the path says, in place of what is there, or was to be filled in. @param value YAML */
export function set(draft: Draft, path: readonly string[], value: string): Draft {
  const content = structuredClone(draft.content)
  let at = content
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(at, key) ? at[key] : undefined
    if (typeof next === 'object' && next !== null && !Array.isArray(next)) at = next
    else {
      const made = {}
      define(at, key, made)
      at = made
    }
  }
  define(at, path.at(-1) ?? '', parse(value) as Json)
  const isFilled = (gap: Gap) => path.every((key, index) => gap.path[index] === key)
  return { ...draft, content, gaps: draft.gaps.filter(gap => !isFilled(gap)) }
}

/** A key of the map itself, also one that objects inherit, such as `__proto__`: for whoever checks the file to refuse. */
const define = (map: Draft['content'], key: string, value: Json) =>
  Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true })

/** The file's text: what was found, and what was not as a comment in its place. */
export function draftText({ content, gaps, notes }: Draft, heading: string): string {
  const document = new Document(
    Object.fromEntries(Object.entries(content).sort(([one], [other]) => rankOf(one) - rankOf(other))),
  )
  visit(document, {
    Seq: (_, list) => {
      list.flow = list.items.every(isScalar)
    },
  })
  if (isMap(document.contents)) {
    for (const pair of document.contents.items.slice(TOGETHER)) Object.assign(pair.key as object, { spaceBefore: true })
    for (const { key, text } of notes) {
      const pair = document.contents.items.find(item => String(item.key) === key)
      if (pair) Object.assign(pair.key as object, { commentBefore: commented(text) })
    }
  }
  for (const gap of gaps) {
    const { parent, rest } = placeOf(document, gap)
    const example = rest.reduceRight<Json>((value, key) => ({ [key]: value }), gap.example)
    const text = commented(`${gap.why}\n${stringify(example).trimEnd()}`)
    parent.comment = parent.comment ? `${parent.comment}\n${text}` : text
  }
  return `${commented(heading).replaceAll(/^/gm, '#')}\n${document.toString({ lineWidth: 0 }).trimEnd()}\n`
}

/** As docs/environments.md has the keys; others last. */
const ORDER = 'schema name endpoints inherits terraform access k0s schedule snapshots verify delivery guards'.split(' ')
const rankOf = (key: string): number => (ORDER.includes(key) ? ORDER.indexOf(key) : ORDER.length)

/** `schema` and `name`, which stand first. */
const TOGETHER = 2

/** The innermost map on the way to a gap's key that is there, and the rest of the way. */
function placeOf(document: Document, { path }: Gap): { parent: { comment?: string | null | undefined }; rest: string[] } {
  for (let length = path.length - 1; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length))
    if (isMap(parent)) return { parent, rest: path.slice(length) }
  }
  return { parent: document, rest: [...path] }
}

const commented = (text: string): string =>
  text
    .split('\n')
    .map(line => ` ${line}`)
    .join('\n')
