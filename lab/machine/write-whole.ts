import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/**
 * Writes the whole file or nothing; also nothing when the content is already right. In a machine whose disk is full, or whose
 * power fails, the old file has to survive.
 */
export function writeWhole(path: string, content: string | Uint8Array, mode = 0o644): void {
  const wanted = Buffer.from(content)
  if (read(path)?.equals(wanted)) return
  const temporary = `${path}.new`
  try {
    rmSync(temporary, { force: true })
    writeFileSync(temporary, wanted, { mode })
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}
