import { parseDocument, stringify } from 'yaml'
import { API_PORT } from '../ports.ts'

export interface ConfigInput {
  /** Address that the API server is advertised at: the VM's internal IPv4 address. */
  address: string
  vmName: string
  /** The environment's own members of the spec; they win. */
  spec: Record<string, unknown>
}

/** A SAN that the certificate holds whatever address the tunnel shows. */
export const TLS_SERVER_NAME = 'kubernetes'

/**
 * The file /etc/k0s/k0s.yaml.
 * Storage is spelled out, since `--single` alone takes SQLite through kine in some versions.
 */
export function clusterConfig({ address, vmName, spec }: ConfigInput): string {
  const ours = {
    api: { address, port: API_PORT, sans: [address, vmName, '127.0.0.1', 'localhost', TLS_SERVER_NAME] },
    storage: { type: 'etcd' },
    telemetry: { enabled: false },
  }
  return stringify({
    apiVersion: 'k0s.k0sproject.io/v1beta1',
    kind: 'ClusterConfig',
    metadata: { name: 'k0s' },
    spec: merge(ours, spec),
  })
}

/** `spec.storage.type` of a configuration, or undefined when it does not say or is no YAML. */
export function storageType(config: string): string | undefined {
  const document = parseDocument(config)
  const type = document.errors.length > 0 ? undefined : document.getIn(['spec', 'storage', 'type'])
  return typeof type === 'string' ? type : undefined
}

/** What the two files say differently, e.g. `spec.api.port: 6443 → 7443`; order of keys and comments mean nothing. */
export function configChanges(current: string, wanted: string): string[] {
  const document = parseDocument(current)
  if (document.errors.length > 0) return ['the file is no YAML: write it anew']
  return changes('', document.toJS(), parseDocument(wanted).toJS())
}

function changes(path: string, from: unknown, to: unknown): string[] {
  if (isMap(from) && isMap(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])]
    return keys.flatMap(key => changes(path ? `${path}.${key}` : key, from[key], to[key]))
  }
  if (JSON.stringify(sorted(from)) === JSON.stringify(sorted(to))) return []
  if (!path) return ['the file says something else: write it anew']
  if (from === undefined) return [`${path}: add ${JSON.stringify(to)}`]
  return [to === undefined ? `${path}: remove` : `${path}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`]
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
  const merged: Tree = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const under = merged[key]
    merged[key] = isMap(under) && isMap(value) ? merge(under, value) : value
  }
  return merged
}
