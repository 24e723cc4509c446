import { command } from '../shell.ts'
import { ageOf, formatAge } from './age.ts'
import { doubtful, type Finding } from './finding.ts'
import { type Namespace, nameOf } from './objects.ts'

/** Namespaces that are terminating, and what holds them: finalizers, and the namespace controller's conditions. */
export const namespaceFindings = (namespaces: readonly Namespace[], now: Date): Finding[] =>
  namespaces
    .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
    .map(namespace => {
      const { name, deletionTimestamp, finalizers: own = [] } = namespace.metadata
      const finalizers = [...own, ...(namespace.spec?.finalizers ?? [])]
      const remnants = (namespace.status?.conditions ?? []).filter(({ status }) => status === 'True')
      const text = [
        `has been terminating for ${formatAge(ageOf(deletionTimestamp, now))}`,
        ...(finalizers.length > 0 ? [`finalizers: ${finalizers.join(', ')}`] : []),
        ...remnants.map(({ type, message }) => message || type),
      ].join('; ')
      return doubtful('namespace/terminating', nameOf('Namespace', namespace), text, {
        evidence: { since: deletionTimestamp, finalizers, conditions: remnants.map(({ type }) => type) },
        remedy: command`see what holds it: kubectl get namespace ${name} -o jsonpath='{.status.conditions}'`,
      })
    })
