/**
 * The Image Updater's stand-in: runs in a machine for as long as the updater's pod does, with the pod's arguments and
 * permissions. Environment: KUBECONFIG, POD_NAMESPACE, REGISTRY (the lab's), READY_PORT.
 */
import { flushCompileCache } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { messageOf } from '../../../lib/runtime/errors.ts'
import { Api } from '../../machine/node-agent/api.ts'
import type { Level } from './decide.ts'
import { intervalMs } from './interval.ts'
import { createReadiness } from './readiness.ts'
import { Registry } from './registry.ts'
import {
  EVERY_APPLICATION,
  finalize,
  type ImageUpdater,
  knowsUpdaters,
  reconcile,
  type Surroundings,
  updateApplications,
  updatersIn,
} from './update.ts'

const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error']

// Flags of the real program that have no effect here are accepted.
const { values } = parseArgs({
  args: process.argv.slice(2),
  strict: false,
  options: { interval: { type: 'string' }, loglevel: { type: 'string' }, 'disable-kube-events': { type: 'boolean' } },
})
const namespace = process.env.POD_NAMESPACE ?? 'argocd'
const every = intervalMs(String(values.interval ?? '2m'))
const least = LEVELS.indexOf((values.loglevel ?? 'info') as Level)

function say(level: Level, message: string, fields: Record<string, string> = {}): void {
  if (LEVELS.indexOf(level) < least) return
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`)
  const text = message.replaceAll('"', '\\"')
  process.stdout.write(`time="${new Date().toISOString()}" level=${level} msg="${text}"${rest.join('')}\n`)
}

const surroundings: Surroundings = {
  api: new Api(process.env.KUBECONFIG ?? ''),
  namespace,
  registry: new Registry(process.env.REGISTRY ?? ''),
  ownPlatform: 'linux/amd64',
  events: values['disable-kube-events'] !== true,
  say,
}

/** An ImageUpdater is processed when it appears or changes, and then at each interval. */
const watched = new Map<string, { generation: number | undefined; stop: AbortController }>()

async function keepUpdating(updater: ImageUpdater, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await reconcile(updater, surroundings)
    if (every === 0) return
    await sleep(every, undefined, { signal: stop }).catch(() => undefined)
  }
}

/** As before version 1.0. What fails is tried again in the next pass. */
async function updateByAnnotations(): Promise<void> {
  do {
    await updateApplications(EVERY_APPLICATION, surroundings).catch(error => say('error', messageOf(error)))
    await sleep(every)
  } while (every > 0)
}

function forget({ metadata }: ImageUpdater): void {
  watched.get(metadata.uid)?.stop.abort()
  watched.delete(metadata.uid)
}

// This process is killed without notice.
flushCompileCache()
createReadiness().listen(Number(process.env.READY_PORT), '127.0.0.1')
say('info', `Argo CD Image Updater, interval ${every / 1000} s`)
// The API server may only just be starting.
let hasResources = true
for (;;) {
  try {
    hasResources = await knowsUpdaters(surroundings)
    break
  } catch {
    await sleep(1000)
  }
}
if (!hasResources) await updateByAnnotations()
await surroundings.api.follow<ImageUpdater>(updatersIn(namespace), {
  seen: updater => {
    const { uid, generation, deletionTimestamp } = updater.metadata
    // What fails because the object has changed is tried again when the change is seen.
    void finalize(surroundings.api, updater).catch(error => say('error', `finalizer: ${messageOf(error)}`))
    if (deletionTimestamp !== undefined) return forget(updater)
    if (watched.has(uid) && watched.get(uid)?.generation === generation) return
    forget(updater)
    const stop = new AbortController()
    watched.set(uid, { generation, stop })
    void keepUpdating(updater, stop.signal)
  },
  gone: forget,
})
