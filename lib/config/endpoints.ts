import { z } from 'zod'
import { configuration, precondition } from '../runtime/errors.ts'
import { readNamed } from '../runtime/files.ts'
import { isRemote } from './git.ts'
import { configuredPath } from './load.ts'
import type { Environment } from './schema.ts'

const http = z.url({ protocol: /^https?$/ })

/** All of them: what is missing would be Google's or GitHub's own, and get this environment's token. */
const endpointsSchema = z.object({
  compute: http,
  storage: http,
  iam: http,
  resourceManager: http,
  serviceUsage: http,
  iapRelay: z.url({ protocol: /^wss?$/ }),
  registry: http,
  git: z.string().refine(isRemote, 'must be an address of git repositories'),
  github: http,
  tokenFile: z.string(),
  /** IAP's relay behind TLS, for clients that accept nothing else. */
  iapRelayTls: z.url({ protocol: /^wss$/ }).optional(),
  /** gsutil's configuration, and the certificate of the endpoints' HTTPS. */
  boto: z.string().optional(),
  certificate: z.string().optional(),
})

/** Where Google's services are, for an environment that sets them. */
export type Endpoints = z.infer<typeof endpointsSchema>

/**
 * The environment's endpoints, or undefined for Google's own.
 * @throws OpsError 4 when the file that the environment names is missing, 3 when it is not valid
 */
export async function loadEndpoints({ name, endpoints: file }: Environment): Promise<Endpoints | undefined> {
  if (file === undefined) return undefined
  const text = await readNamed(configuredPath(file))
  if (text === undefined) throw precondition(`${file} is missing: ${name} is not up`, 'start the lab: `./taskw lab:up`')
  try {
    return endpointsSchema.parse(JSON.parse(text))
  } catch (error) {
    throw configuration(
      `${file} does not hold valid endpoints`,
      'start the lab again: `./taskw lab:down && ./taskw lab:up`',
      error,
    )
  }
}
