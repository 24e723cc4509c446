import { precondition } from '../../lib/runtime/errors.ts'
import { readIfExists } from '../../lib/runtime/files.ts'

/**
 * The lab's own files are written whole or not at all, but a disk can break that promise when the power goes. What is only a record of what
 * runs is then taken for missing and made anew; what nothing can make anew is refused in words.
 */

/** The JSON object in a file that can be made anew; undefined when there is no such file, or none is in it. */
export async function readRecord<T extends object>(path: string): Promise<Partial<T> | undefined> {
  const text = await readIfExists(path)
  return text === undefined ? undefined : objectIn<T>(text)
}

/**
 * The JSON object in a file that nothing can make anew.
 * @param isWhole whether it holds what a file of that name has to
 * @throws OpsError 4 when it is damaged
 */
export async function readData<T extends object>(path: string, isWhole: (value: Partial<T>) => boolean): Promise<T> {
  const value = objectIn<T>((await readIfExists(path)) ?? '')
  if (value && isWhole(value)) return value as T
  throw precondition(`${path} is damaged: it does not hold what the lab wrote there`, RESET)
}

const RESET = '`./taskw lab:reset` cures it, and deletes all that the lab holds; a copy of the file from a backup does, too'

function objectIn<T extends object>(text: string): Partial<T> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
