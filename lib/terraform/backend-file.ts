import { access } from 'node:fs/promises'
import { resolve } from 'node:path'

export interface BackendFileOptions {
  root: (layer: string) => string
  /** Folder of the layers. */
  directory: string
  /** Partial backend configuration: a file of the roots or of the layers' folder, or absolute. */
  backendConfig: string
}

/** The partial backend configuration of a layer: its root's own, else the one for all layers; undefined where there is none. */
export async function backendFile(
  layer: string,
  { root, directory, backendConfig }: BackendFileOptions,
): Promise<string | undefined> {
  for (const folder of [root(layer), directory]) {
    const file = resolve(folder, backendConfig)
    if (await isThere(file)) return file
  }
  return undefined
}

export const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
