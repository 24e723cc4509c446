import { timingSafeEqual } from 'node:crypto'

/** Whether an `Authorization` header has the lab's token, as bearer token or as Basic password; in constant time. */
export function hasToken(authorization: string | undefined, token: string): boolean {
  const [scheme, value = ''] = (authorization ?? '').split(' ')
  const basic = () => Buffer.from(value, 'base64').toString().split(':').slice(1).join(':')
  const given = Buffer.from(scheme?.toLowerCase() === 'basic' ? basic() : value)
  const wanted = Buffer.from(token)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}
