import { once } from 'node:events'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { ownFolder, socketFolders } from '../google/lease.ts'
import { knownHosts, sshArguments } from '../model/access/ssh.ts'
import { SSH_PORT } from '../model/ports.ts'
import { messageOf } from '../runtime/errors.ts'
import { inForeground } from '../runtime/foreground.ts'
import { identityOf, isAlive, type ProcessId, type ProcessIdentity, pidSpace } from '../runtime/processes.ts'
import type { Context } from './context.ts'
import { acceptedHostKeys } from './host-keys.ts'
import { sshAccess } from './ssh-access.ts'

type LoginContext = Pick<Context, 'environment' | 'compute' | 'output' | 'baseLayer' | 'dial' | 'signal' | 'log' | 'now'>

const PROXY = join(import.meta.dirname, '../host/ssh-proxy.ts')

/** A login's name: a socket's path is short, so it says no more than its process and the namespace of that. */
const ownName = ({ pid, startTime, space = '' }: ProcessIdentity): string =>
  `${pid}-${startTime}-${/\[(\d+)\]$/.exec(space)?.[1] ?? ''}`

/** Whether a file is one that a login has left which was killed. One of another pid namespace may be alive. */
export function isLeftByLogin(file: string, lives: (id: ProcessId) => boolean = isAlive, space = pidSpace): boolean {
  const [, pid, startTime = ''] = /^(?:ssh|known-hosts)-(\d+)-(\d*)-\d*$/.exec(file) ?? []
  if (pid === undefined) return false
  const id = { pid: Number(pid), startTime }
  return file.endsWith(`-${ownName({ ...id, space })}`) && !lives(id)
}

/**
 * Runs OpenSSH's client on the VM, through IAP and with the host keys that are accepted only. The token stays in this process: ssh gets a
 * socket that only this user can enter.
 * @param more further arguments of ssh: options, or a command
 * @returns ssh's exit code
 */
export async function logIn(more: readonly string[], context: LoginContext, toStderr = false): Promise<number> {
  const { environment, output, baseLayer, dial, signal, log } = context
  const name = await output(baseLayer, 'vm_name')
  const keys = await acceptedHostKeys(name, context)
  const uid = process.getuid?.() ?? 0
  const folder = await ownFolder(socketFolders(process.env.XDG_RUNTIME_DIR, tmpdir(), uid), uid)
  const left = (await readdir(folder)).filter(file => isLeftByLogin(file))
  await Promise.all(left.map(file => rm(join(folder, file), { force: true })))
  const own = ownName(identityOf(process.pid))
  const [socketPath, keysFile] = [join(folder, `ssh-${own}`), join(folder, `known-hosts-${own}`)]
  const serve = async (client: Socket) => {
    client.on('error', () => client.destroy())
    try {
      const remote = await dial(SSH_PORT)
      pipeline(client, remote, () => client.destroy())
      pipeline(remote, client, () => remote.destroy())
    } catch (error) {
      log.error(messageOf(error))
      client.destroy()
    }
  }
  const server = createServer({ pauseOnConnect: true }, client => void serve(client))
  try {
    await rm(socketPath, { force: true })
    server.listen(socketPath)
    await once(server, 'listening')
    await writeFile(keysFile, knownHosts(name, keys), { mode: 0o600 })
    const args = sshArguments({
      ...{ name, knownHosts: keysFile, proxy: [process.execPath, PROXY, socketPath] },
      ...sshAccess(environment),
    })
    return await inForeground('ssh', [...args, ...more], { signal, toStderr, hint: "install OpenSSH's client" })
  } finally {
    server.close()
    await Promise.all([rm(socketPath, { force: true }), rm(keysFile, { force: true })])
  }
}
