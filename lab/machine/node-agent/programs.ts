import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { root } from '../../../lib/runtime/files.ts'
import { programPath, toolsDirectory } from '../../tools/catalog.ts'
import { THRIFTY } from '../process.ts'
import type { Api } from './api.ts'
import { LENT_BY_LAB, NODE, runEnclosed } from './enclosure.ts'
import { parseImage } from './images.ts'
import { type Container, namespaceOf, type Pod } from './kubernetes.ts'
import type { ContainerLog } from './log.ts'
import type { Running } from './running.ts'
import type { Mount, Sandbox } from './sandbox.ts'

/** A real program that runs while a container does; most containers only report that they are running. */
interface Program {
  name: string
  matches: (image: string, words: string) => boolean
  /** Name in the catalogue, if it has to be built; else the machine has the program. */
  catalogued?: string
  command: string
  args: string[]
  /** The container's own arguments after this one are passed on. */
  passesArgsAfter?: string
  environment?: Record<string, string>
  /** Written to its stdin, because secrets must not show in the process list. */
  input?: (environment: Record<string, string>) => string
  /** The container is ready once this loopback port answers. */
  port?: number
  /** Whether it is expected to exit. */
  completes?: boolean
}

/** The lab's registry, as seen from a machine. */
export const REGISTRY = 'http://registry.lab:5000'
const REDIS = ['--redis', '127.0.0.1:6379']
const ARGOCD = 'quay.io/argoproj/argocd'

/** Argo CD's service names do not resolve in a machine, so its programs get each other's addresses as arguments. */
const programs: readonly Program[] = [
  {
    name: 'argocd-application-controller',
    matches: (image, words) => image === ARGOCD && words.includes('argocd-application-controller'),
    catalogued: 'argocd',
    command: 'argocd',
    args: [
      ...REDIS,
      '--repo-server',
      '127.0.0.1:8081',
      '--repo-server-plaintext',
      '--app-resync',
      '10',
      '--metrics-port',
      '8082',
    ],
    environment: { ...THRIFTY, ARGOCD_BINARY_NAME: 'argocd-application-controller' },
    port: 8082,
  },
  {
    name: 'argocd-repo-server',
    matches: (image, words) => image === ARGOCD && words.includes('argocd-repo-server'),
    catalogued: 'argocd',
    command: 'argocd',
    args: [...REDIS, '--disable-tls', '--address', '127.0.0.1', '--revision-cache-expiration', '10s'],
    environment: { ...THRIFTY, ARGOCD_BINARY_NAME: 'argocd-repo-server', ARGOCD_GPG_ENABLED: 'false' },
    port: 8081,
  },
  {
    name: 'argocd-redis-initial-password',
    matches: (image, words) => image === ARGOCD && words.includes('redis-initial-password'),
    catalogued: 'argocd',
    command: 'argocd',
    args: ['admin', 'redis-initial-password'],
    environment: { ARGOCD_BINARY_NAME: 'argocd' },
    completes: true,
  },
  {
    name: 'argocd-image-updater',
    matches: image => image === 'quay.io/argoprojlabs/argocd-image-updater',
    command: process.execPath,
    args: [fileURLToPath(new URL('../../delivery/image-updater/main.ts', import.meta.url))],
    passesArgsAfter: 'run',
    environment: { REGISTRY, READY_PORT: '8090', NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '' },
    port: 8090,
  },
  {
    name: 'redis',
    matches: image => image.endsWith('library/redis'),
    command: 'redis-server',
    args: ['-'],
    input: ({ REDIS_PASSWORD }) =>
      `bind 127.0.0.1\nport 6379\nhz 1\nsave ""\nappendonly no\n${REDIS_PASSWORD ? `requirepass "${REDIS_PASSWORD}"\n` : ''}`,
    port: 6379,
  },
]

/** The program to run for a container, if any. */
export function programFor({ image, command = [], args = [] }: Container): Program | undefined {
  const reference = parseImage(image)
  if (!reference) return undefined
  return programs.find(({ matches }) => matches(`${reference.host}/${reference.path}`, [...command, ...args].join(' ')))
}

function passedArgs({ passesArgsAfter }: Program, { command = [], args = [] }: Container): string[] {
  if (passesArgsAfter === undefined) return []
  const words = [...command, ...args]
  return words.slice(words.indexOf(passesArgsAfter) + 1)
}

/** Starts the containers' programs; each program has at most one process, which belongs to the newest pod. */
export class Programs {
  readonly #api: Api
  readonly #directory: string
  readonly #running = new Map<string, { handOver: () => Promise<void> }>()

  /** @param directory for files that the programs need: kubeconfigs, links to other programs */
  constructor(api: Api, directory: string) {
    this.#api = api
    this.#directory = directory
  }

  async start(
    program: Program,
    pod: Pod,
    container: Container,
    environment: Record<string, string>,
    log: ContainerLog,
  ): Promise<Running> {
    // During a rolling update there are two pods for a while; the newer one takes over the process.
    await this.#running.get(program.name)?.handOver()
    const path = await this.#path(program)
    const kubeconfig = await this.#writeKubeconfig(pod)
    const own = {
      ...environment,
      ...program.environment,
      ARGOCD_FAKE_IN_CLUSTER: 'true',
      HOME: '/tmp',
      HOSTNAME: pod.metadata.name,
      POD_NAMESPACE: namespaceOf(pod),
      KUBECONFIG: kubeconfig,
      PATH: path,
    }
    const args = [...program.args, ...passedArgs(program, container)]
    const { child, running } = await runEnclosed(
      {
        sandbox: sandboxOf(pod, [kubeconfig, join(this.#directory, 'bin')]),
        command: [program.command, ...args],
        environment: own,
        input: program.input?.(environment) ?? '',
      },
      'SIGTERM',
    )
    if (child.stdout) log.follow('stdout', child.stdout)
    if (child.stderr) log.follow('stderr', child.stderr)
    let handedOver = false
    const exited = running.ended
    const stop = async (graceMs: number) => {
      await running.stop(graceMs)
      rmSync(kubeconfig, { force: true })
    }
    this.#running.set(program.name, {
      handOver: async () => {
        handedOver = true
        await stop(5_000)
      },
    })
    return {
      // A pod whose process was taken over keeps running as if nothing had happened: it is about to be deleted.
      ended: exited.then(code => (handedOver ? new Promise<number>(() => undefined) : code)),
      isReady: async () => handedOver || (program.port === undefined ? true : await answers(program.port)),
      stop: async graceMs => {
        if (!handedOver) await stop(graceMs)
      },
      inside: running.inside,
      addressOf: port => (port === program.port && !handedOver ? '127.0.0.1' : undefined),
    }
  }

  /** A PATH with the catalogue's programs that this one runs, once they are built. */
  async #path({ catalogued }: Program): Promise<string> {
    const directory = join(this.#directory, 'bin')
    mkdirSync(directory, { recursive: true })
    for (const name of catalogued ? [catalogued, 'kustomize'] : []) {
      while (!existsSync(programPath(name))) await sleep(500)
      rmSync(join(directory, name), { force: true })
      symlinkSync(programPath(name), join(directory, name))
    }
    return `${directory}:${process.env.PATH}`
  }

  /** Writes a kubeconfig with a token of the pod's service account, which expires with the pod. */
  async #writeKubeconfig(pod: Pod): Promise<string> {
    const namespace = namespaceOf(pod)
    const account = pod.spec.serviceAccountName ?? 'default'
    const { status } = await this.#api.create<{ status: { token: string } }>(
      `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
      {
        spec: {
          expirationSeconds: 365 * 24 * 3600,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid },
        },
      },
    )
    const path = join(this.#directory, `${pod.metadata.uid}.kubeconfig`)
    const content = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'pod',
      clusters: [{ name: 'lab', cluster: { server: this.#api.server, 'certificate-authority-data': this.#api.authority } }],
      users: [{ name: account, user: { token: status.token } }],
      contexts: [{ name: 'pod', context: { cluster: 'lab', user: account, namespace } }],
    }
    writeFileSync(path, JSON.stringify(content), { mode: 0o600 })
    return path
  }
}

/**
 * What a program has: the machine's own programs, the lab's, its checkout's modules, read-only, and a `/tmp` of its own. It runs as root,
 * whose kubeconfig it reads, and may have to read a checkout that is its owner's alone.
 */
const sandboxOf = ({ metadata: { name } }: Pod, own: readonly string[]): Sandbox => ({
  hostname: name.slice(0, 63),
  identity: { uid: 0, gid: 0, groups: [] },
  mounts: [...READ, ...own].map((path): Mount => ({ source: path, target: path, readOnly: true })),
  hidden: [LENT_BY_LAB],
  readOnlyRoot: false,
  workingDirectory: '/tmp',
  capabilities: ['dac_override'],
})

const READ: readonly string[] = [
  ...['/etc/group', '/etc/hosts', '/etc/passwd', NODE, toolsDirectory()],
  ...['lab', 'lib', 'node_modules', 'package.json'].map(name => join(root, name)),
  ...(process.env.NODE_COMPILE_CACHE ? [process.env.NODE_COMPILE_CACHE] : []),
]

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
