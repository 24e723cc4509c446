import { randomBytes } from 'node:crypto'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Credentials by what they are, and where they are looked for: in a text as it is, in JSON, in a URL, in base64 at any offset. */
export class Planted {
  readonly #marks = new Map<string, string>()

  /** A new value, with what JSON, URLs and base64 write differently. */
  make(what: string): string {
    const value = `${randomBytes(12).toString('hex')}?~/+ "é>${randomBytes(12).toString('hex')}`
    this.add(what, value)
    return value
  }

  /** One that consists of characters that a token may have. */
  makeToken(what: string): string {
    const value = randomBytes(24).toString('hex')
    this.add(what, value)
    return value
  }

  /** @param open what anybody may know of it: a private key's file also holds the public key */
  add(what: string, value: string, open = ''): void {
    for (const word of value.replace(/-----[A-Z ]+-----/g, '').match(/[A-Za-z0-9]{12,}/g) ?? []) {
      if (open.includes(word)) continue
      // JSON and URLs leave it as it is.
      this.#marks.set(word, what)
      for (const offset of [0, 1, 2]) {
        const encoded = Buffer.from(`${'\0'.repeat(offset)}${word}`).toString('base64')
        // Without what also depends on the bytes around it.
        this.#marks.set(encoded.slice(offset === 0 ? 0 : 4, -4), `${what}, in base64`)
      }
    }
  }

  /** Which of them are in a text. */
  in(text: string): string[] {
    return [...new Set([...this.#marks].filter(([mark]) => text.includes(mark)).map(([, what]) => what))]
  }
}

/** Reads the command lines of all processes until it is stopped. @returns those with a planted value, without repetition */
export function watchCommandLines(planted: Planted): () => Promise<string[]> {
  const found = new Set<string>()
  let isOver = false
  const watching = (async () => {
    while (!isOver) {
      const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
      await Promise.all(
        pids.map(async pid => {
          const line = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')
          for (const what of planted.in(line)) found.add(`${what}: ${line.slice(0, 200)}`)
        }),
      )
      await sleep(30)
    }
  })()
  return async () => {
    isOver = true
    await watching
    return [...found]
  }
}

export interface FoundFile {
  path: string
  what: string[]
  /** Whether users other than its owner can reach and read it. */
  isOpen: boolean
}

const LARGEST = 32 * 1024 * 1024

/** The files below a folder with a planted value. @param skips paths that are not entered */
export async function filesWith(
  planted: Planted,
  folder: string,
  skips: (path: string) => boolean,
  isOpen = true,
): Promise<FoundFile[]> {
  const found: FoundFile[] = []
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name)
    if (skips(path)) continue
    const status = await lstat(path).catch(() => undefined)
    if (!status) continue
    if (status.isDirectory()) {
      found.push(...(await filesWith(planted, path, skips, isOpen && (status.mode & 0o011) !== 0)))
    } else if (status.isFile() && status.size < LARGEST) {
      const what = planted.in(await readFile(path, 'latin1').catch(() => ''))
      if (what.length > 0) found.push({ path, what, isOpen: isOpen && (status.mode & 0o044) !== 0 })
    }
  }
  return found
}
