import { chmodSync, copyFileSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Addresses } from './addresses.ts'
import type { Api } from './api.ts'
import { type Application, searchPath } from './application.ts'
import { LENT_BY_LAB, NODE, runEnclosed } from './enclosure.ts'
import type { PulledImage } from './images.ts'
import { type Container, namespaceOf, type Pod } from './kubernetes.ts'
import type { ContainerLog } from './log.ts'
import type { Running } from './running.ts'
import { type Identity, identityOf, type Mount, type Sandbox } from './sandbox.ts'
import type { Services } from './services.ts'
import { assertNoLinks, mountsOf, releaseVolumes } from './volumes.ts'

/** What is needed to start a container. */
export interface Start {
  pod: Pod
  podIP: string
  container: Container
  application: Application
  image: PulledImage
  environment: Record<string, string>
  log: ContainerLog
}

/** Runs the application's containers: processes in their own namespaces, with the pod's volumes, at the pod's address. */
export class Containers {
  readonly #api: Api
  readonly #directory: string
  readonly #addresses: Addresses
  readonly #services: Services
  /** Functions that update a pod's hosts file when the services' names change, by the pods' uids. */
  readonly #hosts = new Map<string, () => void>()

  /** @param directory contains a folder per pod, like the kubelet's */
  constructor(api: Api, directory: string, addresses: Addresses, services: Services) {
    this.#api = api
    this.#directory = directory
    this.#addresses = addresses
    this.#services = services
    services.onNames = () => {
      for (const write of this.#hosts.values()) write()
    }
  }

  async start(what: Start): Promise<Running> {
    const { pod, podIP, container, application, log } = what
    const directory = join(this.#directory, pod.metadata.uid)
    mkdirSync(directory, { recursive: true, mode: 0o750 })
    const identity = identityOf(pod, container, application.user)
    const sandbox: Sandbox = {
      hostname: hostnameOf(pod),
      identity,
      mounts: [
        ...this.#ownFiles(pod, podIP, identity, application, directory),
        ...contentOf(what),
        ...(await mountsOf(this.#api, pod, container, directory)),
        { source: NODE, target: NODE, readOnly: true },
      ],
      hidden: [LENT_BY_LAB],
      readOnlyRoot: container.securityContext?.readOnlyRootFilesystem === true,
      workingDirectory: container.workingDir ?? '/',
    }
    await this.#addresses.hold(podIP)
    this.#services.arrange()
    assertNoLinks(sandbox.mounts)
    const environment = environmentOf(what)
    const { child, running } = await runEnclosed(
      { sandbox, command: commandOf(container, application), environment },
      application.stopSignal,
    )
    if (child.stdout) log.follow('stdout', child.stdout)
    if (child.stderr) log.follow('stderr', child.stderr)
    return { ...running, isReady: async () => true, addressOf: () => podIP }
  }

  /** Releases what the pod had. */
  async release(pod: Pod, podIP: string): Promise<void> {
    this.#hosts.delete(pod.metadata.uid)
    await this.#addresses.release(podIP)
    this.#services.arrange()
    await releaseVolumes(join(this.#directory, pod.metadata.uid))
  }

  /** The files that the kubelet and the image provide below /etc, and the image's program. */
  #ownFiles(pod: Pod, podIP: string, { uid, gid }: Identity, { user, program }: Application, directory: string): Mount[] {
    const hosts = join(directory, 'etc-hosts')
    const write = () =>
      writeFileSync(hosts, `${hostsHeader}${podIP}\t${hostnameOf(pod)}\n${this.#services.namesFor(namespaceOf(pod))}`)
    this.#hosts.set(pod.metadata.uid, write)
    write()
    const passwd = join(directory, 'etc-passwd')
    writeFileSync(passwd, `root:x:0:0:root:/root:/bin/sh\n${user.name}:x:${uid}:${gid}::/tmp:/bin/sh\n`)
    const group = join(directory, 'etc-group')
    writeFileSync(group, `root:x:0:\n${user.name}:x:${gid}:\n`)
    const executable = join(directory, basename(program.target))
    copyFileSync(program.source, executable)
    chmodSync(executable, 0o644)
    return [
      { source: executable, target: program.target, readOnly: true },
      { source: hosts, target: '/etc/hosts' },
      { source: passwd, target: '/etc/passwd', readOnly: true },
      { source: group, target: '/etc/group', readOnly: true },
    ]
  }
}

/**
 * Mounts of the image's contents, one per entry, so that volumes can be mounted among them. A link is one in the container as well:
 * a mount of it would be of what it leads to in the machine.
 */
export const contentMounts = (folder: string, target: string): Mount[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const mount = { source: join(folder, entry.name), target: join(target, entry.name), readOnly: true }
    if (entry.isSymbolicLink()) return [{ ...mount, source: readlinkSync(mount.source), isLink: true }]
    return entry.isFile() || entry.isDirectory() ? [mount] : []
  })

const contentOf = ({ application: { content }, image }: Start): Mount[] =>
  content === undefined ? [] : contentMounts(image.content, content)

const hostsHeader = `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
`

const hostnameOf = ({ spec, metadata }: Pod): string => (spec.hostname ?? metadata.name).slice(0, 63)

const commandOf = ({ command, args = [] }: Container, { entrypoint }: Application): string[] => [
  ...(command ?? entrypoint),
  ...args,
]

const environmentOf = ({ pod, podIP, application, image, environment }: Start): Record<string, string> => ({
  PATH: searchPath(),
  HOME: '/tmp',
  HOSTNAME: hostnameOf(pod),
  ...application.environment(image),
  ...environment,
  // All pods share the machine's network: each may listen only at its own address.
  POD_IP: podIP,
})
