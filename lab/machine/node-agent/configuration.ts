import type { Api } from './api.ts'
import { type Container, namespaceOf, type PersistentVolumeClaim, type Pod, type Volume } from './kubernetes.ts'

interface Data {
  data?: Record<string, string>
}
type Kind = 'configmap' | 'secret'

/** Why a container cannot be created yet, in the kubelet's words. */
export class ConfigurationError extends Error {}

/**
 * The environment from a container's specification.
 * @throws ConfigurationError for a reference to something that does not exist
 */
export async function environmentOf(api: Api, pod: Pod, container: Container): Promise<Record<string, string>> {
  const namespace = namespaceOf(pod)
  const values: Record<string, string> = {}
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    for (const [kind, reference] of [
      ['configmap', configMapRef],
      ['secret', secretRef],
    ] as const) {
      if (!reference) continue
      const found = await read(api, kind, namespace, reference.name)
      if (!found && !reference.optional) throw new ConfigurationError(`${kind} "${reference.name}" not found`)
      for (const [key, value] of Object.entries(found ?? {})) values[prefix + key] = value
    }
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (value !== undefined) values[name] = expanded(value, values)
    else if (valueFrom?.fieldRef) values[name] = fieldOf(pod, valueFrom.fieldRef.fieldPath)
    for (const [kind, reference] of [
      ['configmap', valueFrom?.configMapKeyRef],
      ['secret', valueFrom?.secretKeyRef],
    ] as const) {
      if (!reference) continue
      const found = await read(api, kind, namespace, reference.name)
      const text = found?.[reference.key]
      if (text !== undefined) values[name] = text
      else if (!reference.optional) throw new ConfigurationError(missing(kind, namespace, reference.name, reference.key, found))
    }
  }
  return values
}

/**
 * Expands `$(NAME)` to the value of a variable defined before; `$$` is a dollar sign, and unknown names stay as they are.
 * Source: k8s.io/kubernetes/third_party/forked/golang/expansion.
 */
export const expanded = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replace(/\$(?:\$|\(([^()]+)\))/g, (match, name?: string) => (name === undefined ? '$' : (values[name] ?? match)))

const missing = (kind: Kind, namespace: string, name: string, key: string, found: unknown): string =>
  found
    ? `couldn't find key ${key} in ${kind === 'secret' ? 'Secret' : 'ConfigMap'} ${namespace}/${name}`
    : `${kind} "${name}" not found`

async function read(api: Api, kind: Kind, namespace: string, name: string): Promise<Record<string, string> | undefined> {
  const found = await api.find<Data>(`/api/v1/namespaces/${namespace}/${kind}s/${name}`)
  if (!found) return undefined
  const data = found.data ?? {}
  if (kind === 'configmap') return data
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}

function fieldOf({ metadata, spec, status }: Pod, path: string): string {
  const label = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path)
  if (label) return metadata[label[1] as 'labels' | 'annotations']?.[label[2] ?? ''] ?? ''
  const fields: Record<string, string | undefined> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': spec.nodeName,
    'spec.serviceAccountName': spec.serviceAccountName,
    'status.hostIP': status.hostIP,
    'status.podIP': status.podIP,
  }
  return fields[path] ?? ''
}

/** Why the pod's volumes cannot be mounted, in the kubelet's words; undefined when they can. */
export async function volumeProblem(api: Api, pod: Pod): Promise<string | undefined> {
  const namespace = namespaceOf(pod)
  for (const volume of pod.spec.volumes ?? []) {
    const claim = volume.persistentVolumeClaim?.claimName
    if (claim) {
      const found = await api.find<PersistentVolumeClaim>(`/api/v1/namespaces/${namespace}/persistentvolumeclaims/${claim}`)
      if (found?.status?.phase !== 'Bound') return `persistentvolumeclaim "${claim}" ${found ? 'is not bound' : 'not found'}`
    }
    for (const [kind, name] of requiredBy(volume)) {
      if (await read(api, kind, namespace, name)) continue
      return `MountVolume.SetUp failed for volume "${volume.name}" : ${kind} "${name}" not found`
    }
  }
  return undefined
}

function requiredBy({ secret, configMap, projected }: Volume): [Kind, string][] {
  const required: [Kind, string][] = []
  if (secret && !secret.optional) required.push(['secret', secret.secretName])
  if (configMap && !configMap.optional) required.push(['configmap', configMap.name])
  for (const source of projected?.sources ?? []) {
    if (source.secret && !source.secret.optional) required.push(['secret', source.secret.name])
    if (source.configMap && !source.configMap.optional) required.push(['configmap', source.configMap.name])
  }
  return required
}
