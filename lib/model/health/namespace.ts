import { ageOf, formatAge } from './age.ts'
import { doubtful, type Finding } from './finding.ts'
import { type Namespace, nameOf } from './objects.ts'

/** With what holds it: its finalizers, and the conditions that the namespace controller sets where it does not come to its end. */
export const namespaceFindings = (namespaces: readonly Namespace[], now: Date): Finding[] =>
  namespaces
    .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
    .map(namespace => {
      const { name, deletionTimestamp, finalizers: own = [] } = namespace.metadata
      const finalizers = [...own, ...(namespace.spec?.finalizers ?? [])]
      const remnants = (namespace.status?.conditions ?? []).filter(({ status }) => status === 'True')
      const text = [
        `being deleted for ${formatAge(ageOf(deletionTimestamp, now))}`,
        ...(finalizers.length > 0 ? [`finalizers: ${finalizers.join(', ')}`] : []),
        ...remnants.map(({ type, message }) => message || type),
      ].join('; ')
      return doubtful('namespace/terminating', nameOf('Namespace', namespace), text, {
        evidence: { since: deletionTimestamp, finalizers, conditions: remnants.map(({ type }) => type) },
        remedy: `see what holds it: kubectl get namespace ${name} -o jsonpath='{.status.conditions}'`,
      })
    })
