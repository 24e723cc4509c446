import { timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { ApiError } from './http/errors.ts'
import type { Router } from './http/router.ts'

export const unauthorized = new ApiError(
  401,
  'authError',
  'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
)

/** Whether a request has the token, in its header or, where headers cannot be set, in its query. */
export function isAuthorized({ authorization = '' }: IncomingHttpHeaders, token: string, inQuery?: string | null): boolean {
  return isToken(/^Bearer (.+)$/i.exec(authorization)?.[1] ?? inQuery ?? '', token)
}

function isToken(presented: string, token: string): boolean {
  const [left, right] = [Buffer.from(presented), Buffer.from(token)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** https://developers.google.com/identity/protocols/oauth2/web-server#offline */
const TOKEN_LIFE_S = 3599

/**
 * OAuth's token endpoint, for gsutil, which accepts no access token but exchanges a refresh token for one. The refresh token is
 * the lab's token itself.
 */
export function serveTokens(router: Router, token: string): void {
  router.post('/token', async call => {
    const form = new URLSearchParams((await call.body()).toString())
    const [grant, refresh] = [form.get('grant_type'), form.get('refresh_token')]
    if (grant !== 'refresh_token') return { status: 400, json: { error: 'unsupported_grant_type' } }
    if (!isToken(refresh ?? '', token)) {
      return { status: 400, json: { error: 'invalid_grant', error_description: 'Bad Request' } }
    }
    const scope = 'https://www.googleapis.com/auth/cloud-platform'
    return { json: { access_token: token, expires_in: TOKEN_LIFE_S, scope, token_type: 'Bearer' } }
  })
}
