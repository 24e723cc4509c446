import type { AuthClient } from 'google-auth-library'
import { attempt, DEADLINES, type Deadlines, isTransient, statusOf } from '../runtime/attempt.ts'
import { messageOf, precondition } from '../runtime/errors.ts'
import { readNamed } from '../runtime/files.ts'
import { neverShow } from '../runtime/redact.ts'

/** Who we are to Google: Application Default Credentials, or the token in a file where an environment names one. */
export interface Credentials {
  token(): Promise<string>
  client(): Promise<AuthClient>
}

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'

/**
 * @param tokenFile absolute path
 * @param signal ends a wait for Google's answer
 * @throws from its methods: OpsError 4 without credentials or when Google refuses them, 5 when it can't be reached, 124 when it is silent
 */
export function credentials(
  tokenFile: string | undefined,
  { signal, deadlines }: { signal?: AbortSignal; deadlines?: Deadlines } = {},
): Credentials {
  let opened: Promise<AuthClient> | undefined
  const waited = <T>(what: string, call: () => Promise<T>) =>
    attempt({
      service: "Google's token service",
      what,
      hint: 'check the network, and the credentials: `./taskw doctor`',
      repeatable: true,
      signal: signal?.aborted ? undefined : signal,
      deadlines,
      call,
    })
  const client = () => {
    const opening =
      opened ?? (tokenFile === undefined ? waited('finding credentials', applicationDefault) : fromFile(tokenFile))
    opened = opening
    // A failure is not remembered.
    opening.catch(() => {
      if (opened === opening) opened = undefined
    })
    return opening
  }
  const token = async () => {
    const from = await client()
    const { token } = await waited('getting an access token', () => from.getAccessToken().catch(explained))
    if (!token) throw noCredentials(new Error('Google gave no access token'))
    neverShow(token)
    return token
  }
  return { client, token }
}

async function fromFile(path: string): Promise<AuthClient> {
  const { OAuth2Client } = await import('google-auth-library')
  const token = (await readNamed(path))?.trim()
  if (!token) {
    const what = token === undefined ? 'there is no token file' : 'there is no token in'
    throw precondition(
      `${what} ${path}`,
      'the environment’s endpoints name it: in the lab, `./taskw lab:down && ./taskw lab:up`',
    )
  }
  neverShow(token)
  const client = new OAuth2Client()
  client.setCredentials({ access_token: token })
  return client
}

async function applicationDefault(): Promise<AuthClient> {
  const { GoogleAuth } = await import('google-auth-library')
  try {
    // Of each request for a token.
    const clientOptions = { transporterOptions: { timeout: DEADLINES.each } }
    const client = await new GoogleAuth({ scopes: SCOPE, clientOptions }).getClient()
    hideSecrets(client)
    return client
  } catch (error) {
    throw isTransient(error) ? error : noCredentials(error)
  }
}

/** The long-lived ones, by which tokens are got: an error of the token service's may repeat them. */
function hideSecrets(client: AuthClient): void {
  const { credentials, _clientSecret, key } = client as AuthClient & { _clientSecret?: unknown; key?: unknown }
  const { refresh_token, access_token, id_token } = credentials
  for (const secret of [_clientSecret, key, refresh_token, access_token, id_token])
    if (typeof secret === 'string') neverShow(secret)
}

/** What Google says of credentials that it does not accept, such as `invalid_grant` where they have expired. */
function explained(error: unknown): never {
  const status = statusOf(error)
  throw status === 400 || status === 401 ? noCredentials(error) : error
}

const noCredentials = (error: unknown) =>
  precondition(
    `no Google credentials: ${messageOf(error)}`,
    'create Application Default Credentials: `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS and list it under `inherits` in the environment’s file',
    error,
  )
