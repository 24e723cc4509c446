import { record, text, type Values } from './planned.ts'
import { manifestObject, realName } from './real-name.ts'

/** Import ids by type, from planned values, as the providers document them; `{name}` is the value of that attribute. */
const TEMPLATES: Record<string, string> = {
  google_app_engine_application: '{project}',
  google_artifact_registry_repository: 'projects/{project}/locations/{location}/repositories/{repository_id}',
  google_bigquery_dataset: 'projects/{project}/datasets/{dataset_id}',
  google_cloud_scheduler_job: 'projects/{project}/locations/{region}/jobs/{name}',
  google_compute_router_nat: 'projects/{project}/regions/{region}/routers/{router}/{name}',
  google_compute_router_peer: 'projects/{project}/regions/{region}/routers/{router}/{name}',
  google_dns_managed_zone: 'projects/{project}/managedZones/{name}',
  google_dns_record_set: 'projects/{project}/managedZones/{managed_zone}/rrsets/{name}/{type}',
  google_kms_crypto_key: '{key_ring}/cryptoKeys/{name}',
  google_kms_key_ring: 'projects/{project}/locations/{location}/keyRings/{name}',
  google_project: '{project_id}',
  google_project_iam_custom_role: 'projects/{project}/roles/{role_id}',
  google_pubsub_subscription: 'projects/{project}/subscriptions/{name}',
  google_pubsub_topic: 'projects/{project}/topics/{name}',
  google_secret_manager_secret: 'projects/{project}/secrets/{secret_id}',
  google_service_account: 'projects/{project}/serviceAccounts/{account_id}@{project}.iam.gserviceaccount.com',
  google_sql_database: 'projects/{project}/instances/{instance}/databases/{name}',
  google_sql_database_instance: 'projects/{project}/instances/{name}',
  google_storage_bucket: '{name}',
}

/** The id to import a planned resource by; undefined for a type that is not known here, and where a part of it is not known yet. */
export function importId(type: string, planned: Values): string | undefined {
  const template = TEMPLATES[type]
  if (template !== undefined) return filled(template, planned)
  const object = manifestObject(type, planned)
  if (object) {
    const { apiVersion, kind, namespace, name } = object
    if (type === 'kubectl_manifest') return [apiVersion, kind, name, ...(namespace === undefined ? [] : [namespace])].join('//')
    const inside = namespace === undefined ? '' : `namespace=${namespace},`
    return `apiVersion=${apiVersion},kind=${kind},${inside}name=${name}`
  }
  return type === 'helm_release' || isTyped(type, planned) ? realName(type, planned) : undefined
}

/** The kubernetes provider's types of one object each are imported by `namespace/name`, or `name`. */
const isTyped = (type: string, { metadata }: Values): boolean =>
  type.startsWith('kubernetes_') && record(Array.isArray(metadata) ? metadata[0] : metadata) !== undefined

function filled(template: string, planned: Values): string | undefined {
  const parts = [...template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => text(planned[name]))
  if (parts.some(part => part === undefined)) return undefined
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(planned[name]))
}
