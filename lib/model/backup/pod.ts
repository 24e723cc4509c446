import { isLive, isReady, type Pod, type Selector, selects } from '../health/objects.ts'

/** The annotation that kubectl goes by, too. */
const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container'

/** The ready pod of a workload, and its container that runs the server. */
export function serverPod(
  pods: readonly Pod[],
  selector: Selector | undefined,
): { pod: string; container: string } | undefined {
  const pod = pods.find(each => isLive(each) && isReady(each) && selects(selector, each.metadata.labels))
  const container = pod?.metadata.annotations?.[DEFAULT_CONTAINER] ?? pod?.spec?.containers?.[0]?.name
  return pod && container !== undefined ? { pod: pod.metadata.name, container } : undefined
}

/** The images of a namespace's live pods, by what the pods are called without what is theirs alone. */
export function imagesOf(pods: readonly Pod[]): Record<string, string> {
  const all = pods.filter(isLive).flatMap(({ metadata, spec }) => {
    const owner = metadata.labels?.['app.kubernetes.io/name'] ?? metadata.name
    return (spec?.containers ?? []).map(({ name, image }) => [`${owner}/${name}`, image] as const)
  })
  return Object.fromEntries(all.sort(([one], [other]) => (one < other ? -1 : 1)))
}
