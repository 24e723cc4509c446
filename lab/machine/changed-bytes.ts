import { open, readdir, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** The block size of a persistent disk. */
const BLOCK_BYTES = 4096
const READ_BYTES = 256 * BLOCK_BYTES

interface Entry {
  size: number
  /** Bytes that it takes up in the file system. */
  stored: number
  /** Differs when the content differs. */
  version: string
}

/**
 * Bytes in the blocks of a folder that differ from an earlier copy of it: the size of an incremental snapshot. Without an
 * earlier copy, all bytes.
 */
export async function changedBytes(folder: string, earlier?: string): Promise<number> {
  const [now, before] = await Promise.all([
    filesIn(folder),
    earlier === undefined ? new Map<string, Entry>() : filesIn(earlier),
  ])
  let changed = 0
  for (const [path, { size, stored, version }] of now) {
    const old = before.get(path)
    if (old?.version === version) continue
    const common = earlier !== undefined && old ? await commonBytes(join(folder, path), join(earlier, path)) : 0
    changed += Math.max(0, Math.min(stored, size) - common)
  }
  return changed
}

/** Every regular file below a folder, by its path in it. */
async function filesIn(folder: string): Promise<Map<string, Entry>> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile())
  const entries = files.map(async ({ parentPath, name }): Promise<[string, Entry]> => {
    const path = join(parentPath, name)
    const { size, blocks, mtimeNs } = await stat(path, { bigint: true })
    return [relative(folder, path), { size: Number(size), stored: Number(blocks) * 512, version: `${size} ${mtimeNs}` }]
  })
  return new Map(await Promise.all(entries))
}

/** Bytes in blocks that are equal and at the same position in both files. */
async function commonBytes(left: string, right: string): Promise<number> {
  await using one = await open(left)
  await using other = await open(right)
  const [first, second] = [Buffer.alloc(READ_BYTES), Buffer.alloc(READ_BYTES)]
  let common = 0
  for (let at = 0; ; at += READ_BYTES) {
    const [read, meanwhile] = await Promise.all([one.read(first, 0, READ_BYTES, at), other.read(second, 0, READ_BYTES, at)])
    const length = Math.min(read.bytesRead, meanwhile.bytesRead)
    for (let block = 0; block < length; block += BLOCK_BYTES) {
      const end = Math.min(block + BLOCK_BYTES, length)
      if (first.subarray(block, end).equals(second.subarray(block, end))) common += end - block
    }
    if (length < READ_BYTES) return common
  }
}
