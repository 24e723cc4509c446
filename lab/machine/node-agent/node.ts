import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { type Api, ApiError } from './api.ts'
import type { Containers } from './containers.ts'
import type { Events } from './events.ts'
import type { Images } from './images.ts'
import { KUBELET_PORT } from './kubelet-server.ts'
import type { Pod } from './kubernetes.ts'
import type { Programs } from './programs.ts'

/** The capacity that the node reports, that of an e2-standard-2, whatever this host is. */
const CAPACITY = { cpu: '2', memory: '8145724Ki', 'ephemeral-storage': '51343840Ki', pods: '110' }
const ALLOCATABLE = { ...CAPACITY, cpu: '1930m', memory: '8043324Ki' }

/** What all pods on the node share. */
export interface Node {
  name: string
  address: string
  bootId: string
  api: Api
  images: Images
  programs: Programs
  containers: Containers
  events: Events
  /** A free address of the node's range. */
  allocateAddress(pod: Pod): string
}

export interface NodeDescription {
  name: string
  address: string
  labels: Record<string, string>
}

/** Registers the node, or updates it after a boot; kwok manages its conditions. */
export async function registerNode(api: Api, { name, address, labels }: NodeDescription): Promise<void> {
  const metadata = {
    name,
    labels: {
      'kubernetes.io/arch': 'amd64',
      'kubernetes.io/os': 'linux',
      'kubernetes.io/hostname': name,
      'node-role.kubernetes.io/control-plane': 'true',
      'node.k0sproject.io/role': 'control-plane',
      ...labels,
    },
  }
  await api.create('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata }).catch(async error => {
    if (!(error instanceof ApiError && error.status === 409)) throw error
    await api.patch(`/api/v1/nodes/${name}`, { metadata })
  })
  const { gitVersion } = await api.get<{ gitVersion: string }>('/version')
  await api.patch(`/api/v1/nodes/${name}/status`, {
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: KUBELET_PORT } },
      capacity: CAPACITY,
      allocatable: ALLOCATABLE,
      nodeInfo: {
        architecture: 'amd64',
        bootID: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
        containerRuntimeVersion: 'containerd://1.7.28',
        kernelVersion: release(),
        kubeProxyVersion: '',
        kubeletVersion: `${gitVersion}+k0s`,
        machineID: readFileSync('/etc/machine-id', 'utf8').trim(),
        operatingSystem: 'linux',
        osImage: osImage(),
        systemUUID: readFileSync('/etc/machine-id', 'utf8').trim(),
      },
    },
  })
}

const osImage = (): string => /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux'
