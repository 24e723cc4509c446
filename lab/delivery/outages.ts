import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { join } from 'node:path'

/** Outages on demand: a service is down as long as its file exists, so a restart of the daemon does not end the outage. */

export const services = ['git', 'registry', 'actions'] as const
export type Service = (typeof services)[number]

/** The status of every response during an outage, as in GitHub's own outages. */
const UNAVAILABLE = 503

/** The outages of a lab. @param lab its folder */
export function outagesOf(lab: string) {
  const folder = join(lab, 'run/outages')
  const fileOf = (service: Service) => join(folder, service)
  const isDown = (service: Service): boolean => existsSync(fileOf(service))
  return {
    isDown,
    list: async (): Promise<Service[]> => {
      const names: string[] = await readdir(folder).catch(() => [])
      return services.filter(service => names.includes(service))
    },
    async begin(service: Service): Promise<void> {
      await mkdir(folder, { recursive: true })
      await writeFile(fileOf(service), '')
    },
    end: (service: Service): Promise<void> => rm(fileOf(service), { force: true }),

    /** Lets the server answer only while its service is not down. */
    guard(server: Server, service: Service): Server {
      const handlers = server.listeners('request')
      server.removeAllListeners('request')
      return server.on('request', (request, response) => {
        if (isDown(service)) response.writeHead(UNAVAILABLE).end(`${service} is down, on demand\n`)
        else for (const handler of handlers) handler.call(server, request, response)
      })
    },
  }
}
