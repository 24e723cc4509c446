import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../runtime/files.ts'

const folder = join(root, 'environments')

/** Names of the environments that have a file, sorted. */
export const environmentNames = (): string[] =>
  readdirSync(folder)
    .filter(name => name.endsWith('.yaml'))
    .map(name => name.slice(0, -'.yaml'.length))
    .sort()
