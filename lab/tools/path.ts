import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where PATH has a program, a folder apart. */
export function findOnPath(name: string, exceptIn?: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '' || folder === exceptIn) continue
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {}
  }
  return undefined
}
