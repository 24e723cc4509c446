/**
 * Runs in place of the programs of nextjs, ml-service and any further service, which the lab does not build: an HTTP server that reports its image
 * and version, and stores posts in postgres. The version is that of the sources in the image.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, get, type IncomingMessage } from 'node:http'
import { hostname } from 'node:os'
import { promisify } from 'node:util'

const { DATABASE_URL = '', IMAGE, IMAGE_ID, IMAGE_VERSION, ML_SERVICE_URL, POD_IP, PORT, SERVICE } = process.env
const APPLICATION = '/app'
/** Maximum size of a post in bytes. */
const LARGEST_POST = 64 * 1024

const text = (file: string): string => {
  try {
    return readFileSync(`${APPLICATION}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
const version =
  /"version"\s*:\s*"([^"]+)"/.exec(text('package.json'))?.[1] ??
  /^version\s*=\s*"([^"]+)"/m.exec(text('pyproject.toml'))?.[1] ??
  IMAGE_VERSION ??
  'unknown'

/** Runs a query, with values for its `:'name'` variables. @returns psql's output @throws Error with the server's message */
async function query(sql: string, values: Record<string, string> = {}): Promise<string> {
  const { hostname: host, port, username, password, pathname } = new URL(DATABASE_URL)
  const names = Object.keys(values)
  const work = promisify(execFile)('psql', ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--file=-'], {
    timeout: 4000,
    env: {
      ...{ PATH: process.env.PATH, PGCONNECT_TIMEOUT: '3', PGHOST: host, PGPORT: port || '5432' },
      ...{ PGUSER: username, PGPASSWORD: decodeURIComponent(password), PGDATABASE: pathname.slice(1) },
      ...values,
    },
  })
  work.child.stdin?.on('error', () => undefined)
  work.child.stdin?.end(`\\set ON_ERROR_STOP 1\n${names.map(name => `\\getenv ${name} ${name}\n`).join('')}${sql}\n`)
  try {
    return (await work).stdout.trim()
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string }
    throw new Error(stderr.trim().split('\n')[0] || message)
  }
}

const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: Error) => error.message,
  )

/** Node's `fetch` would take more memory than the rest of this program. */
const recommender = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = get(`${ML_SERVICE_URL}/version`, { agent: false, timeout: 1000 }, response => {
      response.resume()
      if (response.statusCode === 200) resolve()
      else reject(new Error(`it answers ${response.statusCode}`))
    })
    request.on('timeout', () => request.destroy(new Error('it does not answer'))).on('error', reject)
  })

const self = { service: SERVICE, version, image: IMAGE, imageID: IMAGE_ID, pod: hostname() }

interface Answer {
  status: number
  body: unknown
}

/** The database is required, the other service is not. */
async function health(): Promise<Answer> {
  const [database, mlService] = await Promise.all([
    outcome(query('SELECT 1;')),
    ML_SERVICE_URL ? outcome(recommender()) : undefined,
  ])
  return { status: database === 'ok' ? 200 : 503, body: { ...self, database, mlService } }
}

const TABLE =
  'SET client_min_messages = warning; CREATE TABLE IF NOT EXISTS posts (id serial PRIMARY KEY, body text, at timestamptz DEFAULT now());'

async function listPosts(): Promise<Answer> {
  const posts = await query(`${TABLE} SELECT coalesce(json_agg(p ORDER BY id), '[]') FROM posts p;`)
  return { status: 200, body: JSON.parse(posts) }
}

async function addPost(request: IncomingMessage): Promise<Answer> {
  let content = ''
  for await (const chunk of request.setEncoding('utf8')) {
    content += chunk
    if (content.length > LARGEST_POST) return { status: 413, body: { error: 'too large' } }
  }
  const post = await query(`${TABLE} INSERT INTO posts (body) VALUES (:'content') RETURNING row_to_json(posts);`, { content })
  return { status: 201, body: JSON.parse(post) }
}

/** As in the rest of the lab, whose code is not in the container: a path that can be decoded and names no host. */
function pathIn(url: string): string | undefined {
  try {
    if (!/^\/(?!\/)/.test(url)) return undefined
    const { pathname } = new URL(`http://localhost${url}`)
    return /\p{Cc}/u.test(decodeURIComponent(pathname)) ? undefined : pathname
  } catch {
    return undefined
  }
}

async function answer(request: IncomingMessage): Promise<Answer> {
  const { method = '', url = '/' } = request
  const path = pathIn(url)
  if (path === undefined) return { status: 400, body: { error: 'bad request' } }
  if (path === '/posts' && method === 'POST') return addPost(request)
  if (!['GET', 'HEAD'].includes(method)) return { status: 405, body: { error: 'method not allowed' } }
  if (path === '/' || path === '/health') return health()
  if (path === '/posts') return listPosts()
  return path === '/version' ? { status: 200, body: self } : { status: 404, body: { error: 'not found' } }
}

const server = createServer(async (request, response) => {
  const { status, body } = await answer(request).catch((error: Error) => ({ status: 503, body: { error: error.message } }))
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
  if (status >= 400) console.error(`${request.method} ${request.url} ${status} ${JSON.stringify(body)}`)
})
process.once('SIGTERM', () => {
  console.log('SIGTERM: shutting down')
  server.close(() => process.exit())
  server.closeIdleConnections()
})
server.listen(Number(PORT), POD_IP, () => console.log(`${SERVICE} ${version} listens on ${POD_IP}:${PORT}`))
