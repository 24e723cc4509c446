import type { AuthClient } from 'google-auth-library'
import { messageOf, precondition } from '../runtime/errors.ts'
import { readNamed } from '../runtime/files.ts'
import { neverShow } from '../runtime/redact.ts'

/** Who we are to Google: Application Default Credentials, or the token in a file where an environment names one. */
export interface Credentials {
  token(): Promise<string>
  client(): Promise<AuthClient>
}

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'

export function credentials(tokenFile: string | undefined): Credentials {
  let opened: Promise<AuthClient> | undefined
  const client = () => {
    opened ??= tokenFile === undefined ? applicationDefault() : fromFile(tokenFile)
    return opened
  }
  const token = async () => {
    const { token } = await (await client()).getAccessToken()
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
    return await new GoogleAuth({ scopes: SCOPE }).getClient()
  } catch (error) {
    throw noCredentials(error)
  }
}

const noCredentials = (error: unknown) =>
  precondition(
    `no Google credentials: ${messageOf(error)}`,
    'create Application Default Credentials: `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS',
    error,
  )
