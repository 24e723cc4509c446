import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { identify, type ProcessId } from '../../../lib/runtime/processes.ts'

export interface MachineProcess extends ProcessId {
  /** What it is, in the words of `names`, or its command line. */
  name: string
}

/** Processes of a machine by what their command lines hold. */
const names: readonly (readonly [name: string, mark: RegExp])[] = [
  ['supervisor', /^unshare .*boot\.sh/],
  ['process 1', /guest\/pid1\.sh/],
  ['service manager', /guest\/init\.ts/],
  ['sshd', /sshd.* \[listener\]/],
  ['k0s', /k0s\/cli\.ts .* controller/],
  ['etcd', /^\S+\/etcd /],
  ['kube-apiserver', /^\S+\/kube-apiserver /],
  ['kube-controller-manager', /^\S+\/kube-controller-manager /],
  ['kube-scheduler', /^\S+\/kube-scheduler /],
  ['kwok', /^\S+\/kwok /],
  ['node agent', /node-agent\/main\.ts/],
  ['Argo CD application controller', /^argocd .*--repo-server /],
  ['Argo CD repo server', /^argocd .*--disable-tls/],
  ['redis', /^redis-server /],
  ['image updater', /image-updater\/main\.ts/],
  ['container', /^bwrap /],
  ['postgres', /^postgres -D/],
  ['worker of postgres', /^postgres: /],
  ['application', /\/web\.mts$/],
]

/** How long somebody must have lived to be a process of the machine's, and no command that one of them runs. */
const SETTLED_MS = 3000

/** The supervisor of a machine and all that descend from it, those of its containers too, without what comes and goes. */
export async function machineProcesses(supervisor: number): Promise<MachineProcess[]> {
  const before = await descendants(supervisor)
  await sleep(SETTLED_MS)
  const after = await descendants(supervisor)
  return after.filter(({ pid, startTime }) => before.some(other => other.pid === pid && other.startTime === startTime))
}

async function descendants(ancestor: number): Promise<MachineProcess[]> {
  const parents = new Map<number, number>()
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    parents.set(Number(pid), Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 0))
  }
  const isWithin = (pid: number): boolean => pid === ancestor || (parents.has(pid) && isWithin(parents.get(pid) ?? 0))
  const found: MachineProcess[] = []
  for (const pid of [...parents.keys()].filter(isWithin)) {
    const id = identify(pid)
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').filter(Boolean)
    if (id && words.length > 0) found.push({ ...id, name: nameOf(words) })
  }
  return found
}

function nameOf([program = '', ...args]: string[]): string {
  const line = [program, ...args].join(' ').trim()
  return names.find(([, mark]) => mark.test(line))?.[0] ?? `${basename(program)} ${args.join(' ')}`
}
