import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { NodeSSH } from 'node-ssh'
import { type Image, push } from '../../../lab/delivery/images.ts'
import { startRegistry } from '../../../lab/delivery/registry.ts'
import { createHypervisor } from '../../../lab/machine/hypervisor.ts'
import { k0sBinary } from '../../../lab/machine/k0s/shim.ts'
import { socketPath } from '../../../lab/machine/sockets.ts'
import type { MachineSpec } from '../../../lab/machine/types.ts'
import { programPath } from '../../../lab/tools/catalog.ts'
import { precondition } from '../../../lib/runtime/errors.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'
import { startMetadata } from './metadata-fake.ts'

export const USER = 'ops'
export const NETWORK = 'projects/project/global/networks/network'

const CONFIG = `apiVersion: k0s.k0sproject.io/v1beta1
kind: ClusterConfig
metadata: { name: k0s }
spec:
  api: { address: 10.142.0.2, sans: [10.142.0.2, 127.0.0.1] }
  storage: { type: etcd }
`
export const FLAGS = '--single --config /etc/k0s/k0s.yaml --kubelet-extra-args=--hostname-override=node'

const NEEDED = ['registry', 'etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok']

/** A lab of machines only: hypervisor, network, a fixed metadata server and a registry; all under one temporary folder. */
export async function startLab() {
  const missing = NEEDED.filter(name => !existsSync(programPath(name)))
  if (missing.length > 0) throw precondition(`not built yet: ${missing.join(', ')}`, 'build them: ./taskw lab:tools')
  const lab = await mkdtemp(join(tmpdir(), 'threads-ops-machine-'))
  const run = join(lab, 'run')
  await mkdir(run)
  const key = join(lab, 'key')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  const authorizedKey = `${USER}:${(await readFile(`${key}.pub`, 'utf8')).trim()}`
  const metadata = await startMetadata(lab, { id: '4711', attributes: { 'ssh-keys': authorizedKey } })
  const registry = await serveRegistry(lab)
  const hypervisor = createHypervisor({ lab })

  const connect = ({ name, network, address }: MachineSpec): Promise<NodeSSH> =>
    waitFor({
      what: `ssh on ${name}`,
      within: 20_000,
      every: 100,
      probe: async () => {
        const sock = (await hypervisor.dial({ network, address }, 22)) as Duplex
        const ssh = new NodeSSH()
        return await ssh.connect({ sock: sock as never, username: USER, privateKeyPath: key })
      },
    })

  /** Runs a command as the operator over SSH. @returns stdout @throws Error with stderr when it fails */
  async function ssh(machine: MachineSpec, command: string, stdin = ''): Promise<string> {
    const connection = await connect(machine)
    try {
      const { code, stdout, stderr } = await connection.execCommand(command, { stdin })
      if (code !== 0) throw new Error(`${command}: exit code ${code}: ${stderr}`)
      return stdout
    } finally {
      connection.dispose()
    }
  }

  const kubectl = (machine: MachineSpec, arguments_: string, stdin = ''): Promise<string> =>
    ssh(machine, `sudo k0s kubectl ${arguments_}`, stdin)

  return {
    lab,
    hypervisor,
    metadata,
    /** The operator's line of `ssh-keys`. */
    authorizedKey,
    push: registry.push,
    disk: (name: string) => join(lab, 'disks', name),
    machine: (name: string, address: string, { disk = name, network = NETWORK } = {}): MachineSpec => ({
      id: `project/zone/${name}`,
      name,
      network,
      subnet: { gateway: '10.142.0.1', prefixLength: 20 },
      address,
      disk: join(lab, 'disks', disk),
    }),
    /** A connection as the operator, for several commands. */
    connect,
    ssh,
    kubectl,
    /** What kubectl prints for the first time that `good` likes it. */
    eventually: (
      machine: MachineSpec,
      arguments_: string,
      good: (output: string) => boolean,
      within = 30_000,
    ): Promise<string> =>
      waitFor({
        what: `kubectl ${arguments_}`,
        within,
        every: 500,
        probe: async () => {
          const output = await kubectl(machine, arguments_)
          if (!good(output)) throw new Error(`it printed: ${output}`)
          return output
        },
      }),
    /** Puts k0s and its configuration on the machine; what it takes to start it is `FLAGS`. */
    async copyK0s(machine: MachineSpec): Promise<void> {
      await ssh(machine, 'sudo install -m 755 /dev/stdin /usr/local/bin/k0s', k0sBinary('v1.34.0+k0s.0'))
      await ssh(machine, 'sudo install -D -m 600 /dev/stdin /etc/k0s/k0s.yaml', CONFIG)
    },
    close(): void {
      metadata.close()
      registry.close()
      rmSync(lab, { recursive: true, force: true })
    },
  }
}

export type Lab = Awaited<ReturnType<typeof startLab>>

async function serveRegistry(lab: string) {
  const token = 'a-token-of-this-test-only'
  const directory = join(lab, 'registry')
  const { server, reader, backend } = await startRegistry({ program: programPath('registry'), directory, token })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>(resolve => reader.listen(socketPath(join(lab, 'run'), 'registry.sock'), resolve))
  return {
    push: (image: Image) => push(`http://127.0.0.1:${port}`, image, token),
    close(): void {
      backend.kill()
      for (const each of [server, reader]) {
        each.closeAllConnections()
        each.close()
      }
    },
  }
}

/** Processes of a PID namespace, as this host numbers them. */
export function processesIn(pidNamespace: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => {
      try {
        return readlinkSync(`/proc/${pid}/ns/pid`) === pidNamespace
      } catch {
        return false
      }
    })
}

/** Mounts of this host, here and in every process's mount namespace, that lead to the folder. */
export function mountsOf(folder: string): string[] {
  const tables = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return tables.flatMap(pid => {
    try {
      return readFileSync(`/proc/${pid}/mounts`, 'utf8')
        .split('\n')
        .filter(line => line.includes(folder))
    } catch {
      return []
    }
  })
}
