import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfExists } from '../lib/runtime/files.ts'
import { daemons, processesOf, runningDaemon } from './daemon.ts'
import { here, type Layout } from './layout.ts'
import { isMachineRunning, recordedMachines } from './lifecycle.ts'
import { isAlive, type ProcessId } from './machine/process.ts'
import { listTools, type Tool } from './tools/list.ts'

export interface MachineStatus {
  name: string
  address: string
  /** As the Compute API says it: `RUNNING`, `TERMINATED`, …; when it does not answer, what the processes say. */
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

/** What there is of the lab, up or not. */
export async function labStatus(layout: Layout = here): Promise<LabStatus> {
  const text = await readIfExists(layout.endpoints)
  const endpoints = text ? (JSON.parse(text) as Record<string, string>) : null
  const pids: Record<string, number> = {}
  let isUp = endpoints !== null
  for (const daemon of daemons) {
    const [id] = processesOf(layout, daemon)
    if (id) pids[daemon.name] = id.pid
    isUp &&= (await runningDaemon(layout, daemon)) !== undefined
  }
  const forwarder = await readIfExists(join(layout.run, 'forwarder.json'))
  const id = forwarder && (JSON.parse(forwarder) as ProcessId)
  if (id && isAlive(id)) pids.forwarder = id.pid
  const recorded = (await recordedMachines(layout)).filter(isMachineRunning)
  for (const machine of recorded) pids[`machine/${machine.name}`] = machine.init.pid
  const instances = endpoints?.compute && isUp ? await listInstances(layout, endpoints.compute) : undefined
  return {
    isUp,
    endpoints,
    machines:
      instances?.map(instance => machineStatus(instance, recorded.find(({ name }) => name === instance.name)?.init.pid)) ??
      recorded.map(({ name, address, disk, init }) => ({
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
  name: string
  status: string
  networkInterfaces?: { networkIP?: string }[]
  disks?: { boot?: boolean; source?: string }[]
}

const machineStatus = ({ name, status, networkInterfaces, disks }: Instance, pid: number | undefined): MachineStatus => ({
  name,
  address: networkInterfaces?.[0]?.networkIP ?? '',
  state: status,
  disk: lastElement(disks?.find(({ boot }) => boot)?.source ?? ''),
  pid: pid ?? null,
})

const lastElement = (path: string): string => path.split('/').at(-1) ?? ''

async function listInstances({ token }: Layout, compute: string): Promise<Instance[] | undefined> {
  const authorization = `Bearer ${(await readFile(token, 'utf8')).trim()}`
  const url = new URL('projects/web-service-design/aggregated/instances', compute)
  const answer = await fetch(url, { headers: { authorization } }).catch(() => undefined)
  if (!answer?.ok) return undefined
  const { items = {} } = (await answer.json()) as { items?: Record<string, { instances?: Instance[] }> }
  return Object.values(items).flatMap(({ instances = [] }) => instances)
}
