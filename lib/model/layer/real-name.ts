import { parse } from 'yaml'
import type { Json } from '../../runtime/json.ts'
import { block, record, text, type Values } from './planned.ts'

/** A Kubernetes object, as far as it is identified. */
export interface ObjectReference {
  apiVersion: string
  kind: string
  name: string
  /** Undefined for what belongs to no namespace. */
  namespace?: string
}

/** The object that a `kubectl_manifest` or `kubernetes_manifest` stands for; undefined for other types, and where nothing says it. */
export function manifestObject(type: string, values: Values | null): ObjectReference | undefined {
  if (!values) return undefined
  if (type === 'kubectl_manifest')
    return reference(values, values) ?? fromYaml(text(values.yaml_body_parsed) ?? text(values.yaml_body))
  if (type !== 'kubernetes_manifest') return undefined
  // An imported one has no `manifest`, one that is to be created no `object`.
  for (const source of [untyped(values.manifest), untyped(values.object)]) {
    const found = source && reference(source, block(source, 'metadata'))
    if (found) return found
  }
  return undefined
}

/** The manifest itself, as it was applied; undefined for other types, and where it can't be read. */
export function manifestOf(type: string, values: Values): Values | undefined {
  if (type === 'kubectl_manifest') return readYaml(text(values.yaml_body_parsed) ?? text(values.yaml_body))
  return type === 'kubernetes_manifest' ? (untyped(values.manifest) ?? untyped(values.object)) : undefined
}

/** A state file has a value that has no fixed type as `{ value, type }`; no object of Kubernetes has a `value`. */
function untyped(value: Json | undefined): Values | undefined {
  const found = record(value)
  return record(found?.value) ?? found
}

function fromYaml(yaml: string | undefined): ObjectReference | undefined {
  const document = readYaml(yaml)
  return document && reference(document, block(document, 'metadata'))
}

function readYaml(yaml: string | undefined): Values | undefined {
  if (yaml === undefined) return undefined
  try {
    return record(parse(yaml))
  } catch {
    return undefined
  }
}

function reference(object: Values, metadata: Values | undefined): ObjectReference | undefined {
  const kind = text(object.kind)
  const name = text(metadata?.name)
  const namespace = text(metadata?.namespace)
  if (kind === undefined || name === undefined) return undefined
  const apiVersion = text(object.apiVersion) ?? text(object.api_version) ?? ''
  return { apiVersion, kind, name, ...(namespace !== undefined && { namespace }) }
}

/** Attributes that name an object where `name` does not, by what its type begins with. */
const NAMING: readonly [type: RegExp, attribute: string][] = [
  [/^google_service_account$/, 'account_id'],
  [/^google_project_service$/, 'service'],
  [/^google_project$/, 'project_id'],
  [/^google_secret_manager_(regional_)?secret$/, 'secret_id'],
  [/^google_artifact_registry_repository$/, 'repository_id'],
  [/^google_bigquery_table$/, 'table_id'],
  [/^google_bigquery_dataset$/, 'dataset_id'],
  [/^google_.*_iam_custom_role$/, 'role_id'],
]

/**
 * What an object is called where it lives: `threads-prod-vm`, `threads/postgres-pvc`, `threads/Deployment/nextjs`. It is the same in
 * a plan and in the state. Undefined where nothing names it, or its name is known only after the apply.
 */
export function realName(type: string, values: Values | null): string | undefined {
  if (!values) return undefined
  if (type === 'kubectl_manifest' || type === 'kubernetes_manifest') {
    const object = manifestObject(type, values)
    return object && joined(object.namespace, object.kind, object.name)
  }
  const metadata = type.startsWith('kubernetes_') ? block(values, 'metadata') : undefined
  if (metadata) return text(metadata.name) && joined(text(metadata.namespace), text(metadata.name))
  if (type === 'helm_release') return text(values.name) && joined(text(values.namespace) ?? 'default', text(values.name))
  if (/_iam_(member|binding)$/.test(type)) return membership(values)
  const attribute = NAMING.find(([pattern]) => pattern.test(type))?.[1]
  return text(values[attribute ?? 'name']) ?? text(values.name) ?? text(values.id)
}

function membership({ role, member, members }: Values): string | undefined {
  const who = text(member) ?? (Array.isArray(members) ? members.join(', ') : undefined)
  return text(role) && who && `${role} for ${who}`
}

const joined = (...parts: (string | undefined)[]): string => parts.filter(part => part !== undefined).join('/')
