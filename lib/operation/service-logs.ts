import { kinds } from '../cluster/kinds.ts'
import type { Environment } from '../config/schema.ts'
import { didYouMean } from '../config/suggest.ts'
import { logArguments } from '../model/access/logs.ts'
import type { Deployment, Service } from '../model/health/objects.ts'
import { quote } from '../model/shell.ts'
import { precondition, usage } from '../runtime/errors.ts'
import type { Context } from './context.ts'

/**
 * The arguments by which kubectl shows a service's logs: those of `access.services` by their Service's selector, the application's own
 * by that of their Deployment.
 * @param args the service's name, and options of `kubectl logs`
 * @throws OpsError 2 for an unknown name, 4 for one that is not there, or without a selector
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
  if (!known.includes(name)) {
    const meant = args.find(arg => known.includes(arg))
    throw usage(
      `${environment.name} has no service "${name}"${didYouMean(name, known)}`,
      meant === undefined || at === 0
        ? `one of: ${known.join(', ')}`
        : `the service comes before options whose value is a word of its own: \`./taskw logs -- ${quote([meant, ...args.filter(arg => arg !== meant)])}\``,
    )
  }
  const { object, labels, namespace } = await selectorOf(name, environment, await cluster(), signal)
  const hint = '`./taskw kubectl -- get pods -A` shows what there is, `./taskw verify` what is missing'
  if (!labels) throw precondition(`there is no ${object}`, hint)
  if (Object.keys(labels).length === 0) throw precondition(`${object} selects no pods`, hint)
  return logArguments({ namespace, labels, more: args.filter((_arg, index) => index !== at) })
}

async function selectorOf(
  name: string,
  { access, delivery }: Environment,
  cluster: Awaited<ReturnType<Context['cluster']>>,
  signal: AbortSignal,
) {
  const service = Object.hasOwn(access.services, name) ? access.services[name] : undefined
  if (service) {
    const { namespace } = service
    const found = await cluster.get<Service>(kinds.services, { namespace, name: service.service }, signal)
    return { object: `Service ${namespace}/${service.service}`, namespace, labels: found && (found.spec?.selector ?? {}) }
  }
  const namespace = delivery?.namespace ?? ''
  const found = await cluster.get<Deployment>(kinds.deployments, { namespace, name }, signal)
  return { object: `Deployment ${namespace}/${name}`, namespace, labels: found && (found.spec?.selector?.matchLabels ?? {}) }
}
