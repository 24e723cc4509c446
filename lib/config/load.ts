import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Document, isCollection, isNode, LineCounter, parseDocument, visit } from 'yaml'
import type { z } from 'zod'
import { configuration, messageOf, usage } from '../runtime/errors.ts'
import { readNamed, root } from '../runtime/files.ts'
import { environmentNames } from './names.ts'
import { type Environment, environmentSchema } from './schema.ts'
import { didYouMean } from './suggest.ts'

/**
 * An environment's configuration, validated and frozen.
 * @throws OpsError 2 for a name without a file, 3 with every error at once, each with file:line:column
 */
export async function loadEnvironment(name: string): Promise<Environment> {
  const known = environmentNames()
  if (!known.includes(name)) {
    throw usage(`there is no environment "${name}"${didYouMean(name, known)}`, `one of: ${known.join(', ')}`)
  }
  const file = fileOf(name)
  return parseEnvironment((await readNamed(join(root, file))) ?? '', file, name)
}

const fileOf = (name: string) => `environments/${name}.yaml`

/** Where an environment's file says something, as file:line:column; of what it does not say, the nearest place. */
export async function placeIn(name: string, path: PropertyKey[]): Promise<string> {
  const file = fileOf(name)
  return located((await readNamed(join(root, file))) ?? '', file).place(path)
}

/** The same from a text; errors call it `file`. */
export function parseEnvironment(text: string, file: string, name: string): Environment {
  const { document, at, has, place, placeOfKey } = located(text, file)
  if (document.errors.length > 0) {
    throw invalid(document.errors.map(error => `${at(error.pos[0])}: ${error.message.split('\n')[0]}`))
  }
  const value = contentOf(document, at)
  const parsed = environmentSchema.safeParse(value ?? {})
  const problems = [
    ...(parsed.success ? [] : parsed.error.issues.flatMap(issue => explain(issue, { has, place, placeOfKey }))),
    ...unknownLayers(value).map(({ index, message }) => `${place([...AFTER, index])}: ${AFTER.join('.')}: ${message}`),
  ]
  if (!parsed.success || problems.length > 0) throw invalid(problems)
  if (parsed.data.name !== name)
    throw invalid([`${place(['name'])}: name is "${parsed.data.name}", but the file is called "${name}"`])
  return deepFreeze(parsed.data)
}

/** A YAML text, and where things are in it. */
function located(text: string, file: string) {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const at = (offset = 0) => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line || 1}:${col || 1}`
  }
  /** Of the value at a path, else of the key nearest to it. */
  const place = (path: PropertyKey[]) => {
    const own = document.getIn(path, true)
    if (isNode(own) && own.range) return at(own.range[0])
    return placeOfKey(path)
  }
  const placeOfKey = (path: PropertyKey[]): string => {
    for (let length = path.length; length > 0; length--) {
      const parent = document.getIn(path.slice(0, length - 1), true)
      const last = path[length - 1]
      const pair = isCollection(parent) ? parent.items.find(item => keyOf(item) === last) : undefined
      const offset = (pair as { key?: { range?: number[] } } | undefined)?.key?.range?.[0]
      if (offset !== undefined) return at(offset)
    }
    return at(undefined)
  }
  const has = (path: PropertyKey[]) => path.length === 0 || document.hasIn(path)
  return { document, at, has, place, placeOfKey }
}

/** The document's value. @throws OpsError 3 for aliases that are not defined or expand beyond measure */
function contentOf(document: Document.Parsed, at: (offset?: number) => string): unknown {
  const undefinedAliases: string[] = []
  visit(document, {
    Alias: (_key, alias) => {
      if (alias.resolve(document) === undefined)
        undefinedAliases.push(`${at(alias.range?.[0])}: there is no anchor "${alias.source}"`)
    },
  })
  if (undefinedAliases.length > 0) throw invalid(undefinedAliases)
  try {
    return document.toJS() as unknown
  } catch (error) {
    throw invalid([`${at()}: ${messageOf(error)}`])
  }
}

const AFTER = ['snapshots', 'after']

/** The layers in `snapshots.after` that are not among the environment's, however wrong the rest of the file is. */
function unknownLayers(value: unknown): { index: number; message: string }[] {
  const { terraform, snapshots } = (value ?? {}) as { terraform?: { layers?: unknown }; snapshots?: { after?: unknown } }
  const [layers, after] = [terraform?.layers, snapshots?.after]
  if (!Array.isArray(layers) || !Array.isArray(after)) return []
  const known = layers.filter(name => typeof name === 'string')
  return after.flatMap((name: unknown, index) =>
    typeof name !== 'string' || known.includes(name)
      ? []
      : [{ index, message: `${name} is not among terraform.layers${didYouMean(name, known)}` }],
  )
}

const keyOf = (item: unknown): unknown => (item as { key?: { value?: unknown } }).key?.value

const invalid = (problems: string[]) =>
  configuration(
    `the configuration has ${problems.length === 1 ? 'an error' : `${problems.length} errors`}:\n${problems.map(problem => `  ${problem}`).join('\n')}`,
    'correct the file and run again; docs/environments.md describes every key',
  )

type Located = Pick<ReturnType<typeof located>, 'has' | 'place' | 'placeOfKey'>

function explain(issue: z.core.$ZodIssue, { has, place, placeOfKey }: Located): string[] {
  const where = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path)
    return issue.keys.map(
      key => `${placeOfKey([...issue.path, key])}: unknown key "${key}"${where ? ` in ${where}` : ''}${didYouMean(key, known)}`,
    )
  }
  // Of a key that is wrong by itself only the issues within say why.
  const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message
  if (!has(issue.path) && issue.code !== 'custom') return [`${place(issue.path)}: ${where} is missing`]
  return [`${place(issue.path)}: ${where || 'the file'}: ${message}`]
}

/** The keys that the schema knows at a path, whatever it is wrapped in; empty inside free-form maps. */
function keysAt(path: PropertyKey[]): string[] {
  let at: unknown = bare(environmentSchema)
  for (const step of path) at = bare(memberOf(at, step))
  return Object.keys((at as Described | undefined)?.shape ?? {})
}

interface Described {
  shape?: Record<PropertyKey, unknown>
  def?: { innerType?: unknown; in?: unknown; valueType?: unknown; element?: unknown }
}

/** The schema of a member: of a map with known keys, of one with any, or of a list. */
function memberOf(schema: unknown, step: PropertyKey): unknown {
  const { shape, def } = (schema ?? {}) as Described
  if (shape) return Object.hasOwn(shape, step) ? shape[step] : undefined
  return def?.valueType ?? def?.element
}

/** Without `optional`, `default`, `prefault` and transformations. */
function bare(schema: unknown): unknown {
  const { def } = (schema ?? {}) as Described
  const inner = def?.innerType ?? def?.in
  return inner === undefined ? schema : bare(inner)
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const member of Object.values(Object.freeze(value))) deepFreeze(member)
  return value
}

/** A path in the configuration, made absolute: relative to the checkout, with `~` as the home folder. */
export const configuredPath = (path: string): string =>
  path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(root, path)

/** A program in the configuration: a path, or a name to be found on PATH. */
export const configuredProgram = (program: string): string => (program.includes('/') ? configuredPath(program) : program)

/** Whether the environment's providers are built on this machine: what has endpoints of its own is a lab. */
export const hasOwnProviders = ({ endpoints }: Pick<Environment, 'endpoints'>): boolean => endpoints !== undefined
