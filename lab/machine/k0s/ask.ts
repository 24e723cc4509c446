import { type RequestOptions, request } from 'node:http'
import { text } from 'node:stream/consumers'

/** Asks a server on a Unix socket. @throws Error when nobody answers */
export const askSocket = (
  options: RequestOptions & { socketPath: string },
  body?: object,
): Promise<{ ok: boolean; body: string }> =>
  new Promise((resolve, reject) => {
    const asked = request(options, answer => {
      const { statusCode = 0 } = answer
      text(answer).then(content => resolve({ ok: statusCode >= 200 && statusCode < 300, body: content }), reject)
    })
    asked.once('error', reject).end(body && JSON.stringify(body))
  })
