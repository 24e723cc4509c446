import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Program, pinsDirectory } from './catalog.ts'

/** A program's release, e.g. `v3.6.5`: the version required by its group's go.mod; `unpinned` when there is none. */
export async function programVersion({ group, module, release }: Program, pins = pinsDirectory): Promise<string> {
  if (release) return release
  const goMod = await readFile(join(pins, group, 'go.mod'), 'utf8')
  const line = goMod.split('\n').find(text =>
    text
      .replace(/^require\s+/, '')
      .trim()
      .startsWith(`${module} v`),
  )
  return (
    line
      ?.replace(/^require\s+/, '')
      .trim()
      .split(' ')[1] ?? 'unpinned'
  )
}
