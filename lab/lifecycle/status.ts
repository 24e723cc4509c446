import { readFile } from 'node:fs/promises'
import { projects } from '../google/compute/catalogue.ts'
import { isMachineRunning, type RecordedMachine, recordedMachines } from '../machine/hypervisor.ts'
import { recordedNetworks } from '../machine/network.ts'
import { here, type Layout } from '../state/layout.ts'
import { readRecord } from '../state/stored.ts'
import { listTools, type Tool } from '../tools/list.ts'
import { daemons, processesOf, runningDaemon } from './daemon.ts'
import { type Resting, restingMachines } from './resting.ts'

export interface MachineStatus {
  /** `<project>/<zone>/<name>` */
  id: string
  project: string
  name: string
  address: string
  /**
   * The status from the Compute API: `RUNNING`, `TERMINATED`, …; when that does not answer, it is inferred from the processes.
   */
  state: string
  /** Why the machine is off; null for one that is on. */
  reason: string | null
  /** Name of the boot disk. */
  disk: string
  pid: number | null
}

export interface LabStatus {
  isUp: boolean
  /** As in `.lab/endpoints.json`; null when the lab is down. */
  endpoints: { [name: string]: string } | null
  machines: MachineStatus[]
  /** Processes on this host, by name. */
  pids: { [name: string]: number }
  tools: Tool[]
}

/** The state of the lab, up or not. */
export async function labStatus(layout: Layout = here): Promise<LabStatus> {
  const endpoints = ((await readRecord(layout.endpoints)) as Record<string, string> | undefined) ?? null
  const pids: Record<string, number> = {}
  let isUp = endpoints !== null
  for (const daemon of daemons) {
    const [id] = processesOf(layout, daemon)
    if (id) pids[daemon.name] = id.pid
    isUp &&= (await runningDaemon(layout, daemon)) !== undefined
  }
  for (const [network, forwarder] of await recordedNetworks(layout.lab)) if (forwarder) pids[shortName(network)] = forwarder.pid
  const recorded = await running(layout)
  for (const machine of recorded) pids[`machine/${machine.name}`] = machine.init.pid
  const answered = endpoints?.compute && isUp ? await machineStatuses(layout, endpoints.compute) : undefined
  return { isUp, endpoints, machines: answered ?? (await inferred(layout)), pids, tools: await listTools() }
}

const running = async ({ lab }: Layout): Promise<RecordedMachine[]> =>
  (await recordedMachines<RecordedMachine>(lab)).filter(isMachineRunning)

/** The machines according to the Compute API at an address; undefined when it does not answer. */
export async function machineStatuses(layout: Layout, compute: string): Promise<MachineStatus[] | undefined> {
  const [instances, operations, recorded] = await Promise.all([
    listAll<Instance>(layout, compute, 'instances'),
    listAll<Operation>(layout, compute, 'operations'),
    running(layout),
  ])
  return instances?.map(instance => machineStatus(instance, operations ?? [], recorded))
}

async function inferred(layout: Layout): Promise<MachineStatus[]> {
  const recorded = await running(layout)
  const resting = (await restingMachines(layout.lab)).filter(({ id }) => !recorded.some(machine => machine.id === id))
  const status = ({ id, name, address, disk }: Resting) => {
    return { id, project: id.split('/')[0] ?? '', name, address, disk: lastElement(disk) }
  }
  return [
    ...recorded.map(machine => ({ ...status(machine), state: 'RUNNING', reason: null, pid: machine.init.pid })),
    ...resting.map(machine => ({ ...status(machine), state: 'TERMINATED', reason: RESTING, pid: null })),
  ]
}

const RESTING = 'the lab is down; `./taskw lab:up` boots it again'

export interface Instance {
  selfLink: string
  name: string
  status: string
  statusMessage?: string
  networkInterfaces?: { networkIP?: string }[]
  disks?: { boot?: boolean; source?: string }[]
}

export interface Operation {
  operationType: string
  targetLink: string
  /** ISO 8601 */
  insertTime: string
  user: string
}

/** What the operations mean that end a machine. */
const ENDS: Record<string, (operation: Operation) => string> = {
  stop: ({ user }) => `stopped by ${user}`,
  'compute.instances.preempted': () => 'preempted',
  'compute.instances.guestTerminate': () => 'it was shut down from inside, or its processes were killed',
  'compute.instances.hostError': () => 'its host failed',
}

/** Why an instance is off, from its status message or else its last operation; null for one that is on, or about to be. */
export function whyOff(
  { selfLink, status, statusMessage }: Pick<Instance, 'selfLink' | 'status' | 'statusMessage'>,
  operations: readonly Operation[],
): string | null {
  if (!['STOPPING', 'TERMINATED'].includes(status)) return null
  if (statusMessage) return statusMessage
  const last = operations
    .filter(({ targetLink, operationType }) => targetLink === selfLink && operationType in ENDS)
    .reduce<Operation | undefined>((newest, one) => (newest && newest.insertTime >= one.insertTime ? newest : one), undefined)
  return last ? `${ENDS[last.operationType]?.(last)}, at ${last.insertTime}` : 'nothing is recorded about it'
}

function machineStatus(
  instance: Instance,
  operations: readonly Operation[],
  recorded: readonly RecordedMachine[],
): MachineStatus {
  const { selfLink, name, status, networkInterfaces, disks } = instance
  const [, project = '', zone] = /\/projects\/([^/]+)\/zones\/([^/]+)\//.exec(selfLink) ?? []
  const id = `${project}/${zone}/${name}`
  return {
    id,
    project,
    name,
    address: networkInterfaces?.[0]?.networkIP ?? '',
    state: status,
    reason: whyOff(instance, operations),
    disk: lastElement(disks?.find(({ boot }) => boot)?.source ?? ''),
    pid: recorded.find(machine => machine.id === id)?.init.pid ?? null,
  }
}

/** `network/<project>/<name>` of `projects/<project>/global/networks/<name>`. */
const shortName = (network: string): string => network.replace(/^projects\/(.*)\/global\/networks\/(.*)$/, 'network/$1/$2')

const lastElement = (path: string): string => path.split('/').at(-1) ?? ''

/** All of a collection, in every project. */
async function listAll<T>({ token }: Layout, compute: string, collection: string): Promise<T[] | undefined> {
  const authorization = `Bearer ${(await readFile(token, 'utf8')).trim()}`
  const found = await Promise.all(projects.map(({ id }) => listIn<T>(id, compute, collection, authorization)))
  return found.every(items => items !== undefined) ? found.flat() : undefined
}

async function listIn<T>(
  project: string,
  compute: string,
  collection: string,
  authorization: string,
): Promise<T[] | undefined> {
  const found: T[] = []
  for (let page: string | undefined = ''; page !== undefined; ) {
    const url: URL = new URL(`projects/${project}/aggregated/${collection}?pageToken=${page}`, compute)
    const answer = await fetch(url, { headers: { authorization } }).catch(() => undefined)
    if (!answer?.ok) return undefined
    const { items = {}, nextPageToken } = (await answer.json()) as Page<T>
    found.push(...Object.values(items).flatMap(scope => scope[collection] ?? []))
    page = nextPageToken
  }
  return found
}

interface Page<T> {
  items?: Record<string, Record<string, T[]>>
  nextPageToken?: string
}
