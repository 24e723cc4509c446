/**
 * The stand-in for the kubelet and kube-proxy: brings up the pods bound to its node, runs the application's containers and the
 * programs of some others, forwards their traffic, serves `kubectl logs`, `exec` and `port-forward`, and does the work of the local path
 * provisioner. Environment: KUBECONFIG, DATA_DIR, NODE_NAME, NODE_ADDRESS, NODE_LABELS.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { outliveLog } from '../../lifecycle/last-words.ts'
import { Addresses } from './addresses.ts'
import { Api } from './api.ts'
import { Containers } from './containers.ts'
import { Events } from './events.ts'
import { createExtender, EXTENDER_PORT } from './extender.ts'
import { Images } from './images.ts'
import { createKubelet, type Host, KUBELET_PORT } from './kubelet-server.ts'
import { namespaceOf, type PersistentVolume, type PersistentVolumeClaim, type Pod } from './kubernetes.ts'
import { logDirectory } from './log.ts'
import { type Node, registerNode } from './node.ts'
import { PodWorker } from './pod.ts'
import { watchDisk } from './pressure.ts'
import { Programs, REGISTRY } from './programs.ts'
import { isProvisioner, provision, reclaim } from './provisioner.ts'
import { Services } from './services.ts'

const RUN_DIRECTORY = '/run/k0s/pods'
/** The node's part of the pods' range; the only node has the first. */
const POD_PREFIX = '10.244.0.'
/** Prefixes of the services' addresses: 10.96.0.0/12. */
const SERVICE_PREFIXES = Array.from({ length: 16 }, (_, index) => `10.${96 + index}.`)

const setting = (name: string): string => process.env[name] ?? ''
const log = (text: string) => process.stdout.write(`kubelet: ${text}\n`)

const api = new Api(setting('KUBECONFIG'))
const allocated = new Map<string, string>()
mkdirSync(RUN_DIRECTORY, { recursive: true, mode: 0o700 })

const address = setting('NODE_ADDRESS')
const dataDirectory = setting('DATA_DIR')
const podsDirectory = join(dataDirectory, 'kubelet/pods')
const addresses = new Addresses([POD_PREFIX, ...SERVICE_PREFIXES])
const services = new Services(api, addresses, host => host === address || addresses.has(host))
const node: Node = {
  name: setting('NODE_NAME'),
  address,
  bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  api,
  images: new Images(REGISTRY, join(dataDirectory, 'containerd/images.json')),
  programs: new Programs(api, RUN_DIRECTORY),
  containers: new Containers(api, podsDirectory, addresses, services),
  events: new Events(api, setting('NODE_NAME')),
  allocateAddress,
}

/** The pod's existing address, or the first free one; as with kube-router, .1 is the bridge's. */
function allocateAddress(pod: Pod): string {
  const own = pod.status.podIP
  const taken = new Set(allocated.values())
  for (let last = 2; last < 255; last++) {
    const candidate = last === 2 && own && !taken.has(own) ? own : `${POD_PREFIX}${last}`
    if (taken.has(candidate)) continue
    allocated.set(pod.metadata.uid, candidate)
    return candidate
  }
  throw new Error('no address is left for a pod')
}

const workers = new Map<string, PodWorker>()
const pods = new Map<string, Pod>()

function seePod(pod: Pod): void {
  pods.set(pod.metadata.uid, pod)
  const known = workers.get(pod.metadata.uid)
  known?.update(pod)
  const worker = known ?? new PodWorker(node, pod)
  workers.set(pod.metadata.uid, worker)
  if (pod.metadata.deletionTimestamp) worker.remove(false).catch(error => log(`${pod.metadata.name}: ${error.message}`))
  else if (!known) worker.run().catch(error => log(`${pod.metadata.name}: ${error.stack}`))
  void provisionAll()
}

function losePod(pod: Pod): void {
  const { uid, name } = pod.metadata
  pods.delete(uid)
  allocated.delete(uid)
  workers
    .get(uid)
    ?.remove(true)
    .catch(error => log(`${name}: ${error.message}`))
  workers.delete(uid)
  node.events.forget(pod)
  rmSync(logDirectory(pod), { recursive: true, force: true })
}

const host: Host = {
  findPod: (namespace, name) => [...pods.values()].find(pod => namespaceOf(pod) === namespace && pod.metadata.name === name),
  findRunning: ({ metadata }, container) => workers.get(metadata.uid)?.findRunning(container),
  addressOf(pod, port) {
    const running = pod.spec.containers.map(({ name }) => host.findRunning(pod, name))
    return running.map(one => one?.addressOf(port)).find(address => address !== undefined)
  },
}

const claims = new Map<string, PersistentVolumeClaim>()
const volumes = new Map<string, PersistentVolume>()
let provisioning = false
let changed = false

/** Runs one pass at a time; a change during a pass triggers another. Failures are retried with the next change. */
async function provisionAll(): Promise<void> {
  changed = true
  if (provisioning || ![...pods.values()].some(isProvisioner)) return
  provisioning = true
  try {
    while (changed) {
      changed = false
      for (const claim of claims.values()) await provision(api, node.name, claim)
      for (const volume of volumes.values()) await reclaim(api, volume)
    }
  } catch (error) {
    log(`local-path-provisioner: ${(error as Error).message}`)
  } finally {
    provisioning = false
  }
}

function collect<T extends { metadata: { uid: string } }>(into: Map<string, T>) {
  return {
    seen: (object: T) => {
      into.set(object.metadata.uid, object)
      void provisionAll()
    },
    gone: (object: T) => {
      into.delete(object.metadata.uid)
    },
  }
}

async function register(): Promise<void> {
  const labels = JSON.parse(setting('NODE_LABELS') || '{}') as Record<string, string>
  for (;;) {
    try {
      return await registerNode(api, { name: node.name, address: node.address, labels })
    } catch (error) {
      log(`node not registered yet: ${(error as Error).message}`)
      await sleep(1000)
    }
  }
}

outliveLog()
process.on('SIGTERM', async () => {
  await Promise.all([...workers.values()].map(worker => worker.stop(10_000)))
  process.exit()
})
await addresses.clear()
await register()
createExtender().listen(EXTENDER_PORT, '127.0.0.1')
createKubelet(host, join(dataDirectory, 'pki')).listen(KUBELET_PORT, address)
services.follow()
void watchDisk(api, node.name, podsDirectory, () => workers.values())
void api.follow<Pod>(`/api/v1/pods?fieldSelector=spec.nodeName=${node.name}`, { seen: seePod, gone: losePod })
void api.follow('/api/v1/persistentvolumeclaims', collect(claims))
void api.follow('/api/v1/persistentvolumes', collect(volumes))
