import { execFileSync, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { installPackages, missingPackages } from '../../../lab/lifecycle/preflight.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'

const SSHD = '/usr/sbin/sshd'

/** A real OpenSSH server on a loopback port, for the user who runs the tests. */
export interface TestServer {
  directory: string
  port: number
  user: string
  /** Private key that the server lets in. */
  identityFile: string
  /** As `openHost` wants to have it pinned. */
  hostKey: string
  dial(): Promise<Duplex>
  /** Cuts every open connection, as a tunnel does that dies. */
  cut(): void
  stop(): Promise<void>
}

export async function startSshd(): Promise<TestServer> {
  const missing = missingPackages()
  if (missing.length > 0) await installPackages(missing)
  const directory = await mkdtemp(join(tmpdir(), 'threads-ops-sshd-'))
  const [hostKeyFile, identityFile] = [join(directory, 'host'), join(directory, 'id')]
  for (const file of [hostKeyFile, identityFile]) makeKey(file)
  await writeFile(join(directory, 'authorized_keys'), await readFile(`${identityFile}.pub`), { mode: 0o600 })
  // Where it separates privileges; a distribution's start script makes it.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  const options = {
    ListenAddress: '127.0.0.1',
    HostKey: hostKeyFile,
    AuthorizedKeysFile: join(directory, 'authorized_keys'),
    PidFile: 'none',
    UsePAM: 'no',
    StrictModes: 'no',
    PasswordAuthentication: 'no',
  }
  const port = await freePort()
  const args = Object.entries({ ...options, Port: port }).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  const server = spawn(SSHD, ['-D', '-f', '/dev/null', ...args], { stdio: 'ignore' })
  const exited = new Promise<void>(resolve => server.once('exit', () => resolve()))
  const sockets = new Set<Socket>()
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const dial = () =>
    new Promise<Duplex>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
      sockets.add(socket)
      socket.once('error', reject)
      socket.once('close', () => sockets.delete(socket))
    })
  const first = await waitFor({ what: 'sshd', within: 5000, every: 20, probe: dial })
  first.destroy()
  return {
    directory,
    port,
    user: userInfo().username,
    identityFile,
    hostKey: await readFile(`${hostKeyFile}.pub`, 'utf8'),
    cut,
    dial,
    async stop() {
      cut()
      server.kill()
      await exited
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** An Ed25519 key pair in `file` and `file.pub`. */
export function makeKey(file: string, passphrase = ''): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'test', '-f', file])
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
