import { readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { isCollection, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { configuration, usage } from '../runtime/errors.ts'
import { readIfExists, root } from '../runtime/files.ts'
import { type Environment, environmentSchema } from './schema.ts'
import { didYouMean } from './suggest.ts'

const directory = join(root, 'environments')

/** Names of the environments that have a file, sorted. */
export const environmentNames = (): string[] =>
  readdirSync(directory)
    .filter(name => name.endsWith('.yaml'))
    .map(name => name.slice(0, -'.yaml'.length))
    .sort()

/**
 * An environment's configuration, validated and frozen.
 * @throws OpsError 2 for a name without a file, 3 with every error at once, each with file:line
 */
export async function loadEnvironment(name: string): Promise<Environment> {
  const known = environmentNames()
  if (!known.includes(name)) {
    throw usage(`there is no environment "${name}"${didYouMean(name, known)}`, `one of: ${known.join(', ')}`)
  }
  const file = `environments/${name}.yaml`
  return parseEnvironment((await readIfExists(join(root, file))) ?? '', file, name)
}

/** The same from a text; errors call it `file`. */
export function parseEnvironment(text: string, file: string, name: string): Environment {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const at = (offset: number | undefined) => `${file}:${offset === undefined ? 1 : lines.linePos(offset).line}`
  if (document.errors.length > 0) {
    throw invalid(document.errors.map(error => `${at(error.pos[0])}: ${error.message.split('\n')[0]}`))
  }
  const place = (path: PropertyKey[]) => {
    for (let length = path.length; length > 0; length--) {
      const parent = document.getIn(path.slice(0, length - 1), true)
      const last = path[length - 1]
      const pair = isCollection(parent) ? parent.items.find(item => keyOf(item) === last) : undefined
      const offset = (pair as { key?: { range?: number[] } } | undefined)?.key?.range?.[0]
      if (offset !== undefined) return at(offset)
    }
    return at(undefined)
  }
  const parsed = environmentSchema.safeParse(document.toJS() ?? {})
  if (!parsed.success) throw invalid(parsed.error.issues.flatMap(issue => explain(issue, place)))
  if (parsed.data.name !== name)
    throw invalid([`${place(['name'])}: name is "${parsed.data.name}", but the file is called "${name}"`])
  return deepFreeze(parsed.data)
}

const keyOf = (item: unknown): unknown => (item as { key?: { value?: unknown } }).key?.value

const invalid = (problems: string[]) =>
  configuration(
    `the configuration has ${problems.length === 1 ? 'an error' : `${problems.length} errors`}:\n${problems.map(problem => `  ${problem}`).join('\n')}`,
    'correct the file and run again; docs/environments.md describes every key',
  )

function explain(issue: z.core.$ZodIssue, place: (path: PropertyKey[]) => string): string[] {
  const where = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path)
    return issue.keys.map(
      key => `${place([...issue.path, key])}: unknown key "${key}"${where ? ` in ${where}` : ''}${didYouMean(key, known)}`,
    )
  }
  return [`${place(issue.path)}: ${where || 'the file'}: ${issue.message}`]
}

/** The keys that the schema knows at a path; empty inside free-form maps. */
function keysAt(path: PropertyKey[]): string[] {
  let at: unknown = environmentSchema
  for (const step of path) at = (at as { shape?: Record<PropertyKey, unknown> } | undefined)?.shape?.[step]
  return Object.keys((at as { shape?: object } | undefined)?.shape ?? {})
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const member of Object.values(Object.freeze(value))) deepFreeze(member)
  return value
}

/** A path in the configuration, made absolute: relative to the checkout, with `~` as the home folder. */
export const configuredPath = (path: string): string =>
  path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(root, path)
