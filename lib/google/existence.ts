import { external, messageOf } from '../runtime/errors.ts'
import type { Credentials } from './credentials.ts'
import { isDisabled } from './disabled.ts'

const NOT_FOUND = 404
const TIMEOUT_MS = 30_000

/** Google's own addresses of the REST APIs in which an object can be asked for. */
const GOOGLE = { compute: 'https://compute.googleapis.com/compute/v1/', iam: 'https://iam.googleapis.com/' }

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
  }: { credentials: Credentials; endpoints?: Partial<Record<Api, string>>; signal: AbortSignal },
): Promise<boolean> {
  const client = await credentials.client()
  try {
    const { status } = await client.request({
      url: new URL(path, endpoints?.[api] ?? GOOGLE[api]).href,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      validateStatus: status => status === NOT_FOUND || (status >= 200 && status < 300),
    })
    return status !== NOT_FOUND
  } catch (error) {
    if (isDisabled(error)) return false
    throw external(`looking for ${path}: ${messageOf(error)}`, 'check the credentials: `./taskw doctor`', error)
  }
}
