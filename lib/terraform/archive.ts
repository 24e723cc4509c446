import { inflateRawSync } from 'node:zlib'

/** Signatures and fixed lengths of a zip file. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
const END_OF_DIRECTORY = 0x06054b50
const DIRECTORY_ENTRY = 0x02014b50
const END_BYTES = 22
const ENTRY_BYTES = 46
const HEADER_BYTES = 30
const STORED = 0

/** The content of a file in a zip archive, or undefined when it holds none of that name: a saved plan is such an archive. */
export function unzipped(archive: Buffer, name: string): string | undefined {
  const end = archive.lastIndexOf(signature(END_OF_DIRECTORY))
  if (end < 0 || end + END_BYTES > archive.length) throw new Error('not a zip archive')
  const count = archive.readUInt16LE(end + 10)
  let at = archive.readUInt32LE(end + 16)
  for (let entry = 0; entry < count && archive.readUInt32LE(at) === DIRECTORY_ENTRY; entry++) {
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map(offset => archive.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ]
    if (archive.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes) === name) return contentOf(archive, at)
    at += ENTRY_BYTES + nameBytes + extraBytes + commentBytes
  }
  return undefined
}

/** The lengths are those of the directory: the header before the content may not know them yet. */
function contentOf(archive: Buffer, entry: number): string {
  const method = archive.readUInt16LE(entry + 10)
  const packedBytes = archive.readUInt32LE(entry + 20)
  const header = archive.readUInt32LE(entry + 42)
  const start = header + HEADER_BYTES + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28)
  const packed = archive.subarray(start, start + packedBytes)
  return (method === STORED ? packed : inflateRawSync(packed)).toString()
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
