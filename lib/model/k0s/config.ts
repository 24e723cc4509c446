import { API_PORT } from '../ports.ts'
import { parseForGo, stringifyForGo } from './yaml.ts'

export const CONFIG_PATH = '/etc/k0s/k0s.yaml'

export interface ConfigInput {
  /** The address that the API server advertises: the VM's internal IPv4 address. */
  address: string
  vmName: string
  /** Members of the spec that the environment sets; they win. */
  spec: Record<string, unknown>
  /** Where the cluster's data is; undefined where there is none yet. */
  store?: Store | undefined
}

/** What keeps the data of a cluster. Another one would be an empty cluster. */
export interface Store {
  type: 'etcd' | 'kine'
  /** Of kine; SQLite in the data folder where it is not given. */
  dataSource?: string
  /** An etcd that k0s does not run itself. */
  externalCluster?: unknown
}

/** A name that the API server's certificate is valid for, whatever the tunnel's address. */
export const TLS_SERVER_NAME = 'kubernetes'

/**
 * The file /etc/k0s/k0s.yaml.
 * Storage is spelled out, since `--single` alone means SQLite through kine; a cluster keeps the one that it has.
 */
export function clusterConfig({ address, vmName, spec, store }: ConfigInput): string {
  const ours = {
    api: { address, port: API_PORT, sans: [address, vmName, '127.0.0.1', 'localhost', TLS_SERVER_NAME] },
    storage: storageSpec(store ?? { type: 'etcd' }),
    telemetry: { enabled: false },
  }
  return stringifyForGo({
    apiVersion: 'k0s.k0sproject.io/v1beta1',
    kind: 'ClusterConfig',
    metadata: { name: 'k0s' },
    spec: merge(ours, spec),
  })
}

const storageSpec = ({ type, dataSource, externalCluster }: Store): Tree => ({
  type,
  ...(dataSource !== undefined && { kine: { dataSource } }),
  ...(externalCluster !== undefined && { etcd: { externalCluster } }),
})

/** `spec.storage.type` of a configuration; undefined when it is not set or the text is not YAML. */
export function storageType(config: string): string | undefined {
  const type = memberOf(storageIn(parsed(config)), 'type')
  return typeof type === 'string' ? type : undefined
}

/** What a configuration says of where the data is; undefined when it does not say. @param config as text, or as k0s reports it */
export function storeIn(config: unknown): Store | undefined {
  const storage = storageIn(typeof config === 'string' ? parsed(config) : config)
  const type = memberOf(storage, 'type')
  if (type !== 'etcd' && type !== 'kine') return undefined
  const dataSource = type === 'kine' ? memberOf(memberOf(storage, 'kine'), 'dataSource') : undefined
  const externalCluster = type === 'etcd' ? memberOf(memberOf(storage, 'etcd'), 'externalCluster') : undefined
  return {
    type,
    ...(typeof dataSource === 'string' && dataSource !== '' && { dataSource }),
    ...(externalCluster != null && { externalCluster }),
  }
}

/** Whether both hold the same data. `undefined` as a data source is k0s's own database, which a running k0s names. */
export function isSameStore(one: Store, other: Store, dataDir: string): boolean {
  const identity = ({ type, dataSource, externalCluster }: Store) =>
    JSON.stringify([type, type === 'kine' && databaseOf(dataSource, dataDir), sorted(externalCluster ?? null)])
  return identity(one) === identity(other)
}

/** The options behind a data source do not say where the data is. */
const databaseOf = (dataSource: string | undefined, dataDir: string): string =>
  (dataSource ?? `sqlite://${dataDir}/db/state.db`).replace(/^(sqlite:\/\/)(?:file:)?([^?]*).*$/, '$1$2')

const storageIn = (config: unknown): unknown => memberOf(memberOf(config, 'spec'), 'storage')

const memberOf = (value: unknown, name: string): unknown =>
  isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined

/** The value of a text, `null` when it is empty; undefined when it is not YAML. */
function parsed(text: string): unknown {
  try {
    return parseForGo(text)
  } catch {
    return undefined
  }
}

/** How two files differ, e.g. `spec.api.port: 6443 → 7443`; the order of keys and comments do not count. */
export function configChanges(current: string, wanted: string): string[] {
  const value = parsed(current)
  if (value === undefined) return ['the file is not YAML: write it anew']
  return differences('', value, parseForGo(wanted)).map(({ path, from, to }) => {
    if (!path) return 'the file differs as a whole: write it anew'
    if (from === undefined) return `${path}: add ${shown(to)}`
    return to === undefined ? `${path}: remove` : `${path}: ${shown(from)} → ${shown(to)}`
  })
}

/** A value for people: a data source may have a password. */
export const shown = (value: unknown): string => JSON.stringify(value).replace(/(:\/\/[^\s:@/"]*:)[^\s"]+@/g, '$1…@')

/** A member that is not as wanted; undefined is one that is not there. */
export interface ConfigDifference {
  /** Such as `spec.api.port`; empty for the whole. */
  path: string
  from: unknown
  to: unknown
}

/** How the spec of a configuration differs from the wanted one. @param current as text, or as k0s reports it */
export const specDifferences = (current: unknown, wanted: string): ConfigDifference[] =>
  differences(
    'spec',
    memberOf(typeof current === 'string' ? parsed(current) : current, 'spec') ?? {},
    memberOf(parseForGo(wanted), 'spec'),
  )

function differences(path: string, from: unknown, to: unknown): ConfigDifference[] {
  if (isMap(from) && isMap(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])]
    return keys.flatMap(key => differences(path ? `${path}.${key}` : key, memberOf(from, key), memberOf(to, key)))
  }
  return JSON.stringify(sorted(from)) === JSON.stringify(sorted(to)) ? [] : [{ path, from, to }]
}

type Tree = Record<string, unknown>

const isMap = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(key => [key, sorted(value[key])]),
  )
}

function merge(base: Tree, over: Tree): Tree {
  const merged = new Map(Object.entries(base))
  for (const [key, value] of Object.entries(over)) {
    const under = merged.get(key)
    merged.set(key, isMap(under) && isMap(value) ? merge(under, value) : value)
  }
  return Object.fromEntries(merged)
}
