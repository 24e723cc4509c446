import { isLive, isReady, type Pod, type Service, type ServicePort, selects } from '../health/objects.ts'

/** A port of a pod. */
export interface PodPort {
  pod: string
  port: number
}

/** Which pod answers for a Service's port, or why none does; `healing` where time alone may cure that. */
export type Behind = PodPort | { missing: string; healing: boolean }

/**
 * A ready pod behind a port of a Service, and that port of the pod. The newest one is chosen: in a rollout the others go first.
 * @param wanted the number or the name of the Service's port
 */
export function podBehind(service: Service, wanted: number | string, pods: readonly Pod[]): Behind {
  const { name, namespace } = service.metadata
  const { selector = {}, ports = [] } = service.spec ?? {}
  const found = ports.find(({ name, port }) => port === wanted || name === wanted)
  if (!found) {
    const known = ports.map(({ name, port }) => (name ? `${name} (${port})` : String(port))).join(', ')
    return { missing: `Service ${namespace}/${name} has no port ${wanted}; it has: ${known || 'none'}`, healing: false }
  }
  if (Object.keys(selector).length === 0)
    return { missing: `Service ${namespace}/${name} selects no pods: it can't be forwarded to`, healing: false }
  const chosen = pods.filter(
    pod => pod.metadata.namespace === namespace && isLive(pod) && selects({ matchLabels: selector }, pod.metadata.labels),
  )
  const ready = chosen.filter(isReady)
  const targets = ready.sort(newestFirst).flatMap(pod => targetIn(pod, found))
  const [first] = targets
  if (first) return first
  if (ready.length > 0)
    return { missing: `no pod of Service ${namespace}/${name} has a port called ${found.targetPort}`, healing: false }
  const why = chosen.length === 0 ? 'there is none' : `none of ${chosen.length} is ready`
  return { missing: `Service ${namespace}/${name} has no ready pod: ${why}`, healing: true }
}

/** The API's timestamps sort as text. */
const newestFirst = (one: Pod, other: Pod): number =>
  (other.metadata.creationTimestamp ?? '').localeCompare(one.metadata.creationTimestamp ?? '') ||
  one.metadata.name.localeCompare(other.metadata.name)

function targetIn({ metadata, spec }: Pod, { port, targetPort = port }: ServicePort): PodPort[] {
  if (typeof targetPort === 'number') return [{ pod: metadata.name, port: targetPort }]
  const ports = (spec?.containers ?? []).flatMap(({ ports = [] }) => ports)
  return ports
    .filter(({ name }) => name === targetPort)
    .map(({ containerPort }) => ({ pod: metadata.name, port: containerPort }))
}

/** Where a service that is open here is reached. */
export const urlOf = ({ scheme, path, localPort }: { scheme: string; path: string; localPort: number }): string =>
  `${scheme}://127.0.0.1:${localPort}${path}`
