import { formatAge } from '../health/age.ts'
import { isSameStore, type Store, shown, storeIn } from './config.ts'
import { DATA_DIRECTORY, dataDirectory, type HostFacts, type K0sFacts } from './facts.ts'
import { losses } from './kept.ts'
import { parseVersion, versionChange } from './version.ts'
import type { Wanted } from './wanted.ts'

/** What keeps the bootstrap from starting: nothing is changed while there is one. */
export interface Refusal {
  message: string
  hint: string
}

/** Certificates and leases stop working beyond this. */
const LARGEST_SKEW_MS = 60_000
/** The binary, what it unpacks, etcd's first files and the system's images. */
const LEAST_FREE_BYTES = 3 * 1024 ** 3

/** Of a k0s that is left as it is. */
export const keptRefusals = (facts: HostFacts, wanted: Wanted): Refusal[] => [
  ...hostRefusals(facts, wanted),
  ...storageRefusals(facts.k0s, wanted),
]

/** Of a k0s that is made what is wanted. */
export const changeRefusals = (
  facts: HostFacts,
  wanted: Wanted,
  { uploads, foreign }: { uploads: boolean; foreign: boolean },
): Refusal[] => [
  ...hostRefusals(facts, wanted),
  ...(uploads ? spaceRefusals(facts) : []),
  ...controllerRefusals(facts.k0s),
  ...storageRefusals(facts.k0s, wanted),
  ...versionRefusals(facts.k0s, wanted),
  ...(foreign ? takeOverRefusals(facts, wanted) : []),
]

function hostRefusals({ architecture, sudoRefusal, clockSkew, k0s }: HostFacts, wanted: Wanted): Refusal[] {
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
  if (k0s.unit?.name === 'k0sworker' || k0s.status?.role === 'worker') {
    refuse('the VM is a k0s worker, not a controller', 'reset it first: k0s stop; k0s reset')
  }
  return found
}

const spaceRefusals = ({ freeBytes }: HostFacts): Refusal[] =>
  freeBytes < LEAST_FREE_BYTES
    ? [
        {
          message: `only ${Math.floor(freeBytes / 1024 ** 2)} MiB are free under /var/lib; k0s needs ${LEAST_FREE_BYTES / 1024 ** 2}`,
          hint: 'enlarge the disk',
        },
      ]
    : []

function controllerRefusals(k0s: K0sFacts): Refusal[] {
  const found: Refusal[] = []
  const refuse = (message: string, hint: string) => found.push({ message, hint })
  if (k0s.status?.role === 'controller' && !k0s.status.singleNode)
    refuse('k0s runs as a controller of several nodes', 'reset it first: k0s stop; k0s reset')
  if (k0s.status && !k0s.unit) {
    refuse(
      'k0s runs, but not as the service k0scontroller',
      'install it as its service with the flags that it has (`k0s install controller …`), end the process, and `k0s start`',
    )
  }
  const dataDir = dataDirectory(k0s)
  if (dataDir !== DATA_DIRECTORY) {
    refuse(`the cluster's data is in ${dataDir}: without --data-dir the cluster would be an empty one`, KEEP)
  }
  return found
}

/** The storage of a cluster never changes: with another one it would be empty. */
function storageRefusals(k0s: K0sFacts, wanted: Wanted): Refusal[] {
  const [present, store] = [presentStore(k0s), storeIn(wanted.config)]
  if (!present || !store || isSameStore(present, store, dataDirectory(k0s))) return []
  const named = present.type === store.type ? ['another place', 'this one'] : [present.type, store.type]
  return [
    {
      message: `the cluster stores its data in ${named[0]}, but the configuration says ${named[1]}`,
      hint: `the storage of a live cluster never changes: leave k0s.spec.storage out of the environment's file, or set what it has: ${shown(present)}`,
    },
  ]
}

/**
 * Where a cluster has its data, as its configuration file or the running k0s says it, or else the disk; undefined where there is none
 * yet.
 */
export function presentStore(k0s: K0sFacts): Store | undefined {
  const { storage: type, config, status } = k0s
  if (!type) return undefined
  const said = [storeIn(config?.text), storeIn(status?.config)].find(store => store?.type === type)
  return said && !isSameStore(said, { type }, dataDirectory(k0s)) ? said : { type }
}

const KEEP = 'leave it as it is; `./taskw doctor` shows the differences'

const takeOverRefusals = (facts: HostFacts, wanted: Wanted): Refusal[] => {
  const lost = losses(facts, wanted)
  if (lost.length === 0) return []
  return [
    {
      message: `k0s was installed by somebody else, and taking it over would lose ${lost.join(', ')}`,
      hint: `add what can be to k0s.spec of the environment's file, or ${KEEP}`,
    },
  ]
}

/** The running version counts: the binary may be newer, put there by a run that did not get to the restart. */
const runningVersion = ({ status, binary }: K0sFacts): string | undefined => status?.version ?? binary?.version

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
