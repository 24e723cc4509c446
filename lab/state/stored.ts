import { precondition } from '../../lib/runtime/errors.ts'
import { readIfExists } from '../../lib/runtime/files.ts'

/**
 * The lab writes its own files completely or not at all, but a power failure can still damage them. A damaged record of what is
 * running counts as missing and is created again; damage to data that cannot be recreated is an error.
 */

/** The JSON object in a file that can be recreated; undefined when the file is missing or damaged. */
export async function readRecord<T extends object>(path: string): Promise<Partial<T> | undefined> {
  const text = await readIfExists(path)
  return text === undefined ? undefined : objectIn<T>(text)
}

/**
 * The JSON object in a file that cannot be recreated.
 * @param isWhole whether the object is complete
 * @throws OpsError 4 when it is damaged
 */
export async function readData<T extends object>(path: string, isWhole: (value: Partial<T>) => boolean): Promise<T> {
  const value = objectIn<T>((await readIfExists(path)) ?? '')
  if (value && isWhole(value)) return value as T
  throw precondition(`${path} is damaged: it does not contain what the lab wrote there`, RESET)
}

const RESET = 'restore the file from a backup, or start over with `./taskw lab:reset`, which deletes everything in the lab'

function objectIn<T extends object>(text: string): Partial<T> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
