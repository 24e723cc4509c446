import { CONFIG_PATH, configChanges } from './config.ts'
import type { HostFacts, K0sFacts } from './facts.ts'
import { type Flags, flagChanges, parseFlags } from './flags.ts'
import { type Differences, differencesOf, isForeign } from './kept.ts'
import { changeRefusals, keptRefusals, type Refusal } from './refusals.ts'
import type { Wanted } from './wanted.ts'

/** What there is to do, by part, as sentences; an empty list means that the part is as wanted. */
export interface BootstrapPlan {
  refusals: Refusal[]
  binary: string[]
  /** A running cluster gets another version. That deserves a backup first, which needs a working binary. */
  upgrade: boolean
  config: string[]
  unit: string[]
  service: { action: 'none' | 'start' | 'restart' | 'wait'; changes: string[] }
  /** Of a k0s that somebody else has installed, and that is left as it is: nothing but a start is planned for it. */
  kept?: Differences
  /** It is somebody else's, and becomes ours. */
  takesOver?: true
}

export interface PlanOptions {
  /** Whether a k0s that somebody else has installed is changed, too. */
  takeOver?: boolean
}

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
export function bootstrapPlan(facts: HostFacts, wanted: Wanted, { takeOver = false }: PlanOptions = {}): BootstrapPlan {
  const { k0s } = facts
  const foreign = isForeign(k0s)
  if (foreign && !takeOver) {
    return {
      refusals: keptRefusals(facts, wanted),
      ...{ binary: [], upgrade: false, config: [], unit: [] },
      service: keptService(k0s),
      kept: differencesOf(k0s, wanted),
    }
  }
  const parts = { binary: binaryChanges(k0s, wanted), config: configDrift(k0s, wanted), unit: unitChanges(k0s, wanted) }
  return {
    refusals: changeRefusals(facts, wanted, { uploads: parts.binary.length > 0, foreign }),
    ...parts,
    upgrade: k0s.process !== undefined && k0s.binary?.version !== undefined && k0s.binary.version !== wanted.version,
    service: serviceChanges(k0s, wanted, parts),
    ...(foreign && { takesOver: true }),
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

const ABOUT_TO_RESTART = 'wait for k0s: systemd is about to restart its service'

/** It is started where it is off, and whatever its node is called is waited for. */
function keptService({ active, process, readiness }: K0sFacts): BootstrapPlan['service'] {
  if (!active) return { action: 'start', changes: ['start k0s as it is installed'] }
  if (!process) return { action: 'wait', changes: [ABOUT_TO_RESTART] }
  const waits = [
    ...(readiness.api ? [] : ['wait for the Kubernetes API']),
    ...(readiness.nodes.some(({ ready }) => ready) ? [] : ['wait for its node']),
  ]
  return { action: waits.length > 0 ? 'wait' : 'none', changes: waits }
}

/**
 * A process that is older than a file it was started from still runs with the file's earlier content. That is how a restart is
 * caught up with after a run that was interrupted between a change and its restart.
 */
function serviceChanges(k0s: K0sFacts, wanted: Wanted, parts: Differences): BootstrapPlan['service'] {
  const { active, process, status, readiness } = k0s
  if (!active) return { action: 'start', changes: ['start k0s'] }
  const pending = Object.entries({ binary: parts.binary, configuration: parts.config, service: parts.unit })
    .filter(([, changes]) => changes.length > 0)
    .map(([name]) => name)
  if (pending.length > 0) {
    return {
      action: 'restart',
      changes: [`restart k0s: its ${pending.join(' and its ')} ${pending.length > 1 ? 'change' : 'changes'}`],
    }
  }
  if (!process) return { action: 'wait', changes: [ABOUT_TO_RESTART] }
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
