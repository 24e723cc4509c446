import { kinds } from '../cluster/kinds.ts'
import type { Environment } from '../config/schema.ts'
import { didYouMean } from '../config/suggest.ts'
import { logArguments } from '../model/access/logs.ts'
import type { Deployment, Service } from '../model/health/objects.ts'
import { precondition, usage } from '../runtime/errors.ts'
import type { Context } from './context.ts'

/**
 * The arguments by which kubectl shows a service's logs: those of `access.services` by their Service's selector, the application's own
 * by that of their Deployment.
 * @param args the service's name, and options of `kubectl logs`
 * @throws OpsError 2 for an unknown name, 4 for one without a selector
 */
export async function serviceLogs(
  args: readonly string[],
  { environment, cluster, signal }: Pick<Context, 'environment' | 'cluster' | 'signal'>,
): Promise<string[]> {
  const at = args.findIndex(arg => !arg.startsWith('-'))
  const name = args[at]
  const known = [
    ...new Set([...Object.keys(environment.access.services), ...Object.keys(environment.delivery?.services ?? {})]),
  ]
  if (name === undefined) throw usage('logs of which service?', `one of: ${known.join(', ')}`)
  if (!known.includes(name))
    throw usage(`${environment.name} has no service "${name}"${didYouMean(name, known)}`, `one of: ${known.join(', ')}`)
  const { object, namespace, labels } = await selectorOf(name, environment, await cluster(), signal)
  if (Object.keys(labels).length === 0)
    throw precondition(`${object} ${namespace}/${name} selects no pods`, '`./taskw kubectl -- get pods -A` shows what there is')
  return logArguments({ namespace, labels, more: args.filter((_arg, index) => index !== at) })
}

async function selectorOf(
  name: string,
  { access, delivery }: Environment,
  cluster: Awaited<ReturnType<Context['cluster']>>,
  signal: AbortSignal,
) {
  const service = access.services[name]
  if (service) {
    const { namespace } = service
    const found = await cluster.get<Service>(kinds.services, { namespace, name: service.service }, signal)
    return { object: 'Service', namespace, labels: found?.spec?.selector ?? {} }
  }
  const namespace = delivery?.namespace ?? ''
  const found = await cluster.get<Deployment>(kinds.deployments, { namespace, name }, signal)
  return { object: 'Deployment', namespace, labels: found?.spec?.selector?.matchLabels ?? {} }
}
