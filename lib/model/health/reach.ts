import { broken, type Finding, underway } from './finding.ts'

/** What is known of the way to an API server that does not answer. */
export interface Reach {
  /** What the attempt said. */
  error: string
  /** Without a status there is no such VM. */
  vm: { name: string; status?: string; statusMessage?: string }
  /** Layer that makes the VM. */
  layer: string
  /** Bytes left on the VM's disk, where it can be asked. */
  diskFree?: number | undefined
  /** Why nothing on the VM answers at the API's port, or undefined where something does. */
  dial: string | undefined
  /** The near end of the tunnel: an address, and whether it is this process that listens there. */
  tunnel: { address: string; own: boolean }
}

/** A start is on its way. https://cloud.google.com/compute/docs/instances/instance-lifecycle */
const STARTING = ['PROVISIONING', 'STAGING']

/** Whether it is of no use to wait: a spot VM that is off stays off until somebody starts it. */
export const endsWaiting = (found: Finding | undefined): found is Finding =>
  found?.rule === 'vm/stopped' || found?.rule === 'vm/missing'

/** etcd sets so many bytes aside for each file of its log, and stops where it cannot. https://etcd.io/docs/v3.6/learning/persistent-storage-files/ */
const LEAST_FREE = 64_000_000

/** What keeps a VM from answering at all, if it is the VM: it is missing, off, or only just starting. */
export function vmFinding({ error, vm, layer }: Pick<Reach, 'error' | 'vm' | 'layer'>): Finding | undefined {
  const object = `VM/${vm.name}`
  const evidence = { status: vm.status ?? null, error }
  if (vm.status === undefined) {
    const remedy = `./taskw layer:apply -- ${layer}, then ./taskw up`
    return broken('vm/missing', object, "is in Terraform's state but not in the project", { evidence, remedy })
  }
  if (STARTING.includes(vm.status)) return underway('vm/starting', object, `is ${vm.status}`, { evidence })
  if (vm.status !== 'RUNNING') {
    const message = `is ${vm.status}: ${vm.statusMessage || 'a spot VM stops whenever Google wants it back'}`
    return broken('vm/stopped', object, message, { evidence, remedy: './taskw up' })
  }
  return undefined
}

/** Why the API server is out of reach, from the far end to the near one: the first thing that is wrong explains the rest. */
export function reachFinding(reach: Reach): Finding {
  const { error, vm, diskFree, dial, tunnel } = reach
  const itself = vmFinding(reach)
  if (itself) return itself
  const object = `VM/${vm.name}`
  const evidence = { status: vm.status ?? null, error, dial: dial ?? null, tunnel: tunnel.address, own: tunnel.own }
  if (diskFree !== undefined && diskFree < LEAST_FREE) {
    const message = `has ${Math.floor(diskFree / 2 ** 20)} MiB left on its disk: etcd stops where it cannot write`
    const remedy = 'free room on it, or enlarge the boot disk; then ./taskw up'
    return broken('vm/disk-full', object, message, { evidence: { ...evidence, diskFree }, remedy })
  }
  if (dial !== undefined) {
    const message = `runs, but its Kubernetes API does not: ${dial}`
    return broken('api/down', object, message, { evidence, remedy: './taskw up' })
  }
  if (!tunnel.own) {
    const message = `another process listens on ${tunnel.address} and does not lead to the Kubernetes API: a tunnel that has died?`
    const remedy = `end it: fuser -v -n tcp ${tunnel.address.split(':').at(-1)}`
    return broken('tunnel/dead', `Tunnel/${tunnel.address}`, message, { evidence, remedy })
  }
  return broken('api/unreachable', object, error, { evidence, remedy: './taskw kubeconfig, then ./taskw up' })
}
