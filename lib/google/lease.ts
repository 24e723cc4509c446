import { lstat, mkdir } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { precondition, systemCode } from '../runtime/errors.ts'
import type { RelayTarget } from './iap.ts'

/** Where a tunnel leads; nothing of it is secret. */
export type FarEnd = Pick<RelayTarget, 'relay' | 'project' | 'zone' | 'instance' | 'port'>

/** What a tunnel's process says to those that hold a lease of it: first of all where it leads. */
export type FromTunnel = { pid: number; leadsTo: FarEnd } | { asks: number } | { failed: string }

/** What they say to it: the token that it asked for under this number, or why there is none. */
export type FromHolder = { answers: number; token: string } | { answers: number; failed: string }

/** The path of a Unix socket may have as many bytes: 104 on macOS and 108 on Linux, a NUL included. */
const LONGEST_PATH = 103
/** A socket has a name of its own first, with the pid of whoever makes it. */
const LONGEST_NAME = 'tunnel-65535.4194304'.length

/** Longer than any token. In characters. */
const LONGEST_MESSAGE = 2 ** 20

/** Folders that may take the sockets of a user's tunnels, best first. All checkouts of a user share them, as they share ports. */
export function socketFolders(runtime: string | undefined, temporary: string, uid: number): string[] {
  const parents = [runtime || temporary, temporary, '/tmp']
  const folders = [...new Set(parents.map(parent => join(parent, `threads-ops-${uid}`)))]
  return folders.filter(folder => Buffer.byteLength(folder) + 1 + LONGEST_NAME <= LONGEST_PATH)
}

/** The first of these that is, or can be made, this user's own and closed to all others. @throws OpsError 4 when none is */
export async function ownFolder(folders: string[], uid: number): Promise<string> {
  for (const folder of folders) if (await isOwn(folder, uid)) return folder
  const last = folders.at(-1)
  throw precondition(
    `tunnels need a folder that only you can enter, and ${last} is not one`,
    `rm -r ${last}, or set XDG_RUNTIME_DIR to a folder of your own`,
  )
}

async function isOwn(folder: string, uid: number): Promise<boolean> {
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') return false
  }
  const found = await lstat(folder).catch(() => undefined)
  return found?.isDirectory() === true && found.uid === uid && (found.mode & 0o077) === 0
}

export const send = (socket: Socket, message: FromTunnel | FromHolder): void =>
  void (socket.writable && socket.write(`${JSON.stringify(message)}\n`))

/** Calls `heard` with each message. Whoever says anything else is not spoken to any more. */
export function listenTo<T extends FromTunnel | FromHolder>(socket: Socket, heard: (message: T) => void): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('error', () => socket.destroy())
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LONGEST_MESSAGE) return void socket.destroy()
    try {
      for (const line of lines) heard(JSON.parse(line) as T)
    } catch {
      socket.destroy()
    }
  })
}
