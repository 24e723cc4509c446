import { readFile } from 'node:fs/promises'
import { projects } from '../google/compute/catalogue.ts'
import { isMachineRunning, type RecordedMachine, recordedMachines } from '../machine/hypervisor.ts'
import { recordedNetworks } from '../machine/network.ts'
import { here, type Layout } from '../state/layout.ts'
import { readRecord } from '../state/stored.ts'
import { listTools, type Tool } from '../tools/list.ts'
import { daemons, processesOf, runningDaemon } from './daemon.ts'

export interface MachineStatus {
  project: string
  name: string
  address: string
  /**
   * The status from the Compute API: `RUNNING`, `TERMINATED`, …; when that does not answer, it is inferred from the processes.
   */
  state: string
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
  const recorded = (await recordedMachines<RecordedMachine>(layout.lab)).filter(isMachineRunning)
  for (const machine of recorded) pids[`machine/${machine.name}`] = machine.init.pid
  const instances = endpoints?.compute && isUp ? await listInstances(layout, endpoints.compute) : undefined
  return {
    isUp,
    endpoints,
    machines:
      instances?.map(instance => machineStatus(instance, recorded)) ??
      recorded.map(({ id, name, address, disk, init }) => ({
        project: id.split('/')[0] ?? '',
        name,
        address,
        state: 'RUNNING',
        disk: lastElement(disk),
        pid: init.pid,
      })),
    pids,
    tools: await listTools(),
  }
}

interface Instance {
  selfLink: string
  name: string
  status: string
  networkInterfaces?: { networkIP?: string }[]
  disks?: { boot?: boolean; source?: string }[]
}

function machineStatus(
  { selfLink, name, status, networkInterfaces, disks }: Instance,
  recorded: readonly RecordedMachine[],
): MachineStatus {
  const [, project = '', zone] = /\/projects\/([^/]+)\/zones\/([^/]+)\//.exec(selfLink) ?? []
  return {
    project,
    name,
    address: networkInterfaces?.[0]?.networkIP ?? '',
    state: status,
    disk: lastElement(disks?.find(({ boot }) => boot)?.source ?? ''),
    pid: recorded.find(({ id }) => id === `${project}/${zone}/${name}`)?.init.pid ?? null,
  }
}

/** `network/<project>/<name>` of `projects/<project>/global/networks/<name>`. */
const shortName = (network: string): string => network.replace(/^projects\/(.*)\/global\/networks\/(.*)$/, 'network/$1/$2')

const lastElement = (path: string): string => path.split('/').at(-1) ?? ''

async function listInstances({ token }: Layout, compute: string): Promise<Instance[] | undefined> {
  const authorization = `Bearer ${(await readFile(token, 'utf8')).trim()}`
  const found = await Promise.all(projects.map(({ id }) => instancesIn(id, compute, authorization)))
  return found.every(instances => instances !== undefined) ? found.flat() : undefined
}

async function instancesIn(project: string, compute: string, authorization: string): Promise<Instance[] | undefined> {
  const url = new URL(`projects/${project}/aggregated/instances`, compute)
  const answer = await fetch(url, { headers: { authorization } }).catch(() => undefined)
  if (!answer?.ok) return undefined
  const { items = {} } = (await answer.json()) as { items?: Record<string, { instances?: Instance[] }> }
  return Object.values(items).flatMap(({ instances = [] }) => instances)
}
