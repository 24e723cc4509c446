import { readFile } from 'node:fs/promises'
import { run } from './process.ts'

/** What is mounted below a folder, innermost first. */
export async function mountsBelow(folder: string): Promise<string[]> {
  const table = await readFile('/proc/self/mounts', 'utf8')
  return table
    .split('\n')
    .map(line => unescaped(line.split(' ')[1] ?? ''))
    .filter(path => path.startsWith(`${folder}/`))
    .reverse()
}

/** Unmounts it, in use or not. */
export async function unmountBelow(folder: string): Promise<void> {
  for (const path of await mountsBelow(folder)) await run('umount', ['--lazy', path])
}

/** The table has blanks and the like as octal numbers. proc_mounts(5) */
const unescaped = (path: string): string =>
  path.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))
