import { formatAge } from '../health/age.ts'
import { configChanges, storageType } from './config.ts'
import type { HostFacts, K0sFacts } from './facts.ts'
import { type Flags, flagChanges, parseFlags } from './flags.ts'
import { parseVersion, versionChange } from './version.ts'

/** What the host must run. */
export interface Wanted {
  architecture: string
  version: string
  /** Of the binary, hex. */
  sha256: string
  /** Content of /etc/k0s/k0s.yaml. */
  config: string
  /** Arguments of `k0s install controller`. */
  flags: readonly string[]
  /** The service's environment variables. */
  environment: Record<string, string>
  nodeName: string
}

/** What keeps the bootstrap from starting: nothing is changed while there is one. */
export interface Refusal {
  message: string
  hint: string
}

/** What there is to do, by part, as sentences; an empty list means that the part is as wanted. */
export interface BootstrapPlan {
  refusals: Refusal[]
  binary: string[]
  /** A running cluster gets another version. That deserves a backup first, which needs a working binary. */
  upgrade: boolean
  config: string[]
  unit: string[]
  service: { action: 'none' | 'start' | 'restart' | 'wait'; changes: string[] }
}

/** Certificates and leases stop working beyond this. */
const LARGEST_SKEW_MS = 60_000
/** The binary, what it unpacks, etcd's first files and the system's images. */
const LEAST_FREE_BYTES = 3 * 1024 ** 3

export const CONFIG_PATH = '/etc/k0s/k0s.yaml'

/**
 * Arguments of `k0s install controller`. The node's name is pinned: local volumes are bound to it, while a host name may change
 * with the network.
 */
export const installFlags = (nodeName: string): string[] => [
  '--single',
  `--config=${CONFIG_PATH}`,
  `--kubelet-extra-args=--hostname-override=${nodeName}`,
]

/** What must change on a host for it to run what is wanted. */
export function bootstrapPlan(facts: HostFacts, wanted: Wanted): BootstrapPlan {
  const { k0s } = facts
  const binary = binaryChanges(k0s, wanted)
  const config = configDrift(k0s, wanted)
  const unit = unitChanges(k0s, wanted)
  return {
    refusals: refusals(facts, wanted, binary.length > 0),
    binary,
    upgrade: k0s.process !== undefined && k0s.binary?.version !== undefined && k0s.binary.version !== wanted.version,
    config,
    unit,
    service: serviceChanges(k0s, wanted, [...binary, ...config, ...unit]),
  }
}

function binaryChanges({ binary }: K0sFacts, { version, sha256 }: Wanted): string[] {
  if (!binary) return [`install k0s ${version}`]
  if (binary.version !== version) return [`replace k0s ${binary.version ?? '(broken)'} with ${version}`]
  return binary.sha256 === sha256 ? [] : [`replace k0s ${version}: SHA-256 ${binary.sha256}, expected ${sha256}`]
}

function configDrift({ config }: K0sFacts, wanted: Wanted): string[] {
  if (!config) return [`write ${CONFIG_PATH}`]
  const changes = configChanges(config.text, wanted.config)
  return config.private ? changes : [...changes, `${CONFIG_PATH}: readable by root only`]
}

function unitChanges({ unit }: K0sFacts, wanted: Wanted): string[] {
  if (!unit) return ['install the service k0scontroller']
  const environment = flagChanges(unit.environment, wanted.environment).map(
    change => `environment: ${change.split(':', 1)[0]?.slice(2)}`,
  )
  const changes = [...flagChanges(parseFlags(unit.args), wantedFlags(wanted)), ...environment]
  return unit.enabled ? changes : [...changes, `enable ${unit.name} at boot`]
}

const wantedFlags = ({ flags }: Wanted): Flags => parseFlags(flags)

/**
 * A process that is older than a file it was started from still runs with the file's earlier content. That is how a restart is
 * caught up with after a run that was interrupted between a change and its restart.
 */
function serviceChanges(k0s: K0sFacts, wanted: Wanted, pending: string[]): BootstrapPlan['service'] {
  const { active, process, status, readiness } = k0s
  if (!active) return { action: 'start', changes: ['start k0s'] }
  if (pending.length > 0) return { action: 'restart', changes: ['restart k0s'] }
  if (!process) return { action: 'wait', changes: ['wait for k0s: systemd is about to restart its service'] }
  const stale = [
    ...Object.entries({ binary: k0s.binary, configuration: k0s.config, unit: k0s.unit })
      .filter(([, file]) => file !== undefined && file.changedAt > process.startedAt)
      .map(([name]) => `the ${name} is newer than the running process`),
    ...(status
      ? flagChanges(parseFlags(status.args), wantedFlags(wanted)).map(change => `running with other flags: ${change}`)
      : []),
    ...(status && status.version !== wanted.version ? [`${status.version} is still running`] : []),
  ]
  if (stale.length > 0) return { action: 'restart', changes: stale.map(reason => `restart k0s: ${reason}`) }
  const waits = [
    ...(readiness.api ? [] : ['wait for the Kubernetes API']),
    ...(readiness.nodes.some(({ name, ready }) => name === wanted.nodeName && ready)
      ? []
      : [`wait for node ${wanted.nodeName}`]),
  ]
  return { action: waits.length > 0 ? 'wait' : 'none', changes: waits }
}

/** The running version counts: the binary may be newer, put there by a run that did not get to the restart. */
const runningVersion = ({ status, binary }: K0sFacts): string | undefined => status?.version ?? binary?.version

function refusals(
  { architecture, sudoRefusal, clockSkew, freeBytes, k0s }: HostFacts,
  wanted: Wanted,
  uploads: boolean,
): Refusal[] {
  const found: Refusal[] = []
  const refuse = (message: string, hint: string) => found.push({ message, hint })

  if (sudoRefusal) refuse(`root needs a password: ${sudoRefusal}`, 'let the SSH user run sudo without one (NOPASSWD)')
  if (architecture !== wanted.architecture) {
    refuse(
      `the VM is ${architecture}, but the binary and the images are for ${wanted.architecture}`,
      'use an x86 machine type: etcd has failed on an ARM one before',
    )
  }
  if (Math.abs(clockSkew) > LARGEST_SKEW_MS) {
    const by = `${formatAge(Math.abs(clockSkew))} ${clockSkew > 0 ? 'ahead of' : 'behind'}`
    refuse(`the VM's clock is ${by} this machine's`, 'correct whichever clock is wrong: timedatectl shows both')
  }
  if (uploads && freeBytes < LEAST_FREE_BYTES) {
    refuse(
      `only ${Math.floor(freeBytes / 1024 ** 2)} MiB are free under /var/lib; k0s needs ${LEAST_FREE_BYTES / 1024 ** 2}`,
      'enlarge the disk',
    )
  }
  if (k0s.unit?.name === 'k0sworker' || k0s.status?.role === 'worker') {
    refuse('the VM is a k0s worker, not a controller', 'reset it first: k0s stop; k0s reset')
  } else if (k0s.status && !k0s.status.singleNode) {
    refuse('k0s runs as a controller of several nodes', 'reset it first: k0s stop; k0s reset')
  }
  const storage = storageType(wanted.config)
  if (k0s.storage && storage && k0s.storage !== storage) {
    refuse(
      `the cluster stores its data in ${k0s.storage}, but the configuration says ${storage}`,
      'the storage of a live cluster never changes: set k0s.spec.storage.type to what it has',
    )
  }
  return [...found, ...versionRefusals(k0s, wanted)]
}

function versionRefusals(k0s: K0sFacts, { version }: Wanted): Refusal[] {
  const running = runningVersion(k0s)
  const [from, to] = [parseVersion(running ?? ''), parseVersion(version)]
  if (running === undefined || running === version || !to) return []
  if (!from) {
    return [
      {
        message: `k0s ${running} is running: whether ${version} would be a downgrade can't be told`,
        hint: 'replace it by hand with a released build of k0s, of the same or the next minor version',
      },
    ]
  }
  switch (versionChange(from, to)) {
    case 'downgrade':
      return [
        {
          message: `k0s ${running} is running: ${version} would be a downgrade`,
          hint: 'restore a snapshot of the older version instead',
        },
      ]
    case 'skips a minor':
      return [
        { message: `k0s ${running} can't be upgraded to ${version} at once`, hint: 'upgrade one minor version at a time' },
      ]
    default:
      return []
  }
}
