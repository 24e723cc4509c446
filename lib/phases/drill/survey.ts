import type { Health } from '../../model/drill/facts.ts'
import { podRows } from '../../model/drill/pods.ts'
import type { Assessment } from '../../model/health/assess.ts'
import { namespacedName } from '../../model/namespaced-name.ts'
import type { Context } from '../../operation/context.ts'

/** The system's health as a drill records it, with its pods. */
export async function healthOf(
  { verdict, findings }: Assessment,
  { cluster, environment, now, signal }: Pick<Context, 'cluster' | 'environment' | 'now' | 'signal'>,
): Promise<Health> {
  const at = now().toISOString()
  const { inventory } = await (await cluster()).inventory(signal)
  const { namespaces, applications } = environment.verify
  return {
    verdict,
    at,
    findings: findings.map(({ rule, severity, object, message }) => ({ rule, severity, object, message })),
    pods: podRows(inventory, Object.keys(namespaces)),
    applications: Object.fromEntries(
      applications.map(name => {
        const found = inventory.applications.find(application => namespacedName(application) === name)
        const { sync, health } = found?.status ?? {}
        return [name, found ? `${sync?.status ?? 'Unknown'} ${health?.status ?? 'Unknown'}` : 'missing']
      }),
    ),
  }
}
