import { z } from 'zod'
import { configuration, precondition } from '../runtime/errors.ts'
import { readNamed } from '../runtime/files.ts'
import { configuredPath } from './load.ts'
import type { Environment } from './schema.ts'

const endpointsSchema = z.object({
  compute: z.url(),
  storage: z.url(),
  iam: z.url(),
  resourceManager: z.url(),
  serviceUsage: z.url(),
  iapRelay: z.url(),
  registry: z.url(),
  git: z.url(),
  github: z.url().optional(),
  tokenFile: z.string(),
  /** IAP's relay behind TLS, for clients that accept nothing else. */
  iapRelayTls: z.url().optional(),
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
