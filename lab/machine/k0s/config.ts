import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { K0sError } from './errors.ts'

/** The parts of a ClusterConfig that have an effect here. https://docs.k0sproject.io/stable/configuration/ */
export interface ClusterConfig {
  apiVersion: string
  kind: string
  metadata: { name: string }
  spec: {
    api: { address: string; externalAddress?: string; port: number; sans: string[]; extraArgs?: Record<string, string> }
    storage: { type: string; etcd?: { peerAddress?: string }; kine?: { dataSource?: string } }
    [section: string]: unknown
  }
}

/** Sections that k0s knows; most have no effect here. */
const SECTIONS = [
  ...['api', 'controllerManager', 'scheduler', 'storage', 'network', 'workerProfiles', 'telemetry', 'installConfig'],
  ...['images', 'extensions', 'konnectivity', 'featureGates', 'controlPlaneLoadBalancing'],
]
const API_KEYS = [
  'address',
  'onlyBindToAddress',
  'externalAddress',
  'port',
  'k0sApiPort',
  'sans',
  'tunneledNetworkingMode',
  'extraArgs',
  'ca',
]
const STORAGE_KEYS = ['type', 'etcd', 'kine']
const ETCD_KEYS = ['externalCluster', 'peerAddress', 'extraArgs', 'rawArgs', 'ca']
const KINE_KEYS = ['dataSource', 'extraArgs', 'rawArgs']
const STORAGE_TYPES = ['etcd', 'kine']

export const defaultConfig = (address: string): ClusterConfig => ({
  apiVersion: 'k0s.k0sproject.io/v1beta1',
  kind: 'ClusterConfig',
  metadata: { name: 'k0s' },
  spec: { api: { address, port: 6443, sans: [address] }, storage: { type: 'etcd', etcd: { peerAddress: address } } },
})

/**
 * Parses a configuration file, with k0s's defaults for what it omits.
 * @param single whether it is for `--single`, where k0s's default storage is SQLite through kine
 * @param dataDir where SQLite's database is by default
 * @throws K0sError that lists every error
 */
export function parseConfig(text: string, address: string, single: boolean, dataDir = '/var/lib/k0s'): ClusterConfig {
  let given: Record<string, unknown>
  try {
    given = (parse(text) ?? {}) as Record<string, unknown>
  } catch (error) {
    throw new K0sError(`failed to load node config: ${(error as Error).message}`)
  }
  const spec = record(given.spec)
  const api = record(spec.api)
  const storage = record(spec.storage)
  const unknown = [
    ...strangers(given, ['apiVersion', 'kind', 'metadata', 'spec', 'status'], ''),
    ...strangers(spec, SECTIONS, 'spec.'),
    ...strangers(api, API_KEYS, 'spec.api.'),
    ...strangers(storage, STORAGE_KEYS, 'spec.storage.'),
    ...strangers(record(storage.etcd), ETCD_KEYS, 'spec.storage.etcd.'),
    ...strangers(record(storage.kine), KINE_KEYS, 'spec.storage.kine.'),
  ]
  if (unknown.length > 0) {
    throw new K0sError(
      `failed to load node config: error unmarshaling JSON: ${unknown.map(key => `unknown field "${key}"`).join(', ')}`,
    )
  }
  const { dataSource } = record(storage.kine)
  if (dataSource !== undefined && typeof dataSource !== 'string') {
    throw new K0sError(
      `failed to load node config: error unmarshaling JSON: spec.storage.kine.dataSource: cannot unmarshal ${typeof dataSource} into string`,
    )
  }
  const defaults = defaultConfig(address)
  const config: ClusterConfig = {
    apiVersion: String(given.apiVersion ?? defaults.apiVersion),
    kind: String(given.kind ?? defaults.kind),
    metadata: { name: String(record(given.metadata).name ?? defaults.metadata.name) },
    spec: {
      ...spec,
      api: { ...defaults.spec.api, ...api } as ClusterConfig['spec']['api'],
      storage: storageOf(spec.storage, defaults.spec.storage, single, dataDir),
    },
  }
  const errors = problems(config)
  if (errors.length > 0) throw new K0sError(`invalid node config: ${errors.join('; ')}`)
  return config
}

/** A storage that is given has etcd's defaults, `--single` or not; only where none is given is that another one. */
function storageOf(given: unknown, etcd: Storage, single: boolean, dataDir: string): Storage {
  const base: Storage = given || !single ? { ...etcd, ...record(given) } : { type: 'kine' }
  if (base.type !== 'kine') return base
  const dataSource = `sqlite://${join(dataDir, 'db/state.db')}?mode=rwc&_journal=WAL&cache=shared`
  return { ...base, kine: { dataSource, ...base.kine } }
}

type Storage = ClusterConfig['spec']['storage']

/** The file of a data source of kine's, if that is SQLite; a relative path is one in the data directory. */
export function databaseOf(dataSource: string, dataDir: string): string | undefined {
  const [, path] = /^sqlite:\/\/(?:file:)?([^?]+)/.exec(dataSource) ?? []
  return path && resolve(dataDir, path)
}

function problems({ apiVersion, kind, spec: { api, storage } }: ClusterConfig): string[] {
  const errors: string[] = []
  if (apiVersion !== 'k0s.k0sproject.io/v1beta1') errors.push(`apiVersion: Unsupported value: "${apiVersion}"`)
  if (kind !== 'ClusterConfig') errors.push(`kind: Unsupported value: "${kind}"`)
  if (!isIP(api.address)) errors.push(`spec: api: address: Invalid value: "${api.address}": invalid IP address`)
  if (!Number.isInteger(api.port) || api.port < 1 || api.port > 65535) {
    errors.push(`spec: api: port: Invalid value: ${api.port}: must be between 1 and 65535, inclusive`)
  }
  if (!Array.isArray(api.sans)) errors.push('spec: api: sans: must be a list')
  if (!STORAGE_TYPES.includes(storage.type)) {
    const supported = STORAGE_TYPES.map(type => `"${type}"`).join(', ')
    errors.push(`spec: storage: type: Unsupported value: "${storage.type}": supported values: ${supported}`)
  }
  return errors
}

const record = (value: unknown): Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : {}

const strangers = (given: Record<string, unknown>, known: readonly string[], prefix: string): string[] =>
  Object.keys(given)
    .filter(key => !known.includes(key))
    .map(key => `${prefix}${key}`)
