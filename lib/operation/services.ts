import { needsCluster } from '../model/layer/order.ts'
import { SSH_PORT } from '../model/ports.ts'
import { attempt } from '../runtime/attempt.ts'
import { exitCodes, type OpsError } from '../runtime/errors.ts'
import type { Context } from './context.ts'
import type { vmOf } from './vm-status.ts'

export type ServiceContext = Pick<
  Context,
  'environment' | 'endpoints' | 'credentials' | 'signal' | 'defaults' | 'exists' | 'store' | 'dial' | 'cluster'
> &
  Parameters<typeof vmOf>[0]

/** Something on the network that the environment needs. */
export interface ServiceCheck {
  /** The rule of its finding, such as `service/compute`. */
  rule: string
  /** What people call it. */
  service: string
  /** Whether it is the VM that answers: while that is off, nothing is wrong with the service. */
  onVm?: boolean
  /** Asks it something that changes nothing; resolves once it has answered. */
  reach(context: ServiceContext): Promise<unknown>
}

/** What every environment needs. */
export const services = {
  token: {
    rule: 'service/token',
    service: "Google's token service",
    reach: ({ credentials }) => credentials.token(),
  },
  compute: {
    rule: 'service/compute',
    service: 'Compute Engine',
    async reach({ defaults, exists }) {
      const { project, zone } = await defaults()
      return exists('compute', `projects/${project}/zones/${zone}`)
    },
  },
  storage: {
    rule: 'service/storage',
    service: 'Cloud Storage',
    reach: async ({ store }) => (await store()).exists(),
  },
  iap: {
    rule: 'service/iap',
    service: 'IAP relay',
    onVm: true,
    reach: async ({ dial }) => (await dial(SSH_PORT)).destroy(),
  },
  kubernetes: {
    rule: 'service/kubernetes',
    service: 'Kubernetes API',
    onVm: true,
    reach: async ({ cluster, signal }) =>
      (await cluster()).exists({ apiVersion: 'v1', kind: 'Namespace', name: 'default' }, signal),
  },
} satisfies Record<string, ServiceCheck>

/** How long a service may take to answer while a Terraform waits for it, and all attempts together. In milliseconds. */
const ANSWERS_MS = { each: 9000, whole: 20_000 }

/**
 * Asks the services that a layer's Terraform reads from.
 * @throws OpsError 5 or 124 for one that does not answer; what is missing on our side, or is not there yet, is for Terraform to say
 */
export async function servicesAnswer(layer: string, layers: readonly string[], context: ServiceContext): Promise<void> {
  const read: ServiceCheck[] = [
    services.compute,
    services.storage,
    ...(needsCluster(layer, layers) ? [services.kubernetes] : []),
  ]
  await Promise.all(
    read.map(({ service, reach }) =>
      attempt({
        service,
        what: `layer ${layer}, while Terraform reads`,
        hint: '`./taskw doctor` asks every service; then run the same command again',
        repeatable: true,
        signal: context.signal,
        deadlines: ANSWERS_MS,
        call: () => reach(context),
      }).catch(error => {
        const { code } = error as OpsError
        if (code === exitCodes.external || code === exitCodes.timeout) throw error
      }),
    ),
  )
}
