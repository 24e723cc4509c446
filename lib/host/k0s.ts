import { createHash } from 'node:crypto'
import { DATA_DIRECTORY, factsFrom, type HostFacts, type Readiness, readinessFrom } from '../model/k0s/facts.ts'
import { probe, probeReadiness } from './probe.ts'
import type { Host } from './ssh.ts'
import { upload } from './transfer.ts'

/** k0s on a host. Facts are read once and shared; after a change they are read afresh. */
export interface K0s {
  /** `fresh` reads them again even if this process has changed nothing. */
  facts(options?: { fresh?: boolean }): Promise<HostFacts>
  readiness(): Promise<Readiness>
  /** Puts a binary in place, whether or not k0s is running. `file` is local. */
  putBinary(file: string, sha256: string, progress: (sent: number, total: number) => void): Promise<void>
  /** Puts the configuration in place once k0s accepts it; the previous one is kept as `.old`. */
  putConfig(path: string, content: string): Promise<void>
  /** Installs the service, or installs it anew; a running one is not restarted. */
  install(flags: readonly string[], environment: Record<string, string>, options: { force: boolean }): Promise<void>
  start(): Promise<void>
  restart(): Promise<void>
  /** Backs the running cluster up into a folder on the host. @returns the backup's path there */
  backUp(directory: string): Promise<string>
  /** The administrator's kubeconfig. It holds a private key. @param dataDir the cluster's, where it is not k0s's usual one */
  adminKubeconfig(dataDir?: string): Promise<string>
  /** The last lines of the service's log. */
  log(lines: number): Promise<string>
}

const BINARY = '/usr/local/bin/k0s'
const SERVICE = 'k0scontroller'
const BACKUP_MS = 300_000

/** An empty backup counts as a failure. k0s names the file after the time, and prints the name among other things. */
const BACK_UP = `
set -eu
umask 077
mkdir -p "$2"
"$1" backup --save-path "$2" >&2
latest=$(ls -t "$2"/k0s_backup_*.tar.gz | head -n 1)
test -s "$latest"
echo "$latest"
`

/** Where a kubeconfig begins, after what the login shell's start-up files may print. */
const KUBECONFIG = /\b(?:apiVersion|clusters):\s/

const opened = new WeakMap<Host, K0s>()

/** The one K0s of a host, so that phases share its facts. */
export function k0sOn(host: Host): K0s {
  const k0s = opened.get(host) ?? createK0s(host)
  opened.set(host, k0s)
  return k0s
}

function createK0s(host: Host): K0s {
  let last: Promise<HostFacts> | undefined

  /** Whether it succeeds or not, the last reading is out of date. */
  const change = async (action: () => Promise<unknown>): Promise<void> => {
    last = undefined
    try {
      await action()
    } finally {
      last = undefined
    }
  }
  const asRoot = (command: readonly string[], timeout?: number) =>
    host.run(command, { sudo: true, what: command.slice(0, 2).join(' '), ...(timeout !== undefined && { timeout }) })

  return {
    facts({ fresh = false } = {}) {
      if (fresh || !last) {
        const reading = probe(host).then(factsFrom)
        last = reading
        reading.catch(() => {
          if (last === reading) last = undefined
        })
      }
      return last
    },
    readiness: async () => readinessFrom(await probeReadiness(host)),
    putBinary: (file, sha256, progress) =>
      change(() => upload(host, { source: file, target: BINARY, mode: 0o755, sha256, sudo: true, progress })),
    putConfig: (path, content) =>
      change(() => {
        const source = Buffer.from(content)
        const sha256 = createHash('sha256').update(source).digest('hex')
        const accept = [BINARY, 'config', 'validate', '--config']
        return upload(host, { source, target: path, mode: 0o600, sha256, sudo: true, backup: true, accept })
      }),
    install: (flags, environment, { force }) =>
      change(() => {
        const variables = Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`])
        return asRoot([BINARY, 'install', 'controller', ...flags, ...variables, ...(force ? ['--force'] : [])])
      }),
    start: () => change(() => asRoot([BINARY, 'start'])),
    restart: () =>
      change(() => host.run({ script: '"$1" stop && "$1" start', args: [BINARY] }, { sudo: true, what: 'restart of k0s' })),
    async backUp(directory) {
      const { stdout } = await host.run(
        { script: BACK_UP, args: [BINARY, directory] },
        { sudo: true, what: 'k0s backup', timeout: BACKUP_MS },
      )
      return stdout.trim().split('\n').at(-1) ?? ''
    },
    async adminKubeconfig(dataDir = DATA_DIRECTORY) {
      const where = dataDir === DATA_DIRECTORY ? [] : [`--data-dir=${dataDir}`]
      const { stdout } = await host.run([BINARY, 'kubeconfig', 'admin', ...where], {
        sudo: true,
        what: 'k0s kubeconfig',
        readOnly: true,
      })
      return stdout.slice(Math.max(0, stdout.search(KUBECONFIG)))
    },
    async log(lines) {
      const { stdout } = await host.run(['journalctl', '--no-pager', '-u', SERVICE, '-n', String(lines)], {
        sudo: true,
        readOnly: true,
        nothrow: true,
      })
      return stdout.trim()
    },
  }
}
