import { API_PORT } from '../ports.ts'
import { parseForGo, stringifyForGo } from './yaml.ts'

export interface ConfigInput {
  /** The address that the API server advertises: the VM's internal IPv4 address. */
  address: string
  vmName: string
  /** Members of the spec that the environment sets; they win. */
  spec: Record<string, unknown>
}

/** A name that the API server's certificate is valid for, whatever the tunnel's address. */
export const TLS_SERVER_NAME = 'kubernetes'

/**
 * The file /etc/k0s/k0s.yaml.
 * Storage is spelled out, since in some versions `--single` alone means SQLite through kine.
 */
export function clusterConfig({ address, vmName, spec }: ConfigInput): string {
  const ours = {
    api: { address, port: API_PORT, sans: [address, vmName, '127.0.0.1', 'localhost', TLS_SERVER_NAME] },
    storage: { type: 'etcd' },
    telemetry: { enabled: false },
  }
  return stringifyForGo({
    apiVersion: 'k0s.k0sproject.io/v1beta1',
    kind: 'ClusterConfig',
    metadata: { name: 'k0s' },
    spec: merge(ours, spec),
  })
}

/** `spec.storage.type` of a configuration; undefined when it is not set or the text is not YAML. */
export function storageType(config: string): string | undefined {
  const spec = memberOf(parsed(config), 'spec')
  const type = memberOf(memberOf(spec, 'storage'), 'type')
  return typeof type === 'string' ? type : undefined
}

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
  return value === undefined ? ['the file is not YAML: write it anew'] : changes('', value, parseForGo(wanted))
}

function changes(path: string, from: unknown, to: unknown): string[] {
  if (isMap(from) && isMap(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])]
    return keys.flatMap(key => changes(path ? `${path}.${key}` : key, from[key], to[key]))
  }
  if (JSON.stringify(sorted(from)) === JSON.stringify(sorted(to))) return []
  if (!path) return ['the file differs as a whole: write it anew']
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
  const merged = new Map(Object.entries(base))
  for (const [key, value] of Object.entries(over)) {
    const under = merged.get(key)
    merged.set(key, isMap(under) && isMap(value) ? merge(under, value) : value)
  }
  return Object.fromEntries(merged)
}
