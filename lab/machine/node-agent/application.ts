import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ImageReference, type PulledImage, parseImage } from './images.ts'
import type { Container } from './kubernetes.ts'

/** A part of the application that runs: what its image's own program would be. */
export interface Application {
  /** Who the image runs as. */
  user: { name: string; uid: number; gid: number }
  /** The file that is its program, and where the container finds it: the checkout may be closed to all but its owner. */
  program: { source: string; target: string }
  entrypoint: string[]
  /** What asks it to end, as the image's STOPSIGNAL. */
  stopSignal: NodeJS.Signals
  /** Folder in the container that shows what the image holds. */
  content?: string
  /** Beyond what the pod's specification sets. */
  environment(image: PulledImage): Record<string, string>
}

const file = (name: string): string => fileURLToPath(new URL(`./application/${name}`, import.meta.url))

const POSTGRES = '/opt/lab/postgres.sh'
/** Of a module, as no package says so there. */
const WEB = '/opt/lab/web.mts'

const postgres: Application = {
  user: { name: 'postgres', uid: 70, gid: 70 },
  program: { source: file('postgres.sh'), target: POSTGRES },
  entrypoint: ['/bin/sh', POSTGRES],
  // Its fast shutdown: SIGTERM would wait until every client has gone.
  stopSignal: 'SIGINT',
  environment: () => ({ PGDATA: '/var/lib/postgresql/data' }),
}

const web = (service: string, port: number): Application => ({
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

const applications: readonly { matches: (image: ImageReference) => boolean; application: Application }[] = [
  { matches: ({ host, path }) => `${host}/${path}` === 'docker.io/library/postgres', application: postgres },
  { matches: image => isOwn(image, 'nextjs'), application: web('nextjs', 3000) },
  { matches: image => isOwn(image, 'ml-service'), application: web('ml-service', 8000) },
]

const isOwn = ({ host, path }: ImageReference, name: string): boolean =>
  host.endsWith('-docker.pkg.dev') && path.endsWith(`/threads/${name}`)

/** The part of the application that a container is, if it is one. */
export function applicationOf({ image }: Container): Application | undefined {
  const reference = parseImage(image)
  return reference && applications.find(({ matches }) => matches(reference))?.application
}

const DEBIAN = '/usr/lib/postgresql'

/** Where Debian keeps PostgreSQL's programs, off the usual path: a folder per version, the newest first. */
export function postgresFolders(): string[] {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN) : []
  return versions.sort((one, other) => Number(other) - Number(one)).map(version => `${DEBIAN}/${version}/bin`)
}

/** What a container's PATH is unless its pod says otherwise. */
export const searchPath = (): string =>
  [...postgresFolders(), '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':')
