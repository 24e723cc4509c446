import { byText } from '../compare.ts'
import type { Finding } from '../health/finding.ts'
import type { Inventory } from '../health/inventory.ts'
import { controllerOf, isLive, isReady } from '../health/objects.ts'

export interface PodRow {
  namespace: string
  name: string
  /** Kind and name of its controller. */
  owner: string
  ready: boolean
  restarts: number
  /** ISO 8601. */
  createdAt: string
}

/** The live pods of some namespaces, sorted by name. */
export const podRows = ({ pods }: Pick<Inventory, 'pods'>, namespaces: readonly string[]): PodRow[] =>
  pods
    .filter(pod => isLive(pod) && namespaces.includes(pod.metadata.namespace ?? ''))
    .map(pod => {
      const owner = controllerOf(pod)
      return {
        namespace: pod.metadata.namespace ?? '',
        name: pod.metadata.name,
        owner: owner ? `${owner.kind}/${owner.name}` : '',
        ready: isReady(pod),
        restarts: (pod.status?.containerStatuses ?? []).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0),
        createdAt: pod.metadata.creationTimestamp ?? '',
      }
    })
    .sort((a, b) => byText(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`))

/**
 * Duplicate pods: those that no longer belong to their owner (see the rules `ownership/…`), and, since these rules ignore what
 * is only seconds old, namespaces that have more pods than before.
 */
export function duplicates(
  before: readonly PodRow[],
  after: readonly PodRow[],
  findings: readonly Pick<Finding, 'rule' | 'severity' | 'object' | 'message'>[],
): string[] {
  const count = (pods: readonly PodRow[], namespace: string) => pods.filter(pod => pod.namespace === namespace).length
  const namespaces = [...new Set(after.map(({ namespace }) => namespace))]
  return [
    ...findings
      .filter(({ rule, severity }) => rule.startsWith('ownership/') && severity === 'error')
      .map(({ object, message }) => `${object}: ${message}`),
    ...namespaces
      .map(namespace => ({ namespace, was: count(before, namespace), is: count(after, namespace) }))
      .filter(({ was, is }) => is > was)
      .map(({ namespace, was, is }) => `${namespace} has ${is} pods, up from ${was}`),
  ]
}
