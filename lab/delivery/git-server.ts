import { spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { answering, BadRequest, decoded, targetOf } from '../../lib/runtime/serving.ts'
import { hasToken } from './token.ts'

/**
 * Git's smart HTTP protocol for the bare repositories in a folder, at `/<repository>.git/…` or, as on GitHub, with an owner
 * before it (any owner will do). Anybody may fetch; a push requires the token, as bearer token or as Basic password.
 */
export function createGitServer({ repositories, token }: { repositories: string; token: string }): Server {
  return createServer(
    answering((request, response) => {
      const url = targetOf(request)
      if (isPush(url) && !hasToken(request.headers.authorization, token)) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="git.lab"' }).end('a push wants the token\n')
        return
      }
      serve(repositories, url, request, response)
    }),
  )
}

const isPush = (url: URL): boolean =>
  url.searchParams.get('service') === 'git-receive-pack' || url.pathname.endsWith('/git-receive-pack')

/** The path below the folder of repositories, without an owner before it. @throws BadRequest where a part of it is empty, `.` or `..` */
function pathIn(url: URL): string {
  const path = decoded(url.pathname)
  if (/\/\.{0,2}\//.test(`${path.replace(/\/$/, '')}/`)) throw new BadRequest('No repository is there.', 404)
  return path.replace(/^\/[^/]+(?=\/[^/]+\.git\/)/, '')
}

/** One CGI call. https://git-scm.com/docs/git-http-backend */
function serve(repositories: string, url: URL, request: IncomingMessage, response: ServerResponse): void {
  const header = (name: string) => String(request.headers[name] ?? '')
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROJECT_ROOT: repositories,
      GIT_PROTOCOL: header('git-protocol'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      CONTENT_TYPE: header('content-type'),
      ...(request.headers['content-length'] && { CONTENT_LENGTH: request.headers['content-length'] }),
      PATH_INFO: pathIn(url),
      QUERY_STRING: url.search.slice(1),
      REMOTE_ADDR: request.socket.remoteAddress ?? '',
      REQUEST_METHOD: request.method,
      // The backend accepts pushes only from a named user; authorization was checked above.
      ...(isPush(url) && { REMOTE_USER: 'lab' }),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const fail = () => {
    if (!response.headersSent) response.writeHead(500)
    response.end()
  }
  backend.on('error', fail)
  // The client may hang up, or the backend exit, before the other has sent everything.
  backend.stdin.on('error', () => undefined)
  response.on('close', () => backend.kill())
  request.pipe(backend.stdin)

  let head = Buffer.alloc(0)
  const onHead = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    backend.stdout.off('data', onHead)
    const { status, headers } = parseHead(head.toString('latin1', 0, end))
    response.writeHead(status, headers)
    response.write(head.subarray(end + 4))
    backend.stdout.pipe(response)
  }
  backend.stdout.on('data', onHead)
  backend.stdout.once('end', () => {
    if (!response.headersSent) fail()
  })
}

/** The header lines of a CGI response, the status among them. */
export function parseHead(text: string): { status: number; headers: [string, string][] } {
  let status = 200
  const headers: [string, string][] = []
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).trim()
    if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
    else headers.push([name, value])
  }
  return { status, headers }
}
