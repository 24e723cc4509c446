import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'

/** The process that listens on a port, as far as this user may see it. */
export interface PortHolder {
  pid: number
  /** Its command line, or its name. */
  command?: string
}

const LISTENING = '0A'

/** Inodes of the sockets that listen on a port, in a text of /proc/net/tcp or tcp6. */
export function listeningInodes(table: string, port: number): string[] {
  return table.split('\n').flatMap(line => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
    const isOurs = state === LISTENING && Number.parseInt(local.split(':').at(-1) ?? '', 16) === port
    return isOurs && inode !== undefined ? inode : []
  })
}

/** What `lsof -Fpc` prints: a `p` line with the pid, and a `c` line with the command's name. */
export function holderInLsof(text: string): PortHolder | undefined {
  const pid = Number(/^p(\d+)$/m.exec(text)?.[1])
  const command = /^c(.+)$/m.exec(text)?.[1]
  return Number.isInteger(pid) ? { pid, ...(command !== undefined && { command }) } : undefined
}

/** Who listens on a TCP port of this machine; undefined where that can't be seen, as of another user's process. */
export async function portHolder(port: number): Promise<PortHolder | undefined> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map(name => readFile(`/proc/self/net/${name}`, 'utf8').catch(() => undefined)),
  )
  if (tables.every(table => table === undefined)) return fromLsof(port)
  const links = new Set(tables.flatMap(table => listeningInodes(table ?? '', port)).map(inode => `socket:[${inode}]`))
  if (links.size === 0) return undefined
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch((): string[] => [])
    const held = await Promise.all(descriptors.map(name => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')))
    if (held.some(link => links.has(link))) return { pid: Number(pid), ...(await commandOf(pid)) }
  }
  return undefined
}

async function commandOf(pid: string): Promise<Pick<PortHolder, 'command'>> {
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  const command = line.split('\0').join(' ').trim()
  return command === '' ? {} : { command }
}

/** Where there is no /proc, as on macOS. */
async function fromLsof(port: number): Promise<PortHolder | undefined> {
  const found = await promisify(execFile)('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc']).catch(() => undefined)
  return found && holderInLsof(found.stdout)
}

const LONGEST_COMMAND = 120

/** As it reads after "port 3000 is in use". */
export function holderText(holder: PortHolder | undefined): string {
  if (!holder) return 'by a process that only its own user or root can see'
  const { pid, command } = holder
  return `by process ${pid}${command === undefined ? '' : `: ${command.slice(0, LONGEST_COMMAND)}`}`
}
