import { X509Certificate } from 'node:crypto'
import { type Store, storeIn } from './config.ts'
import { type Flags, parseFlags, parseUnit, type Unit } from './flags.ts'

/** The answers of one probe of a host. */
export interface Probe {
  /** Text by name; what does not exist on the host is missing or empty. */
  answers: Record<string, string>
  /** The local clock before and after the probe, milliseconds since the epoch. */
  askedAt: number
  answeredAt: number
}

/** What a probe found on a host. Times are milliseconds since the epoch by the host's clock. */
export interface HostFacts {
  /** `amd64` or `arm64`, as container platforms call it; anything else as `uname -m` prints it. */
  architecture: string
  hostname: string
  os: string
  bootId: string
  freeBytes: number
  /** What sudo said when it refused; undefined when root needs no password. */
  sudoRefusal?: string
  /** How far the host's clock is certainly ahead of ours, in milliseconds; negative when behind. */
  clockSkew: number
  k0s: K0sFacts
}

export interface K0sFacts {
  /** A binary that does not print its version is broken or incomplete. */
  binary?: { sha256: string; version?: string; changedAt: number }
  /** The file that the service names, or k0s's usual one. */
  config?: { text: string; changedAt: number; private: boolean }
  unit?: { name: string; changedAt: number; enabled: boolean } & Unit
  /** Running or about to run: a service that keeps failing is active, without a process in between. */
  active: boolean
  /** The service's main process. */
  process?: { pid: number; startedAt: number }
  /** Undefined when k0s is not running, or hangs. */
  status?: K0sStatus
  /** Which store has the data; undefined before the first start. */
  storage?: Store['type']
  readiness: Readiness
  /** Fingerprints of the certificates that show whether a kubeconfig is the administrator's of this cluster. */
  pki?: { ca: string; admin: string }
}

export interface K0sStatus {
  version: string
  /** `controller` or `worker`. */
  role: string
  singleNode: boolean
  /** Without the program's own name. */
  args: string[]
  /** The ClusterConfig that it runs with, k0s's defaults included. */
  config?: Record<string, unknown>
}

export interface Readiness {
  /** `/readyz` prints exactly `ok`. */
  api: boolean
  /** Identity of the cluster: survives restarts and restores, but not a reset. */
  clusterUid?: string
  nodes: { name: string; ready: boolean }[]
}

const ARCHITECTURES: Record<string, string> = { x86_64: 'amd64', aarch64: 'arm64' }

/** Facts from a probe's answers; what the host did not answer is missing. */
export function factsFrom({ answers, askedAt, answeredAt }: Probe): HostFacts {
  const machine = answers.architecture ?? ''
  return {
    architecture: ARCHITECTURES[machine] ?? machine,
    hostname: answers.hostname ?? '',
    os: /^PRETTY_NAME="?(.*?)"?$/m.exec(answers.os ?? '')?.[1] ?? '',
    bootId: answers.bootId ?? '',
    freeBytes: Number(answers.freeBytes ?? 0),
    clockSkew: skew(Number(answers.clock), askedAt, answeredAt),
    ...(answers.sudo !== 'yes' && { sudoRefusal: answers.sudoRefusal || 'sudo is not installed' }),
    k0s: k0sFacts(answers),
  }
}

/** The host read its clock at some point between the two local times, so only a time outside of them shows skew. */
function skew(clock: number, askedAt: number, answeredAt: number): number {
  if (clock < askedAt) return clock - askedAt
  return clock > answeredAt ? clock - answeredAt : 0
}

function k0sFacts(answers: Probe['answers']): K0sFacts {
  const active = ['active', 'activating'].includes(property(answers.service, 'ActiveState') ?? '')
  const facts: K0sFacts = { active, readiness: readinessFrom({ answers }) }
  const status = parseStatus(answers.status ?? '')
  if (answers.binarySha256 !== undefined) {
    // A probe leaves it out where it can only be that of the process.
    const version = answers.binaryVersion ?? status?.version
    facts.binary = {
      sha256: answers.binarySha256,
      changedAt: ms(answers.binaryChangedAt),
      ...(version && { version }),
    }
  }
  if (answers.config !== undefined) {
    facts.config = { text: answers.config, changedAt: ms(answers.configChangedAt), private: answers.configMode === '600 0' }
  }
  if (answers.unitName !== undefined) {
    facts.unit = {
      name: answers.unitName,
      changedAt: ms(answers.unitChangedAt),
      enabled: property(answers.service, 'UnitFileState') === 'enabled',
      ...parseUnit(answers.unit ?? ''),
    }
  }
  if (answers.pid !== undefined) facts.process = { pid: Number(answers.pid), startedAt: startOf(answers) }
  if (status) facts.status = status
  const storage = storageOf(facts, (answers.storage ?? '').split('\n'))
  if (storage) facts.storage = storage
  const { 'pki/ca.crt': ca, 'pki/admin.crt': admin } = answers
  if (ca && admin) facts.pki = { ca: fingerprint(ca), admin: fingerprint(admin) }
  return facts
}

/**
 * A running k0s says which store it has. Otherwise the disk does; where the data of both is there, such as after a trial of one of them,
 * what k0s would start with.
 */
function storageOf({ status, config, unit }: K0sFacts, onDisk: string[]): Store['type'] | undefined {
  const running = storeIn(status?.config)
  if (running) return running.type
  const stores = (['etcd', 'kine'] as const).filter(type => onDisk.includes(type))
  if (stores.length === 1) return stores[0]
  const said = storeIn(config?.text)
  if (said && (stores.length === 2 || said.dataSource || said.externalCluster)) return said.type
  return stores.length === 2 && unit ? defaultStorage(unitFlags(unit)) : undefined
}

/** What k0s stores with where its configuration does not say. https://docs.k0sproject.io/stable/configuration/#specstorage */
const defaultStorage = (flags: Flags): Store['type'] => (flags.single === undefined ? 'etcd' : 'kine')

const unitFlags = ({ args }: Unit): Flags => parseFlags(args)

export const DATA_DIRECTORY = '/var/lib/k0s'

/** The folder of the cluster's data, by its service's flags. */
export const dataDirectory = ({ unit }: Pick<K0sFacts, 'unit'>): string =>
  (unit && unitFlags(unit)['data-dir']) ?? DATA_DIRECTORY

/** One line of `systemctl show`. */
const property = (text = '', name: string): string | undefined =>
  text
    .split('\n')
    .find(line => line.startsWith(`${name}=`))
    ?.slice(name.length + 1)

const ms = (seconds: string | undefined): number => Math.round(Number(seconds ?? 0) * 1000)

/** The kernel counts a process's start in ticks since boot. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function startOf({ clock, uptime, startedAtTicks, ticksPerSecond }: Probe['answers']): number {
  const age = Number(uptime) - Number(startedAtTicks) / Number(ticksPerSecond)
  return Math.round(Number(clock) - age * 1000)
}

/** The output of `k0s status -o json`; undefined for anything else that it may print. */
export function parseStatus(text: string): K0sStatus | undefined {
  try {
    const { Version, Role, SingleNode, Args, ClusterConfig } = JSON.parse(text) as Record<string, unknown>
    if (typeof Version !== 'string' || typeof Role !== 'string') return undefined
    return {
      version: Version,
      role: Role,
      singleNode: SingleNode === true,
      args: Array.isArray(Args) ? Args.map(String) : [],
      ...(isRecord(ClusterConfig) && { config: ClusterConfig }),
    }
  } catch {
    return undefined
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The members `readyz` and `objects` of a probe: lines of kind, name, uid and readiness, separated by tabs. */
export function readinessFrom({ answers }: Pick<Probe, 'answers'>): Readiness {
  const objects = (answers.objects ?? '').split('\n').map(line => line.split('\t'))
  const clusterUid = objects.find(([kind, name]) => kind === 'Namespace' && name === 'kube-system')?.[2]
  return {
    api: answers.readyz === 'ok',
    nodes: objects.flatMap(([kind, name = '', , ready]) => (kind === 'Node' ? [{ name, ready: ready === 'True' }] : [])),
    ...(clusterUid && { clusterUid }),
  }
}

/** SHA-256 fingerprint of a PEM certificate, however the text is wrapped; the text itself when it is not a certificate. */
export function fingerprint(pem: string): string {
  try {
    return new X509Certificate(pem).fingerprint256
  } catch {
    return pem
  }
}
