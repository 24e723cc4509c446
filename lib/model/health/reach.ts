import { command } from '../shell.ts'
import { broken, type Finding, underway } from './finding.ts'

/** What is known about an API server that does not answer, and the path to it. */
export interface Reach {
  /** The error of the attempt. */
  error: string
  /** No status means that there is no such VM; `offUntil` is when its schedule starts it again. */
  vm: { name: string; status?: string; statusMessage?: string; offUntil?: string }
  /** Layer that makes the VM. */
  layer: string
  /** Bytes left on the VM's disk, where that could be found out. */
  diskFree?: number | undefined
  /** Why nothing on the VM answers at the API's port; undefined where something does. */
  dial: string | undefined
  /** The local end of the tunnel: its address, and whether it is ours, and alive. */
  tunnel: { address: string; own: boolean }
}

/** The VM is starting. https://cloud.google.com/compute/docs/instances/instance-lifecycle */
const STARTING = ['PROVISIONING', 'STAGING']

/** Whether there is no point in waiting: a spot VM that is off stays off until somebody starts it, or its schedule, hours later. */
export const endsWaiting = (found: Finding | undefined): found is Finding =>
  found !== undefined && ['vm/stopped', 'vm/missing', 'vm/off'].includes(found.rule)

/** etcd preallocates this many bytes for each file of its log, and stops when it can't. https://etcd.io/docs/v3.6/learning/persistent-storage-files/ */
const LEAST_FREE = 64_000_000

/** Why the VM itself does not answer: it is missing, off, or only just starting. Undefined when it is running. */
export function vmFinding({ error, vm, layer }: Pick<Reach, 'error' | 'vm' | 'layer'>): Finding | undefined {
  const object = `VM/${vm.name}`
  const evidence = { status: vm.status ?? null, error }
  if (vm.status === undefined) {
    const remedy = command`./taskw layer:apply -- ${layer}, then ./taskw up`
    return broken('vm/missing', object, "is in Terraform's state but not in the project", { evidence, remedy })
  }
  if (STARTING.includes(vm.status)) return underway('vm/starting', object, `is ${vm.status}`, { evidence })
  if (vm.offUntil !== undefined) {
    const message = `is off until ${vm.offUntil}, by its schedule`
    const remedy = 'wait until then, or start it now: ./taskw up'
    return underway('vm/off', object, message, { evidence: { ...evidence, offUntil: vm.offUntil }, remedy })
  }
  if (vm.status !== 'RUNNING') {
    const message = `is ${vm.status}: ${vm.statusMessage || 'somebody stopped it, or Google took a spot VM back'}`
    return broken('vm/stopped', object, message, { evidence, remedy: './taskw up' })
  }
  return undefined
}

/** Why the API server can't be reached. Checked from the far end to the near one: the first thing that is wrong explains the rest. */
export function reachFinding(reach: Reach): Finding {
  const { error, vm, diskFree, dial, tunnel } = reach
  const itself = vmFinding(reach)
  if (itself) return itself
  const object = `VM/${vm.name}`
  const evidence = { status: vm.status ?? null, error, dial: dial ?? null, tunnel: tunnel.address, own: tunnel.own }
  if (diskFree !== undefined && diskFree < LEAST_FREE) {
    const message = `has ${Math.floor(diskFree / 2 ** 20)} MiB left on its disk: etcd, or SQLite in its place, stops when it can't write`
    const remedy = 'free space on it, or enlarge the boot disk; then ./taskw up'
    return broken('vm/disk-full', object, message, { evidence: { ...evidence, diskFree }, remedy })
  }
  if (dial !== undefined) {
    const message = `is running, but its Kubernetes API is not: ${dial}`
    return broken('api/down', object, message, { evidence, remedy: './taskw up' })
  }
  if (!tunnel.own) {
    const message = `another process listens on ${tunnel.address} but does not lead to the Kubernetes API: a dead tunnel?`
    const remedy = `end it: fuser -v -n tcp ${tunnel.address.split(':').at(-1)}`
    return broken('tunnel/dead', `Tunnel/${tunnel.address}`, message, { evidence, remedy })
  }
  return broken('api/unreachable', object, error, { evidence, remedy: './taskw kubeconfig, then ./taskw up' })
}
