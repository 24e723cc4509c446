import { spawn } from 'node:child_process'
import { chmod, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'

/**
 * `tar` sees nothing of the machine but programs, and the folder that it unpacks into: whatever an archive's names and links lead to
 * is in that folder or nowhere. It may overrule modes there, and make no devices.
 */
const SANDBOX: readonly string[] = [
  ...['--unshare-all', '--die-with-parent', '--new-session', '--clearenv', '--setenv', 'PATH', '/usr/bin:/bin'],
  ...['/usr', '/bin', '/lib', '/lib64', '/etc/ld.so.cache'].flatMap(path => ['--ro-bind-try', path, path]),
  ...['--cap-drop', 'ALL', '--cap-add', 'CAP_DAC_OVERRIDE', '--cap-add', 'CAP_FOWNER'],
]
const UNPACK = ['tar', '--extract', '--gzip', '--no-same-owner']

/**
 * Unpacks a layer into an empty folder of its own: a link of an earlier layer leads nowhere then.
 * @throws Error with what `tar` said
 */
export async function unpackLayer(archive: Readable, folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 })
  const target = ['--bind', folder, '/layer', '--remount-ro', '/', '--chdir', '/layer']
  const tar = spawn('bwrap', [...SANDBOX, ...target, '--', ...UNPACK], { stdio: ['pipe', 'ignore', 'pipe'] })
  const ended = new Promise<number | null>((resolve, reject) => tar.once('error', reject).once('close', resolve))
  // Tar's exit code shows whether a broken pipe matters; a broken download does in any case.
  const sent = pipeline(archive, tar.stdin).catch(error => (error.code === 'EPIPE' ? undefined : error))
  const [broken, code, said] = await Promise.all([sent, ended, text(tar.stderr)])
  if (broken) throw broken
  if (code !== 0) throw new Error(`failed to extract layer: ${said.trim().split('\n').slice(0, 3).join('; ')}`)
}

/** Prefix of a file that says that the name after it is not in the image any more. https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts */
const WHITEOUT = '.wh.'
/** Says that nothing of the layers below is in its folder any more. */
const OPAQUE = '.wh..wh..opq'

/**
 * Moves an unpacked layer's files to where the layers below it are, as an overlay would show them. No link is followed: only a folder
 * that is one in both goes on.
 * @throws Error for a whiteout of a folder itself or of its parent
 */
export async function layUpon(content: string, layer: string): Promise<void> {
  const entries = await readdir(layer, { withFileTypes: true })
  const hidden = entries.some(({ name }) => name === OPAQUE) ? await readdir(content) : entries.flatMap(hiddenBy)
  for (const name of hidden) await remove(join(content, name))
  for (const entry of entries) {
    if (entry.name.startsWith(WHITEOUT)) continue
    const [from, to] = [join(layer, entry.name), join(content, entry.name)]
    if (!entry.isDirectory()) {
      await remove(to)
      await rename(from, to)
      continue
    }
    if (!(await lstat(to).catch(() => undefined))?.isDirectory()) {
      await remove(to)
      await mkdir(to)
    }
    await layUpon(to, from)
    await chmod(to, (await lstat(from)).mode & 0o7777)
  }
}

function hiddenBy({ name }: { name: string }): string[] {
  if (!name.startsWith(WHITEOUT)) return []
  const hidden = name.slice(WHITEOUT.length)
  if (['', '.', '..'].includes(hidden)) throw new Error(`failed to extract layer: invalid whiteout name: ${name}`)
  return [hidden]
}

const remove = (path: string): Promise<void> => rm(path, { recursive: true, force: true })
