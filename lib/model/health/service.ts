import { command } from '../shell.ts'
import { isSettling } from './age.ts'
import { broken, doubtful, type Finding, underway } from './finding.ts'
import {
  conditionOf,
  type EndpointSlice,
  isLive,
  isReady,
  nameOf,
  type Pod,
  type Service,
  sameNamespace,
  selects,
} from './objects.ts'

/** Services with a selector but without endpoints: an error for those that can be reached from outside. */
export const serviceFindings = (
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  pods: readonly Pod[],
  now: Date,
): Finding[] => services.flatMap(service => [...endpoints(service, slices, pods, now), ...loadBalancer(service)])

function endpoints(service: Service, slices: readonly EndpointSlice[], pods: readonly Pod[], now: Date): Finding[] {
  const selector = { matchLabels: service.spec?.selector ?? {} }
  if (Object.keys(selector.matchLabels).length === 0 || readyEndpoints(service, slices) > 0) return []
  const { name, namespace, creationTimestamp } = service.metadata
  const object = nameOf('Service', service)
  const exposed = service.spec?.type === 'NodePort' || service.spec?.type === 'LoadBalancer'
  const since = (timestamp: string | undefined) => (isSettling(timestamp, now) ? underway : exposed ? broken : doubtful)
  const chosen = pods.filter(pod => sameNamespace(pod, service) && isLive(pod) && selects(selector, pod.metadata.labels))
  const ready = chosen.filter(isReady).length
  const evidence = { selector: selector.matchLabels, pods: chosen.length, ready }
  if (chosen.length === 0) {
    const remedy = command`kubectl -n ${namespace} get pods --show-labels, then correct the selector of service ${name}`
    return [since(creationTimestamp)('service/selects-nothing', object, 'its selector matches no pod', { evidence, remedy })]
  }
  const why = ready > 0 ? 'its endpoints have not been written yet' : `none of its ${chosen.length} pods is ready`
  const remedy = command`kubectl -n ${namespace} describe service ${name}`
  const level = since(chosen.map(readinessChange).sort().at(-1))
  return [level('service/no-endpoints', object, `no ready endpoint: ${why}`, { evidence, remedy })]
}

/** When a pod became ready or unready. The API's timestamps sort as text. */
const readinessChange = ({ status, metadata }: Pod): string =>
  conditionOf(status?.conditions, 'Ready')?.lastTransitionTime ?? metadata.creationTimestamp ?? ''

function loadBalancer(service: Service): Finding[] {
  if (service.spec?.type !== 'LoadBalancer' || (service.status?.loadBalancer?.ingress ?? []).length > 0) return []
  const { name, namespace } = service.metadata
  const remedy = command`kubectl -n ${namespace} describe service ${name}`
  return [underway('service/load-balancer', nameOf('Service', service), 'it has no address yet', { remedy })]
}

const readyEndpoints = (service: Service, slices: readonly EndpointSlice[]): number =>
  slices
    .filter(
      slice => sameNamespace(slice, service) && slice.metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name,
    )
    .flatMap(({ endpoints }) => endpoints ?? [])
    // An absent `ready` means ready. https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
    .filter(({ conditions }) => conditions?.ready !== false).length
