import { ageOf, formatAge } from './age.ts'
import { doubtful, type Finding } from './finding.ts'
import { type Namespace, nameOf } from './objects.ts'

/** The conditions that the namespace controller sets where a deletion does not come to its end. */
const REMNANTS = ['NamespaceDeletionDiscoveryFailure', 'NamespaceContentRemaining', 'NamespaceFinalizersRemaining']

export const namespaceFindings = (namespaces: readonly Namespace[], now: Date): Finding[] =>
  namespaces
    .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
    .map(namespace => {
      const { name, deletionTimestamp } = namespace.metadata
      const remnants = (namespace.status?.conditions ?? []).filter(
        ({ type, status }) => status === 'True' && REMNANTS.includes(type),
      )
      const why = remnants.map(({ message }) => message ?? '').join(' ')
      const age = formatAge(ageOf(deletionTimestamp, now))
      return doubtful(
        'namespace/terminating',
        nameOf('Namespace', namespace),
        `being deleted for ${age}${why ? `: ${why}` : ''}`,
        {
          evidence: { since: deletionTimestamp, conditions: remnants.map(({ type }) => type) },
          remedy: `see what holds it: kubectl get namespace ${name} -o jsonpath='{.status.conditions}'`,
        },
      )
    })
