import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { outliveLog } from '../../lifecycle/last-words.ts'
import { writeWhole } from '../write-whole.ts'
import { askSocket } from './ask.ts'
import { type Component, components, RUN_DIRECTORY, SCHEDULER_CONFIG, schedulerConfig } from './components.ts'
import { type ClusterConfig, parseConfig } from './config.ts'
import { K0sError } from './errors.ts'
import { type ControllerFlags, parseControllerFlags } from './flags.ts'
import { deployManifests } from './manifests.ts'
import { ADMIN, CONTROLLER_MANAGER, ensurePki, kubeconfig, SCHEDULER } from './pki.ts'
import { isRunning, STATUS_SOCKET, type Status, serveStatus } from './status.ts'
import { Supervised } from './supervise.ts'

const log = (text: string) => process.stdout.write(`time="${new Date().toISOString()}" msg=${JSON.stringify(text)}\n`)

/** The machine's own address, k0s's default when the configuration has none. */
export const ownAddress = (): string =>
  Object.values(networkInterfaces())
    .flatMap(addresses => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'

export const DEFAULT_CONFIG = '/etc/k0s/k0s.yaml'

export function loadConfig({ config, single, dataDir }: Pick<ControllerFlags, 'config' | 'single' | 'dataDir'>): ClusterConfig {
  const path = config ?? DEFAULT_CONFIG
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (config) throw new K0sError(`failed to load node config: open ${path}: ${(error as NodeJS.ErrnoException).code}`)
  }
  return parseConfig(text, ownAddress(), single, dataDir)
}

/** `k0s controller`: runs the control plane and, with a worker, the node until SIGTERM. */
export async function runController(binary: string, version: string, args: readonly string[]): Promise<void> {
  outliveLog()
  const flags = parseControllerFlags(args)
  if (await isRunning()) throw new K0sError('k0s is already running')
  const config = loadConfig(flags)
  const nodeName = (flags.hostname ?? hostname()).toLowerCase()
  mkdirSync(RUN_DIRECTORY, { recursive: true })
  mkdirSync(join(flags.dataDir, 'manifests'), { recursive: true })
  writeIdentities(flags.dataDir, config, nodeName)
  writeFileSync(SCHEDULER_CONFIG, JSON.stringify(schedulerConfig(flags.dataDir)))
  refuseClusterTraffic()

  const planned = components({ config, dataDir: flags.dataDir, nodeName, nodeAddress: ownAddress(), labels: flags.labels })
  const wanted = flags.enableWorker ? planned : planned.filter(({ name }) => !['kwok', 'kubelet'].includes(name))
  const supervised = wanted.map(component => new Supervised(component, log))
  const stopping = new AbortController()
  process.once('SIGTERM', () => stopping.abort())
  process.once('SIGINT', () => stopping.abort())

  await serveStatus(() => status({ binary, version, args, flags, config }))
  try {
    for (const one of supervised) {
      await Promise.race([one.start(), aborted(stopping.signal)])
      await untilReady(one.component, flags.dataDir, stopping.signal)
    }
    log('all components are running')
    await deployManifests(flags.dataDir, log, stopping.signal)
  } catch (error) {
    if (!stopping.signal.aborted) throw error
  }
  log('stopping')
  for (const one of [...supervised].reverse()) await one.stop()
  // The status socket would keep this process alive.
  process.exit()
}

function writeIdentities(dataDir: string, { spec: { api } }: ClusterConfig, nodeName: string): void {
  const pki = join(dataDir, 'pki')
  const nodeAddress = ownAddress()
  const server = [api.address, ...api.sans, ...(api.externalAddress ? [api.externalAddress] : []), nodeAddress, nodeName]
  ensurePki(pki, { server, node: nodeName, nodeAddress })
  for (const identity of [ADMIN, CONTROLLER_MANAGER, SCHEDULER]) {
    const text = kubeconfig(pki, identity, `https://localhost:${api.port}`)
    writeWhole(join(pki, `${identity.name}.conf`), text, 0o600)
  }
}

/**
 * Few pods and services are reachable here, at addresses of the machine itself. All other addresses become unroutable, so that
 * a call to a webhook fails immediately instead of delaying the API server's request until a timeout.
 */
function refuseClusterTraffic(): void {
  for (const range of ['10.96.0.0/12', '10.244.0.0/16']) execFileSync('ip', ['route', 'replace', 'unreachable', range])
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

async function untilReady({ ready }: Component, dataDir: string, signal: AbortSignal): Promise<void> {
  while (ready && !(await answersOk(ready, dataDir))) {
    signal.throwIfAborted()
    await sleep(100)
  }
}

async function answersOk(ready: NonNullable<Component['ready']>, dataDir: string): Promise<boolean> {
  if (typeof ready !== 'string') return (await askSocket(ready).catch(() => undefined))?.ok === true
  const file = (name: string) => readFileSync(join(dataDir, 'pki', name))
  return await new Promise(resolve => {
    const request = get(
      ready,
      { ca: file('ca.crt'), cert: file('admin.crt'), key: file('admin.key'), agent: false },
      response => {
        response.resume()
        resolve(response.statusCode === 200)
      },
    )
    request.once('error', () => resolve(false))
  })
}

interface Invocation {
  binary: string
  version: string
  args: readonly string[]
  flags: ControllerFlags
  config: ClusterConfig
}

async function status({ binary, version, args, flags, config }: Invocation): Promise<Status> {
  const ready = await answersOk(`https://127.0.0.1:${config.spec.api.port}/readyz`, flags.dataDir)
  return {
    Version: version,
    Pid: process.pid,
    PPid: process.ppid,
    Role: 'controller',
    SysInit: 'linux-systemd',
    StubFile: '/etc/systemd/system/k0scontroller.service',
    Output: '',
    Workloads: flags.enableWorker,
    SingleNode: flags.single,
    Args: [binary, 'controller', ...args],
    WorkerToAPIConnectionStatus: ready
      ? { Message: '', Success: true }
      : { Message: 'the API server is not ready', Success: false },
    ClusterConfig: config,
    K0sVars: {
      AdminKubeConfigPath: join(flags.dataDir, 'pki/admin.conf'),
      CertRootDir: join(flags.dataDir, 'pki'),
      DataDir: flags.dataDir,
      EtcdDataDir: join(flags.dataDir, 'etcd'),
      RunDir: RUN_DIRECTORY,
      StartupConfigPath: flags.config ?? DEFAULT_CONFIG,
      StatusSocketPath: STATUS_SOCKET,
    },
  }
}
