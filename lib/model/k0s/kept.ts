import { CONFIG_PATH, type ConfigDifference, shown, specDifferences } from './config.ts'
import type { HostFacts, K0sFacts } from './facts.ts'
import { flagDifferences, parseFlags } from './flags.ts'
import type { Wanted } from './wanted.ts'

/** How a k0s that is kept as it is differs from what this toolkit would install, by part, in sentences. */
export interface Differences {
  binary: string[]
  config: string[]
  unit: string[]
}

const NAME_PINNED = /^--hostname-override=\S+$/

/**
 * Whether somebody else has installed k0s, such as a startup script. This toolkit's own service always has both of a configuration file and a
 * pinned node name, and no more; `k0s install controller --single` has neither.
 */
export function isForeign({ unit }: K0sFacts): boolean {
  if (!unit) return false
  const { config, 'kubelet-extra-args': kubelet } = parseFlags(unit.args)
  return config !== CONFIG_PATH || !NAME_PINNED.test(kubelet ?? '')
}

/** One sentence for each difference. */
export const differencesOf = (k0s: K0sFacts, wanted: Wanted): Differences => ({
  binary: binaryDifferences(k0s, wanted),
  config: [...storageNote(k0s), ...configDifferences(k0s, wanted)],
  unit: unitDifferences(k0s, wanted),
})

function binaryDifferences({ binary, status }: K0sFacts, { version, sha256 }: Wanted): string[] {
  const present = status?.version ?? binary?.version
  if (present !== version) return [`the version is ${present ?? 'unknown'}; this environment has ${version}`]
  if (!binary || binary.sha256 === sha256) return []
  return [`the binary of ${version} is another build: SHA-256 ${binary.sha256}; this environment has ${sha256}`]
}

const storageNote = ({ storage }: K0sFacts): string[] =>
  storage === 'kine' ? ['the data is in SQLite, through kine; a new cluster has etcd. It stays where it is'] : []

/** Without a file, of what k0s runs with only what this environment would set: the rest are k0s's own defaults. */
function configDifferences({ config, status }: K0sFacts, wanted: Wanted): string[] {
  if (config) return specDifferences(config.text, wanted.config).map(configSentence)
  const running = specDifferences(status?.config ?? {}, wanted.config).filter(({ to }) => to !== undefined)
  return [
    `there is no configuration file; this environment has ${CONFIG_PATH}`,
    ...(status?.config ? running.map(configSentence) : []),
  ]
}

function configSentence({ path, from, to }: ConfigDifference): string {
  if (to === undefined) return `${path} is ${shown(from)}; this environment does not set it`
  const present = from === undefined ? 'is not set' : `is ${shown(from)}`
  return `${path} ${present}; this environment has ${shown(to)}`
}

function unitDifferences({ unit }: K0sFacts, wanted: Wanted): string[] {
  if (!unit) return []
  const flags = flagDifferences(parseFlags(unit.args), parseFlags(wanted.flags)).map(({ name, from, to }) => {
    if (to === undefined) return `the flag --${name}=${from} is none of this environment's`
    return `the flag --${name} ${from === undefined ? 'is not given' : `is ${from}`}; this environment has ${to}`
  })
  // Their values may be secrets.
  const variables = flagDifferences(unit.environment, wanted.environment).map(
    ({ name }) => `the service's environment variable ${name} is not as in this environment`,
  )
  return [...flags, ...variables, ...(unit.enabled ? [] : [`${unit.name} does not start at boot`])]
}

/** Why a k0s of somebody else can't be taken over: something that it has would be lost by it. */
export function losses({ k0s, hostname }: HostFacts, wanted: Wanted): string[] {
  const { unit, config } = k0s
  if (!unit) return []
  const flags = flagDifferences(parseFlags(unit.args), parseFlags(wanted.flags))
  const variables = flagDifferences(unit.environment, wanted.environment)
  const elsewhere = flags.find(({ name, from }) => name === 'config' && from !== undefined)
  const spec = config ? specDifferences(config.text, wanted.config) : []
  const present = k0s.readiness.nodes[0]?.name ?? pinnedName(unit.args) ?? hostname.toLowerCase()
  return [
    ...flags.filter(({ to }) => to === undefined).map(({ name, from }) => `its flag --${name}=${from}`),
    ...variables.map(({ name }) => `its environment variable ${name}`),
    ...(elsewhere ? [`its configuration file ${elsewhere.from}`] : []),
    ...spec.filter(({ to }) => to === undefined).map(({ path }) => `its ${path}`),
    // Local volumes are bound to it.
    ...(present === wanted.nodeName ? [] : [`its node's name, ${present}`]),
  ]
}

const pinnedName = (args: readonly string[]): string | undefined =>
  /--hostname-override=(\S+)/.exec(parseFlags(args)['kubelet-extra-args'] ?? '')?.[1]
