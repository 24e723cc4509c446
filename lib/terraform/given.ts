import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { declaredVariables } from '../model/layer/variables.ts'
import { filesIn, isConfiguration } from './scratch.ts'

/** Values of variables that no file of a root holds, such as secrets. */
export interface GivenValues {
  names: readonly string[]
  /** @throws OpsError 3 where it is not there */
  read(name: string): Promise<string>
}

/** Those that the layers' Terraforms take, as variables of their environment. */
export interface Given {
  /** All that the layer declares. @throws OpsError 3 where one of them is not there */
  all(layer: string): Promise<Record<string, string>>
  /** For a look at something else: those that are there. @param needed one without which it would be in vain @throws OpsError 3 */
  some(layer: string, needed?: string): Promise<Record<string, string>>
}

export function createGiven({ names, read }: GivenValues, root: (layer: string) => string): Given {
  const declaredBy = async (layer: string): Promise<string[]> => {
    if (names.length === 0) return []
    const files = (await filesIn(root(layer))).filter(isConfiguration)
    const texts = await Promise.all(files.map(async file => [file, await readFile(join(root(layer), file), 'utf8')] as const))
    return declaredVariables(names, new Map(texts))
  }
  const values = async (layer: string, isNeeded: (name: string) => boolean) => {
    const entryOf = async (name: string) => {
      try {
        return [[`TF_VAR_${name}`, await read(name)] as const]
      } catch (error) {
        if (isNeeded(name)) throw error
        return []
      }
    }
    return Object.fromEntries((await Promise.all((await declaredBy(layer)).map(entryOf))).flat())
  }
  return {
    all: layer => values(layer, () => true),
    some: (layer, needed) => values(layer, name => name === needed),
  }
}
