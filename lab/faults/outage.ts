import { usage } from '../../lib/runtime/errors.ts'
import { outagesOf, type Service, services } from '../delivery/outages.ts'
import type { Layout } from '../state/layout.ts'
import type { ListedFault } from './fault.ts'

/** As in `git-down`. */
const SUFFIX = '-down'

const serviceOf = (kind: unknown): Service | undefined => services.find(service => `${service}${SUFFIX}` === kind)

export const isOutage = (kind: unknown): boolean => serviceOf(kind) !== undefined

/** Outages of git, the registry and Actions. Each lasts until it is cleared; its id is its kind. */
export function outageFaults({ lab }: Layout) {
  const outages = outagesOf(lab)
  const planned = (service: Service): ListedFault => ({
    id: `${service}${SUFFIX}`,
    kind: `${service}${SUFFIX}`,
    happened: 1,
  })
  return {
    list: async (): Promise<ListedFault[]> => (await outages.list()).map(planned),

    /** @throws OpsError 2 for an unknown service, or for members: an outage has none */
    async add({ kind, ...members }: Record<string, unknown>): Promise<ListedFault> {
      const service = serviceOf(kind)
      const stranger = Object.entries(members).find(([, value]) => value !== undefined)
      if (!service) throw usage(`there is no outage "${kind}"`, `one of: ${services.map(name => name + SUFFIX).join(', ')}`)
      if (stranger) throw usage(`${kind} has no ${stranger[0]}`, 'it lasts until it is cleared: --clear')
      await outages.begin(service)
      return planned(service)
    },

    /** Ends the outage with this id, or all. */
    async clear(id?: string): Promise<void> {
      for (const service of services) if (id === undefined || serviceOf(id) === service) await outages.end(service)
    },
  }
}
