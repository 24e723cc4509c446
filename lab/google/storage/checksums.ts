import { createHash } from 'node:crypto'

/** Castagnoli's polynomial, reversed: Cloud Storage checks with CRC32C, not with zlib's CRC32. */
const POLYNOMIAL = 0x82f63b78

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
  return value
})

/** Base64 of the big-endian CRC32C, as Cloud Storage writes it. */
export function crc32c(content: Uint8Array): string {
  let crc = 0xffffffff
  for (const byte of content) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] ?? 0)
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE((crc ^ 0xffffffff) >>> 0)
  return bytes.toString('base64')
}

/** Base64 of the MD5 digest. */
export const md5 = (content: Uint8Array): string => createHash('md5').update(content).digest('base64')
