import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { readIfExists } from '../runtime/files.ts'
import { answering, BadRequest, decoded, targetOf } from '../runtime/serving.ts'

/** Reads an object of a bucket; undefined when there is none, or no such bucket. */
export type ReadObject = (bucket: string, object: string) => Promise<string | undefined>

/**
 * The state bucket as something to look at. Terraform's GCS backend writes wherever it looks: an empty state where there
 * is none, on `init`, `plan` and `state pull` alike, for a layer's own state and for each that it reads. Here its reads are
 * answered from the bucket, and what it writes stays here.
 */
export interface BucketView {
  /** For the backend's `storage_custom_endpoint`. */
  endpoint: string
  /** The variable that leads the backend, and each `terraform_remote_state`, here. */
  environment: Record<string, string>
  /** The objects that were asked for, as `bucket/object`. */
  asked: ReadonlySet<string>
  /** What Terraform would have written. */
  kept(bucket: string, object: string): string | undefined
  /** Why the bucket could not be read. */
  fault(): unknown
  close(): Promise<void>
}

/** A view into a bucket that is empty, whatever its name. */
export const emptyBucket: ReadObject = async () => undefined

/** An empty bucket asks for no credentials, but Terraform's backend does not begin without any. */
export const NO_CREDENTIALS = { GOOGLE_OAUTH_ACCESS_TOKEN: 'none' }

const LOOPBACK = '127.0.0.1'
const OBJECTS = /^(\/upload)?\/storage\/v1\/b\/([^/]+)\/o(?:\/(.+))?$/
const METHODS = ['GET', 'POST', 'DELETE']
/** What Google's library does not try again. */
const FORBIDDEN = 403

/** @param onContent called once the content of an object has been answered */
export async function openBucketView(
  read: ReadObject,
  onContent?: (bucket: string, object: string) => void,
): Promise<BucketView> {
  const written = new Map<string, string>()
  const asked = new Set<string>()
  let fault: unknown

  const contentOf = async (bucket: string, object: string) => {
    asked.add(`${bucket}/${object}`)
    return written.get(`${bucket}/${object}`) ?? (await read(bucket, object))
  }

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    if (!METHODS.includes(request.method ?? '')) throw new BadRequest('no such method', 405)
    const { pathname, searchParams } = targetOf(request)
    const [, upload, bucket, name] = OBJECTS.exec(pathname) ?? []
    if (bucket === undefined) {
      // Contents are read at the root: /bucket/object.
      const [, from = '', ...object] = pathname.split('/').map(decoded)
      const content = await contentOf(from, object.join('/'))
      if (content === undefined) return missing
      return { status: 200, body: content, sent: () => onContent?.(from, object.join('/')) }
    }
    if (upload) {
      const object = searchParams.get('name') ?? ''
      const content = secondPart(await buffer(request), request.headers['content-type'] ?? '')
      if (searchParams.get('ifGenerationMatch') === '0' && written.has(`${bucket}/${object}`)) return { status: 412 }
      written.set(`${bucket}/${object}`, content)
      return described(bucket, object, content)
    }
    if (name === undefined) return json({ kind: 'storage#objects', items: [] })
    const object = decoded(name)
    if (request.method === 'DELETE') return written.delete(`${bucket}/${object}`) ? { status: 204 } : missing
    const content = await contentOf(bucket, object)
    return content === undefined ? missing : described(bucket, object, content)
  }

  const server = createServer(
    answering(async (request, response) => {
      try {
        if (!(await isOurOwn(request))) return send(response, { status: FORBIDDEN })
        send(response, await answer(request))
      } catch (error) {
        if (error instanceof BadRequest) throw error
        fault ??= error
        send(response, { status: FORBIDDEN, body: 'the state bucket cannot be read' })
      }
    }),
  )
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, LOOPBACK, resolve))

  const endpoint = `http://${LOOPBACK}:${(server.address() as AddressInfo).port}/storage/v1/`
  return {
    endpoint,
    environment: { GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT: endpoint },
    asked,
    kept: (bucket, object) => written.get(`${bucket}/${object}`),
    fault: () => fault,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Answer {
  status: number
  headers?: Record<string, string>
  body?: string
  sent?: () => void
}

const missing: Answer = { status: 404, body: 'No such object' }

const json = (value: object): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})

/** The lock's id is its object's generation: here every object has its first. */
const described = (bucket: string, name: string, content: string): Answer =>
  json({
    kind: 'storage#object',
    ...{ bucket, name, generation: '1', metageneration: '1', size: String(Buffer.byteLength(content)) },
    md5Hash: createHash('md5').update(content).digest('base64'),
  })

function send(response: ServerResponse, { status, headers, body, sent }: Answer): void {
  response.writeHead(status, headers).end(body, sent)
}

/** The object's content: the second part of a `multipart/related` upload. */
function secondPart(body: Buffer, type: string): string {
  const boundary = /boundary="?([^";]+)"?/.exec(type)?.[1]
  const part = boundary === undefined ? undefined : body.toString().split(`--${boundary}`)[2]
  const start = part?.indexOf('\r\n\r\n') ?? -1
  if (part === undefined || start < 0) throw new BadRequest('an upload that is not multipart')
  return part.slice(start + '\r\n\r\n'.length, -'\r\n'.length)
}

/** States hold secrets, and any user of a machine may connect to its loopback address. Where the system does not say who did, nobody is refused. */
async function isOurOwn({ socket }: IncomingMessage): Promise<boolean> {
  const table = await readIfExists('/proc/net/tcp').catch(() => undefined)
  if (table === undefined) return true
  const port = (socket.remotePort ?? 0).toString(16).toUpperCase().padStart(4, '0')
  // Its rows are all connections of the machine: only one is taken apart.
  const row = table.split('\n').find(line => line.includes(`: 0100007F:${port} `))
  return row?.trim().split(/\s+/)[7] === String(process.getuid?.())
}
