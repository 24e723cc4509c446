import type { Argument, Command, Option } from 'commander'
import { environmentOption, isForeign } from './options.ts'
import type { Task } from './tasks.ts'
import { type Values, valuesOf } from './values.ts'

/** A word that may stand where the cursor is. */
export interface Candidate {
  value: string
  about?: string
}

/** What is offered: words, or the shell's own completion of paths. */
export type Completion = { candidates: Candidate[] } | 'files'

/** What a command line is completed from. */
export interface Known {
  tasks: readonly Task[]
  environments: readonly string[]
  /** The variable ENV of the shell. */
  env: string | undefined
  /** The command line that a script takes. */
  command(script: string): Promise<Command>
  /** The names of a kind that are known without asking anybody. */
  names(kind: Exclude<Values, 'file' | readonly string[]>, env: string): Promise<readonly string[]>
}

/** What parts Task's words from the script's. */
const SEPARATOR = '--'
const ENV = /^ENV=/

/** @param words of the command line after the program's name, the last one as far as it is typed */
export async function completion(words: readonly string[], known: Known): Promise<Completion> {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const separator = before.indexOf(SEPARATOR)
  const forTask = separator < 0 ? before : before.slice(0, separator)
  const verb = forTask.find(word => !word.startsWith('-') && !word.includes('='))
  const task = known.tasks.find(({ name }) => name === verb)
  const command = task?.script === undefined ? undefined : await known.command(task.script)
  const found =
    separator < 0
      ? taskWords({ verb, command, given: forTask }, known)
      : await scriptWords(before.slice(separator + 1), current, { command, env: envOf(forTask, known), known })
  return found === 'files' ? found : { candidates: found.filter(({ value }) => value.startsWith(current)) }
}

const envOf = (words: readonly string[], { env }: Known): string =>
  words.findLast(word => ENV.test(word))?.replace(ENV, '') ?? env ?? String(environmentOption().defaultValue)

/** Before the separator: a verb, the environment, and the separator itself where the verb takes words of its own. */
function taskWords(
  { verb, command, given }: { verb: string | undefined; command: Command | undefined; given: readonly string[] },
  { tasks, environments }: Known,
): Candidate[] {
  const takesEnv = verb === undefined || command?.options.some(({ long }) => long === environmentOption().long)
  const isSaid = given.some(word => ENV.test(word))
  return [
    ...(verb === undefined ? tasks.map(({ name, about }) => ({ value: name, about })) : []),
    ...(takesEnv && !isSaid ? environments.map(name => ({ value: `ENV=${name}`, about: 'environment' })) : []),
    ...(verb === undefined ? [] : [{ value: SEPARATOR, about: `options and arguments of ${verb}` }]),
  ]
}

interface Script {
  command: Command | undefined
  env: string
  known: Known
}

/** After the separator: what the script takes. */
async function scriptWords(
  before: readonly string[],
  current: string,
  { command, env, known }: Script,
): Promise<Candidate[] | 'files'> {
  // It runs something else, of which nothing is known here.
  if (!command) return 'files'
  const { operands, awaiting, used, environment = env } = walked(before, command)
  const valuesFor = (of: Option | Argument) => named(valuesOf(of), environment, known)

  const [, flag = '', part] = /^(--[\w-]+)=(.*)$/s.exec(current) ?? []
  if (part !== undefined) {
    const option = optionOf(flag, command)
    const found = option ? await valuesFor(option) : []
    return found === 'files' ? found : found.map(({ value }) => ({ value: `${flag}=${value}` }))
  }
  if (awaiting?.required || (awaiting && !current.startsWith('-'))) return valuesFor(awaiting)

  const [last] = command.registeredArguments.slice(-1)
  if (last && isForeign(last) && operands.length > 0) return []
  const next = command.registeredArguments[operands.length] ?? (last?.variadic ? last : undefined)
  const values = next && !current.startsWith('-') ? await valuesFor(next) : []
  if (values === 'files') return values
  const left = values.filter(({ value }) => !operands.includes(value))
  // Options are offered when they are asked for, or when there is nothing else to offer.
  return left.length > 0 && !current.startsWith('-') ? left : [...left, ...flags(command, used)]
}

/** What the words before the cursor are to the script. */
function walked(words: readonly string[], command: Command) {
  const operands: string[] = []
  const used = new Set<string>()
  let awaiting: Option | undefined
  let environment: string | undefined
  for (const word of words) {
    const isValue = awaiting && (awaiting.required || !word.startsWith('-'))
    if (isValue) {
      if (awaiting?.long === environmentOption().long) environment = word
      awaiting = undefined
      continue
    }
    awaiting = undefined
    if (!word.startsWith('-')) {
      operands.push(word)
      continue
    }
    const [flag = '', value] = word.split(/=(.*)/s)
    const option = optionOf(flag, command)
    if (!option) continue
    used.add(option.long ?? flag)
    if (value === undefined) awaiting = option.required || option.optional ? option : undefined
    else if (option.long === environmentOption().long) environment = value
  }
  return { operands, awaiting, used, ...(environment !== undefined && { environment }) }
}

const optionOf = (flag: string, { options }: Command): Option | undefined =>
  options.find(({ long, short }) => flag === long || flag === short)

/** All but those that are there already and take no value: they mean the same twice. */
const flags = (command: Command, used: ReadonlySet<string>): Candidate[] => [
  ...command.options
    .filter(({ hidden, long = '', required, optional }) => !hidden && (required || optional || !used.has(long)))
    .flatMap(({ long, description }) => (long ? [{ value: long, about: description }] : [])),
  { value: '--help', about: 'show this help' },
]

async function named(values: Values | undefined, env: string, known: Known): Promise<Candidate[] | 'files'> {
  if (values === 'file') return 'files'
  if (values === undefined) return []
  const names = typeof values === 'string' ? await known.names(values, env) : values
  return names.map(value => ({ value }))
}
