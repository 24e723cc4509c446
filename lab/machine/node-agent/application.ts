import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type PulledImage, parseImage } from './images.ts'
import type { Container } from './kubernetes.ts'

/** A part of the application, with the program that runs in place of the one in its image. */
export interface Application {
  /** The image's user. */
  user: { name: string; uid: number; gid: number }
  /** The program's file, and its path in the container: the container's user may not be allowed to read the checkout. */
  program: { source: string; target: string }
  entrypoint: string[]
  /** The image's STOPSIGNAL. */
  stopSignal: NodeJS.Signals
  /** Folder in the container where the image's contents are mounted. */
  content?: string
  /** Variables in addition to those of the pod's specification. */
  environment(image: PulledImage): Record<string, string>
}

const file = (name: string): string => fileURLToPath(new URL(`./application/${name}`, import.meta.url))

const POSTGRES = '/opt/lab/postgres.sh'
/** The extension marks a module, since no package.json does there. */
const WEB = '/opt/lab/web.mts'

const postgres: Application = {
  user: { name: 'postgres', uid: 70, gid: 70 },
  program: { source: file('postgres.sh'), target: POSTGRES },
  entrypoint: ['/bin/sh', POSTGRES],
  // Postgres's fast shutdown; SIGTERM would wait until every client has disconnected.
  stopSignal: 'SIGINT',
  environment: () => ({ PGDATA: '/var/lib/postgresql/data' }),
}

/** @param port that its probes and services expect; the container declares it */
const web = (service: string, port = 3000): Application => ({
  user: { name: service, uid: 1001, gid: 1001 },
  program: { source: file('web.ts'), target: WEB },
  entrypoint: ['/usr/local/lab/node', WEB],
  stopSignal: 'SIGTERM',
  content: '/app',
  environment: ({ name, imageID, labels }) => ({
    ...{ SERVICE: service, PORT: String(port), IMAGE: name, IMAGE_ID: imageID },
    IMAGE_VERSION: labels['org.opencontainers.image.version'] ?? 'unknown',
  }),
})

/** Any image of the application's own repository: what a service is called is up to its tree. */
const OWN_IMAGE = /^[a-z0-9-]+-docker\.pkg\.dev\/.+\/threads\/(?<service>[^/]+)$/

/** The part of the application that runs in a container, if any. */
export function applicationOf({ image, ports = [] }: Container): Application | undefined {
  const reference = parseImage(image)
  if (!reference) return undefined
  const name = `${reference.host}/${reference.path}`
  if (name === 'docker.io/library/postgres') return postgres
  const service = OWN_IMAGE.exec(name)?.groups?.service
  return service === undefined ? undefined : web(service, ports[0]?.containerPort)
}

const DEBIAN = '/usr/lib/postgresql'

/** Debian's folders of PostgreSQL programs, which are not on PATH: one per version, the newest first. */
export function postgresFolders(): string[] {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN) : []
  return versions.sort((one, other) => Number(other) - Number(one)).map(version => `${DEBIAN}/${version}/bin`)
}

/** A container's PATH, unless its pod sets another. */
export const searchPath = (): string =>
  [...postgresFolders(), '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':')
