import { readFileSync } from 'node:fs'
import { Agent, type RequestOptions, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'yaml'
import type { KubernetesObject } from './kubernetes.ts'

/** An error response of the API server. */
export class ApiError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

interface Kubeconfig {
  clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }]
  users: [{ user: { 'client-certificate-data'?: string; 'client-key-data'?: string; token?: string } }]
}

/** A thin client: JSON over HTTPS with the kubeconfig's client certificate or token. */
export class Api {
  readonly server: string
  /** The cluster's authority, PEM in base64, for a kubeconfig. */
  readonly authority: string
  readonly #options: RequestOptions
  readonly #headers: Record<string, string>

  constructor(kubeconfigFile: string) {
    const { clusters, users } = parse(readFileSync(kubeconfigFile, 'utf8')) as Kubeconfig
    const decoded = (base64: string) => Buffer.from(base64, 'base64')
    const { 'client-certificate-data': certificate, 'client-key-data': key, token } = users[0].user
    this.server = clusters[0].cluster.server
    this.authority = clusters[0].cluster['certificate-authority-data']
    this.#headers = token ? { authorization: `Bearer ${token}` } : {}
    this.#options = {
      ca: decoded(this.authority),
      ...(certificate && key ? { cert: decoded(certificate), key: decoded(key) } : {}),
      agent: new Agent({ keepAlive: true, maxSockets: 32 }),
    }
  }

  get<T>(path: string): Promise<T> {
    return this.#call('GET', path) as Promise<T>
  }

  /** The object, or undefined when there is none. */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path)
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined
      throw error
    }
  }

  create<T>(path: string, body: unknown): Promise<T> {
    return this.#call('POST', path, body) as Promise<T>
  }

  /** JSON merge patch: lists are replaced as a whole. */
  patch<T>(path: string, body: unknown): Promise<T> {
    return this.#call('PATCH', path, body, 'application/merge-patch+json') as Promise<T>
  }

  async delete(path: string, options: Record<string, unknown> = {}): Promise<void> {
    await this.#call('DELETE', path, { apiVersion: 'v1', kind: 'DeleteOptions', ...options })
  }

  async #call(method: string, path: string, body?: unknown, type = 'application/json'): Promise<unknown> {
    const response = await this.#send(method, path, body, type)
    let text = ''
    for await (const chunk of response) text += chunk
    const status = response.statusCode ?? 0
    if (status >= 400) throw new ApiError(status, messageIn(text) ?? `${method} ${path}: ${status}`)
    return JSON.parse(text)
  }

  #send(method: string, path: string, body?: unknown, type?: string, options: RequestOptions = {}) {
    return new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
      // Without a content length Node sends a DELETE's body unframed.
      const headers = { ...this.#headers, ...(payload ? { 'content-type': type, 'content-length': payload.length } : {}) }
      const call = request(new URL(path, this.server), { ...this.#options, ...options, method, headers }, resolve)
      call.once('error', reject)
      call.end(payload)
    })
  }

  /**
   * Watches a collection forever: `seen` gets each existing object and each change, `gone` each deleted object, including those
   * deleted while the connection was down.
   */
  async follow<T extends KubernetesObject>(collection: string, { seen, gone }: Follower<T>): Promise<never> {
    const known = new Map<string, T>()
    const join = collection.includes('?') ? '&' : '?'
    for (;;) {
      try {
        const list = await this.get<{ metadata: { resourceVersion: string }; items: T[] }>(collection)
        const present = new Set(list.items.map(({ metadata }) => metadata.uid))
        for (const [uid, object] of known) {
          if (present.has(uid)) continue
          known.delete(uid)
          gone(object)
        }
        for (const object of list.items) {
          known.set(object.metadata.uid, object)
          seen(object)
        }
        await this.#watch<T>(
          `${collection}${join}watch=true&resourceVersion=${list.metadata.resourceVersion}`,
          (type, object) => {
            if (type === 'DELETED') {
              known.delete(object.metadata.uid)
              gone(object)
            } else {
              known.set(object.metadata.uid, object)
              seen(object)
            }
          },
        )
      } catch {
        // The API server is down, or the watch has expired: the next listing shows what has changed.
      }
      await sleep(500)
    }
  }

  async #watch<T>(path: string, changed: (type: string, object: T) => void): Promise<void> {
    const response = await this.#send('GET', path, undefined, undefined, { agent: false })
    let rest = ''
    for await (const chunk of response) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const { type, object } = JSON.parse(line) as { type: string; object: T }
        if (type === 'ERROR') return
        changed(type, object)
      }
    }
  }
}

export interface Follower<T> {
  seen: (object: T) => void
  gone: (object: T) => void
}

function messageIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message
  } catch {
    return undefined
  }
}
