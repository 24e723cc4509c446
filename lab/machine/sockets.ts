import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'

/** Longest path that fits in `sockaddr_un`, without its closing NUL. unix(7) */
const LONGEST_SOCKET_PATH = 107

const opened = new Map<string, number>()

/**
 * A path by which this process can bind or reach the Unix socket `name` in `directory`. Where the real path is too long for a
 * socket's address, the result goes through an open descriptor of the folder, which then stays open.
 */
export function socketPath(directory: string, name: string): string {
  const path = join(directory, name)
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) return path
  let descriptor = opened.get(directory)
  if (descriptor === undefined) {
    descriptor = openSync(directory, 'r')
    opened.set(directory, descriptor)
  }
  return `/proc/self/fd/${descriptor}/${name}`
}

/** Closes what `socketPath` keeps open for a folder that is about to be deleted. */
export function releaseSockets(directory: string): void {
  const descriptor = opened.get(directory)
  if (descriptor === undefined) return
  opened.delete(directory)
  closeSync(descriptor)
}
