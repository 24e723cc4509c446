import { attempt, type Deadlines } from '../runtime/attempt.ts'
import type { Credentials } from './credentials.ts'
import { isDisabled } from './disabled.ts'

const NOT_FOUND = 404

/** Google's own addresses of the REST APIs in which an object can be asked for. */
const GOOGLE = { compute: 'https://compute.googleapis.com/compute/v1/', iam: 'https://iam.googleapis.com/' }

const SERVICES = { compute: 'Compute Engine', iam: 'IAM' }

export type Api = keyof typeof GOOGLE

/**
 * Whether an object exists; none does whose API is not enabled yet.
 * @param path below the API's address, as `projects/p/global/networks/n` of Compute's, which names its version
 * @param endpoints where they are not Google's own
 */
export async function objectExists(
  api: Api,
  path: string,
  {
    credentials,
    endpoints,
    signal,
    deadlines,
  }: {
    credentials: Credentials
    endpoints?: Partial<Record<Api, string>>
    signal: AbortSignal
    deadlines?: Deadlines
  },
): Promise<boolean> {
  const client = await credentials.client()
  return attempt({
    service: SERVICES[api],
    what: `looking for ${path}`,
    hint: 'check the credentials: `./taskw doctor`',
    repeatable: true,
    signal,
    deadlines,
    async call(stop) {
      try {
        const { status, data } = await client.request({
          url: new URL(path, endpoints?.[api] ?? GOOGLE[api]).href,
          signal: stop,
          responseType: 'json',
          retry: false,
          validateStatus: status => status === NOT_FOUND || (status >= 200 && status < 300),
        })
        if (status === NOT_FOUND) return false
        if (typeof data !== 'object' || data === null) throw new Error('its answer is not JSON')
        return true
      } catch (error) {
        if (isDisabled(error)) return false
        throw error
      }
    },
  })
}
