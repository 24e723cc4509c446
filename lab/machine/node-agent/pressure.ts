import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../process.ts'
import type { Api } from './api.ts'
import { evictionMessage, type Shortage } from './failures.ts'
import type { Condition, Pod } from './kubernetes.ts'
import { logDirectory } from './log.ts'
import type { PodWorker } from './pod.ts'

/** boot.sh creates it where the disk has a size of its own; elsewhere the host's disk would be measured. */
const OWN_DISK = '/run/own-disk'
/** Milliseconds between two checks, and how long pressure is still reported after it has ended; a kubelet's is five minutes. */
const EVERY = 10_000
const LASTS = 30_000
/** Free share of the disk below which there is pressure: the kubelet's `nodefs.available`. */
const THRESHOLD = 0.1
/** Pods of this priority or higher are never evicted: those of Kubernetes's critical classes. */
const CRITICAL = 2_000_000_000

/** The disk's shortage, if any. @param total bytes @param available bytes */
export const shortageOf = (total: number, available: number): Shortage | undefined =>
  available < total * THRESHOLD
    ? {
        resource: 'ephemeral-storage',
        threshold: String(Math.floor(total * THRESHOLD)),
        available: `${Math.floor(available / 1024)}Ki`,
      }
    : undefined

interface Candidate {
  pod: Pod
  /** Bytes used by its logs and volumes, not counting claims. */
  used: number
}

/**
 * The pod that the kubelet would evict first: lowest priority, then largest usage. pkg/kubelet/eviction/helpers.go,
 * rankDiskPressureFunc
 */
export function firstToGo(candidates: readonly Candidate[]): Candidate | undefined {
  const priority = ({ pod }: Candidate) => pod.spec.priority ?? 0
  return candidates
    .filter(candidate => priority(candidate) < CRITICAL)
    .sort((one, other) => priority(one) - priority(other) || other.used - one.used)[0]
}

/** Watches the machine's disk: reports when it is nearly full, and evicts pods one by one until it no longer is. */
export async function watchDisk(api: Api, node: string, volumes: string, workers: () => Iterable<PodWorker>): Promise<void> {
  if (!existsSync(OWN_DISK)) return
  for (let last = Number.NEGATIVE_INFINITY; ; await sleep(EVERY)) {
    const { blocks, bavail, bsize } = await statfs('/')
    const shortage = shortageOf(blocks * bsize, bavail * bsize)
    if (shortage) last = performance.now()
    try {
      await report(api, node, performance.now() - last < LASTS)
      if (shortage) await evictOne(shortage, volumes, [...workers()])
    } catch (error) {
      process.stdout.write(`kubelet: disk pressure: ${(error as Error).message}\n`)
    }
  }
}

async function report(api: Api, node: string, isPressed: boolean): Promise<void> {
  const path = `/api/v1/nodes/${node}`
  const { status } = await api.get<{ status: { conditions?: Condition[] } }>(path)
  const known = status.conditions?.find(({ type }) => type === 'DiskPressure')
  if (!known || (known.status === 'True') === isPressed) return
  const now = new Date().toISOString()
  const changed = {
    ...known,
    ...{ lastHeartbeatTime: now, lastTransitionTime: now },
    ...(isPressed
      ? { status: 'True', reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' }
      : { status: 'False', reason: 'KubeletHasNoDiskPressure', message: 'kubelet has no disk pressure' }),
  }
  const conditions = status.conditions?.map(condition => (condition === known ? changed : condition))
  await api.patch(`${path}/status`, { status: { conditions } })
}

async function evictOne(shortage: Shortage, volumes: string, workers: readonly PodWorker[]): Promise<void> {
  const running = workers.filter(({ pod }) => pod.status.phase === 'Running' && !pod.metadata.deletionTimestamp)
  const candidates = await Promise.all(running.map(async ({ pod }) => ({ pod, used: await usageOf(pod, volumes) })))
  const first = firstToGo(candidates)
  const worker = running.find(({ pod }) => pod === first?.pod)
  if (!first || !worker) return
  await worker.evict(evictionMessage(first.pod, shortage, `${Math.ceil(first.used / 1024)}Ki`))
}

async function usageOf(pod: Pod, volumes: string): Promise<number> {
  const folders = [logDirectory(pod), `${volumes}/${pod.metadata.uid}`].filter(existsSync)
  if (folders.length === 0) return 0
  const output = await run('du', ['--summarize', '--total', '--block-size=1', '--one-file-system', ...folders])
  return Number(/(\d+)\ttotal$/m.exec(output)?.[1] ?? 0)
}
