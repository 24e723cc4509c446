/** An entry of an archive; by default a file whose text is its name. */
export interface TarEntry {
  /** At most 100 bytes. */
  name: string
  type?: keyof typeof TYPES
  /** Where a link leads. */
  to?: string
  mode?: number
}

const TYPES = {
  file: '0',
  link: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
} as const
const BLOCK = 512

/** A tar archive with exactly these entries: a program that makes archives would not put in names and links like these. */
export const tarOf = (entries: readonly TarEntry[]): Buffer =>
  Buffer.concat([...entries.flatMap(entry => [headerOf(entry), contentOf(entry)]), Buffer.alloc(2 * BLOCK)])

const textOf = ({ name, type = 'file' }: TarEntry): string => (type === 'file' ? `text of ${name}` : '')

function contentOf(entry: TarEntry): Buffer {
  const text = Buffer.from(textOf(entry))
  return Buffer.concat([text, Buffer.alloc((BLOCK - (text.length % BLOCK)) % BLOCK)])
}

/** https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_06 */
function headerOf(entry: TarEntry): Buffer {
  const { name, type = 'file', to = '', mode = 0o644 } = entry
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, length: number) => header.write(value.toString(8).padStart(length - 1, '0'), at)
  header.write(name, 0)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(Buffer.byteLength(textOf(entry)), 124, 12)
  octal(0, 136, 12)
  header.write(' '.repeat(8), 148)
  header.write(TYPES[type], 156)
  header.write(to, 157)
  header.write('ustar\u000000', 257)
  octal(1, 329, 8)
  octal(3, 337, 8)
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  return header
}
