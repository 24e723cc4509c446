import { isSettling } from './age.ts'
import { broken, doubtful, type Finding, underway } from './finding.ts'
import { type EndpointSlice, isLive, isReady, nameOf, type Pod, type Service, sameNamespace, selects } from './objects.ts'

/** Services with a selector that lead nowhere. Those that can be reached from outside count as errors. */
export function serviceFindings(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  pods: readonly Pod[],
  now: Date,
): Finding[] {
  return services.flatMap(service => {
    const selector = { matchLabels: service.spec?.selector ?? {} }
    if (Object.keys(selector.matchLabels).length === 0 || readyEndpoints(service, slices) > 0) return []
    const { name, namespace, creationTimestamp } = service.metadata
    const chosen = pods.filter(pod => sameNamespace(pod, service) && isLive(pod) && selects(selector, pod.metadata.labels))
    const ready = chosen.filter(isReady).length
    const evidence = { selector: selector.matchLabels, pods: chosen.length, ready }
    if (chosen.length > 0) {
      const why = ready > 0 ? 'its endpoints have not been written yet' : `none of its ${chosen.length} pods is ready`
      return [underway('service/no-endpoints', nameOf('Service', service), `no ready endpoint: ${why}`, { evidence })]
    }
    const exposed = service.spec?.type === 'NodePort' || service.spec?.type === 'LoadBalancer'
    const level = isSettling(creationTimestamp, now) ? underway : exposed ? broken : doubtful
    const remedy = `kubectl -n ${namespace} get pods --show-labels, then correct the selector of service ${name}`
    return [level('service/selects-nothing', nameOf('Service', service), 'its selector matches no pod', { evidence, remedy })]
  })
}

const readyEndpoints = (service: Service, slices: readonly EndpointSlice[]): number =>
  slices
    .filter(
      slice => sameNamespace(slice, service) && slice.metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name,
    )
    .flatMap(({ endpoints }) => endpoints ?? [])
    // An absent `ready` means ready. https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
    .filter(({ conditions }) => conditions?.ready !== false).length
