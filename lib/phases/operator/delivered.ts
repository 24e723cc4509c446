import { kinds } from '../../cluster/kinds.ts'
import { type Finding, noted } from '../../model/health/finding.ts'
import type { Application } from '../../model/health/objects.ts'
import { applicationInState, servicesDiffer, updatersInState } from '../../model/image/services.ts'
import { updaterImages } from '../../model/image/updater.ts'
import type { ImageUpdater } from '../../model/image/world.ts'
import { isOwnObject } from '../../model/labels.ts'
import { objectName, parseNamespacedName } from '../../model/namespaced-name.ts'
import type { Context } from '../../operation/context.ts'
import { attempt } from '../../runtime/attempt.ts'
import { exitCodes, OpsError } from '../../runtime/errors.ts'
import { listedUpdaters } from '../image/updaters.ts'

type DeliveredContext = Pick<Context, 'environment' | 'cluster' | 'terraform' | 'signal' | 'log'>

/** How long the cluster, or the states, may take to answer. In milliseconds. */
const WITHIN_MS = 8000

interface Seen {
  application: Application
  updaters: ImageUpdater[]
}

/**
 * Whether the images of the Application are those of `delivery.services`: as the cluster has it, else as the states do. Nobody has to
 * answer: what can't be seen is no finding of its own, since each service has one.
 */
export async function listsCompared(context: DeliveredContext): Promise<Finding[]> {
  const { environment } = context
  if (!environment.delivery) return []
  const { application: name, services } = environment.delivery
  const answered = <T>(service: string, read: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> =>
    attempt({
      ...{ service, what: 'doctor', hint: '', repeatable: false, signal: context.signal },
      deadlines: { each: WITHIN_MS, whole: WITHIN_MS },
      call: read,
    }).catch(error => {
      if (error instanceof OpsError && error.code === exitCodes.interrupted) throw error
      context.log.debug(`${name}: ${error}`)
      return undefined
    })
  const [running, declared] = await Promise.all([
    answered('Kubernetes API', signal => inCluster(name, signal, context)),
    answered('Cloud Storage', () => inStates(name, context)),
  ])
  const seen = running ?? declared
  const object = objectName('Application', parseNamespacedName(name))
  if (!seen) return [noted('delivery/services', object, 'is in neither the cluster nor a state, as far as these can be read')]
  return servicesDiffer(updaterImages(seen.application, seen.updaters), services, {
    application: name,
    seen: running ? 'in the cluster' : `in the state of ${declared?.layer}`,
    file: `environments/${environment.name}.yaml`,
    layer: declared?.layer,
    isOwn: isOwnObject(seen.application.metadata.labels),
  })
}

async function inCluster(name: string, signal: AbortSignal, { cluster: open }: DeliveredContext): Promise<Seen | undefined> {
  const cluster = await open()
  const where = parseNamespacedName(name)
  const [application, updaters] = await Promise.all([
    cluster.get<Application>(kinds.applications, where, signal),
    listedUpdaters(cluster, where.namespace, signal),
  ])
  return application && { application, updaters: updaters ?? [] }
}

/** Of two states that have it, as while it moves from one layer to another, the later layer's. */
async function inStates(
  name: string,
  { terraform: { layers, resources } }: DeliveredContext,
): Promise<(Seen & { layer: string }) | undefined> {
  const states = await Promise.all(layers.map(async layer => ({ layer, held: await resources(layer) })))
  const updaters = states.flatMap(({ held }) => updatersInState(held))
  const found = states.flatMap(({ layer, held }) => {
    const application = applicationInState(held, name)
    return application ? [{ layer, application, updaters }] : []
  })
  return found.at(-1)
}
