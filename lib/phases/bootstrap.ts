import { configuredPath } from '../config/load.ts'
import { localArtifact } from '../host/artifact.ts'
import { type K0s, k0sOn } from '../host/k0s.ts'
import { clusterConfig } from '../model/k0s/config.ts'
import type { HostFacts } from '../model/k0s/facts.ts'
import { lastWords } from '../model/k0s/last-words.ts'
import { type BootstrapPlan, bootstrapPlan, CONFIG_PATH, installFlags, type Wanted } from '../model/k0s/plan.ts'
import { OpsError, precondition, timedOut } from '../runtime/errors.ts'
import type { Json } from '../runtime/json.ts'
import type { Phase, PhaseState } from '../runtime/phases.ts'
import { waitFor } from '../runtime/wait.ts'
import { baseLayer, type Operation } from './operation.ts'

/** k0s on the VM, from nothing or from wherever an earlier run, an upgrade or a preemption left it. */
export const bootstrap = (): Phase<Operation>[] => [
  hostReachable(),
  hostSuitable(),
  k0sBinary(),
  k0sConfigured(),
  k0sInstalled(),
  k0sRunning(),
]

/** Platform of the VM and of every image; an ARM VM broke etcd. */
const ARCHITECTURE = 'amd64'
/** On the VM, root's alone. */
const BACKUPS = '/var/backups/k0s'
const LOG_LINES = 15
const MIB = 1024 ** 2

function hostReachable(): Phase<Operation> {
  return {
    id: 'host/reachable',
    title: 'SSH to the VM',
    async check({ host }) {
      return { state: 'done', evidence: { host: (await host()).name } }
    },
    async run() {
      return {}
    },
  }
}

function hostSuitable(): Phase<Operation> {
  return {
    id: 'host/suitable',
    title: 'VM fit for k0s',
    async check(operation) {
      const { facts } = await look(operation)
      const { architecture, os, bootId, clockSkew } = facts
      return { state: 'done', evidence: { architecture, os, bootId, clockSkewMs: clockSkew } }
    },
    async run() {
      return {}
    },
  }
}

function k0sBinary(): Phase<Operation> {
  return {
    id: 'k0s/binary',
    title: 'k0s binary',
    async check(operation) {
      const { plan, wanted } = await look(operation)
      const backup = plan.upgrade ? [`back up the cluster to ${BACKUPS} on the VM`] : []
      return pendingOr([...backup, ...plan.binary], { version: wanted.version, sha256: wanted.sha256 })
    },
    async run(operation) {
      const { environment, signal, progress } = operation
      const { k0s, plan, wanted } = await look(operation, { fresh: true })
      const { file, url, sha256 } = environment.k0s.binary
      if (plan.binary.length === 0) return { version: wanted.version, sha256 }
      progress('verifying the binary')
      const local = await localArtifact({ file: file && configuredPath(file), url, sha256 }, signal)
      const backup = plan.upgrade ? await k0s.backUp(BACKUPS) : null
      await k0s.putBinary(local, sha256, (sent, total) => progress(`${mib(sent)} of ${mib(total)} MiB`))
      return { version: wanted.version, sha256, backup }
    },
  }
}

function k0sConfigured(): Phase<Operation> {
  return {
    id: 'k0s/config',
    title: 'k0s configuration',
    async check(operation) {
      const { plan } = await look(operation)
      return pendingOr(plan.config, { path: CONFIG_PATH })
    },
    async run(operation) {
      const { k0s, plan, wanted } = await look(operation, { fresh: true })
      if (plan.config.length > 0) await k0s.putConfig(CONFIG_PATH, wanted.config)
      return { path: CONFIG_PATH, changes: plan.config }
    },
  }
}

function k0sInstalled(): Phase<Operation> {
  return {
    id: 'k0s/installed',
    title: 'k0s service',
    async check(operation) {
      const { plan, wanted } = await look(operation)
      return pendingOr(plan.unit, { flags: [...wanted.flags] })
    },
    async run(operation) {
      const { k0s, facts, plan, wanted } = await look(operation, { fresh: true })
      const force = facts.k0s.unit !== undefined
      if (plan.unit.length > 0) await k0s.install(wanted.flags, wanted.environment, { force })
      return { flags: [...wanted.flags], changes: plan.unit }
    },
  }
}

function k0sRunning(): Phase<Operation> {
  return {
    id: 'k0s/running',
    title: 'k0s running, node ready',
    async check(operation) {
      const { facts, plan } = await look(operation)
      return pendingOr(plan.service.changes, runningEvidence(facts))
    },
    async run(operation) {
      const { k0s, plan, wanted } = await look(operation, { fresh: true })
      if (plan.service.action === 'start') await k0s.start()
      if (plan.service.action === 'restart') await k0s.restart()
      await untilReady(operation, k0s, wanted.nodeName)
      const { facts, plan: after } = await look(operation, { fresh: true })
      // Storage, flags and version are read back: what runs is what was asked for.
      if (after.service.action !== 'none') {
        throw timedOut(`k0s runs, but not as wanted: ${after.service.changes.join('; ')}`, 'run the same command again')
      }
      return runningEvidence(facts)
    },
  }
}

const runningEvidence = ({ bootId, k0s }: HostFacts): Json => ({
  version: k0s.status?.version ?? null,
  pid: k0s.process?.pid ?? null,
  storage: k0s.storage ?? null,
  clusterUid: k0s.readiness.clusterUid ?? null,
  bootId,
})

/** @throws OpsError 124 at the environment's deadline, with the end of the service's log */
async function untilReady({ environment, signal, progress }: Operation, k0s: K0s, nodeName: string): Promise<void> {
  try {
    await waitFor({
      what: 'the Kubernetes API and its node',
      within: environment.k0s.deadline,
      signal,
      probe: async () => {
        const { api, nodes } = await k0s.readiness()
        const ready = nodes.some(node => node.name === nodeName && node.ready)
        if (api && ready) return true
        // A wait of minutes needs a reason; k0s's own journal has it.
        const said = lastWords(await k0s.log(LOG_LINES).catch(() => ''))
        const what = api ? `API ready, waiting for node ${nodeName}` : 'waiting for the Kubernetes API'
        progress(said ? `${what}; k0s: ${said}` : what)
        return undefined
      },
    })
  } catch (error) {
    if (!(error instanceof OpsError) || signal.aborted) throw error
    const log = await k0s.log(LOG_LINES).catch(() => '')
    throw new OpsError(
      error.code,
      log ? `${error.message}\n${log}` : error.message,
      'correct the cause; then the same command goes on from here',
      error,
    )
  }
}

const pendingOr = (changes: string[], evidence: Json): PhaseState =>
  changes.length > 0 ? { state: 'todo', changes } : { state: 'done', evidence }

const mib = (bytes: number): string => (bytes / MIB).toFixed(1)

interface Look {
  k0s: K0s
  facts: HostFacts
  wanted: Wanted
  plan: BootstrapPlan
}

/**
 * What the VM is like and what is to do there. Phases share one reading of the host; `fresh` is for those about to change
 * something: whoever held the lock before may have done it already, and a file written again would look like a change.
 * @throws OpsError 4 when the host must not be touched, with every reason at once
 */
async function look(operation: Operation, options: { fresh?: boolean } = {}): Promise<Look> {
  const [wanted, host] = await Promise.all([wantedOn(operation), operation.host()])
  const k0s = k0sOn(host)
  const facts = await k0s.facts(options)
  const plan = bootstrapPlan(facts, wanted)
  const [first, ...more] = plan.refusals
  if (first) {
    const reasons = [first, ...more].map(({ message }) => message).join('; ')
    throw precondition(`${host.name}: ${reasons}`, first.hint)
  }
  return { k0s, facts, wanted, plan }
}

async function wantedOn({ environment, terraform, output }: Operation): Promise<Wanted> {
  const base = baseLayer(terraform)
  const [vmName, address] = await Promise.all([output(base, 'vm_name'), output(base, 'vm_internal_ip')])
  const { version, binary, spec } = environment.k0s
  return {
    architecture: ARCHITECTURE,
    version,
    sha256: binary.sha256,
    config: clusterConfig({ address, vmName, spec }),
    flags: installFlags(vmName),
    environment: {},
    nodeName: vmName,
  }
}
