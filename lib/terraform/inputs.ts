import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { configuration, exitCodes, OpsError } from '../runtime/errors.ts'
import type { Json } from '../runtime/json.ts'
import type { Command, Ended } from './command.ts'
import type { Given } from './given.ts'
import { createMemory } from './memory.ts'
import { filesIn, isConfiguration, isValues, withScratch } from './scratch.ts'

export interface InputsOptions {
  command: Command
  root: (layer: string) => string
  given: Given
  /** Parent of the scratch folders. */
  scratch: string
}

/** Values of the layers' input variables, as Terraform itself takes them: by its console, in a folder with nothing else in it. */
export interface Inputs {
  /** Undefined when the layer declares no such variable. @throws OpsError 3 when it has no value */
  find(layer: string, name: string): Promise<Json | undefined>
  /** A text, number or boolean, as text. @throws UndeclaredVariable; OpsError 3 when it has no value */
  text(layer: string, name: string): Promise<string>
}

const declaresVariables = (file: string): boolean => isConfiguration(file) && file.startsWith('variables')

export function createInputs({ command, root, given, scratch }: InputsOptions): Inputs {
  const values = createMemory<Json | undefined>()

  /** Base64 has no quotes and no line breaks, however the console prints a text; a warning may stand before it. */
  const evaluate = async (layer: string, files: string[], expression: string, name?: string): Promise<Ended> => {
    const env = await given.some(layer, name)
    return withScratch(scratch, { from: root(layer), files }, folder =>
      command.run(folder, ['console', '-no-color'], { env, input: `base64encode(jsonencode(${expression}))\n` }),
    )
  }

  const read = async (layer: string, name: string): Promise<Json | undefined> => {
    const files = await filesIn(root(layer))
    const declaring = await filesWith(root(layer), files.filter(isConfiguration), ['variable', name])
    if (declaring.length === 0) return undefined
    const known = files.filter(file => declaresVariables(file) || isValues(file))
    const first = await evaluate(layer, known, openValue(name), name)
    if (!isUndeclared(first, name)) return valueIn(layer, name, first)
    // A file may declare it beside what only an initialised root knows: of that no value can be had here.
    const others = declaring.filter(file => !declaresVariables(file))
    const alone = await Promise.all(others.map(async file => (await evaluate(layer, [file], '0')).exitCode === 0))
    const more = others.filter((_, index) => alone[index])
    if (more.length === 0) return undefined
    const second = await evaluate(layer, [...known, ...more], openValue(name), name)
    return isUndeclared(second, name) ? undefined : valueIn(layer, name, second)
  }

  const valueIn = (layer: string, name: string, ended: Ended): Json => {
    const what = `variable "${name}" of ${root(layer)}`
    if (ended.exitCode !== 0) {
      const stopped = command.stopped(what, ended)
      if (stopped) throw stopped
      throw configuration(
        `${what}: ${ended.stderr.trim()}`,
        'correct what Terraform says: files named variables… hold variables only',
      )
    }
    const encoded = /^"([A-Za-z0-9+/=]*)"$/.exec(ended.stdout.trim().split('\n').at(-1) ?? '')?.[1]
    const value = encoded === undefined ? null : (JSON.parse(Buffer.from(encoded, 'base64').toString()) as Json)
    if (value === null) throw configuration(`${what} has no value`, remedy(layer, name))
    return value
  }

  const remedy = (layer: string, name: string) => `give it one in ${join(root(layer), 'terraform.tfvars')}: ${name} = "…"`

  const find = (layer: string, name: string) => values.get(`${layer} ${name}`, () => read(layer, name))

  return {
    find,
    async text(layer, name) {
      const value = await find(layer, name)
      if (value === undefined) throw new UndeclaredVariable(root(layer), name)
      if (typeof value === 'object' || value === '')
        throw configuration(`variable "${name}" of ${root(layer)} is not a plain text`, remedy(layer, name))
      return String(value)
    },
  }
}

/** A layer declares no variable of that name, or only beside what hides its value. */
export class UndeclaredVariable extends OpsError {
  constructor(root: string, name: string) {
    super(
      exitCodes.configuration,
      `${root} declares no variable "${name}" where its value can be had`,
      `declare it in ${join(root, 'variables.tf')}`,
    )
  }
}

/** Before Terraform 1.8 it was an error to call a value open that is so already. */
const openValue = (name: string): string => `try(nonsensitive(var.${name}), var.${name})`

const isUndeclared = ({ exitCode, stderr }: Ended, name: string): boolean =>
  exitCode !== 0 && stderr.replaceAll(/\s+/g, ' ').includes(`variable with the name "${name}" has not been declared`)

/** Those of the files in which all the words occur: no other can declare what they name. */
export async function filesWith(folder: string, files: string[], words: string[]): Promise<string[]> {
  const texts = await Promise.all(files.map(file => readFile(join(folder, file), 'utf8')))
  return files.filter((_, index) => words.every(word => texts[index]?.includes(word)))
}
