import { setTimeout as sleep } from 'node:timers/promises'

const SERVER = 'http://169.254.169.254/computeMetadata/v1'
const HEADERS = { 'Metadata-Flavor': 'Google' }

/** Seconds that a request may wait for a change. */
const HOLD = 60

/** The metadata that the guest agent reads. https://cloud.google.com/compute/docs/metadata/overview */
export interface Metadata {
  instance?: { id?: number | string; preempted?: string; attributes?: Record<string, string> }
  project?: { attributes?: Record<string, string> }
}

/** The metadata, immediately, after each change and once a minute, since keys expire; retries forever when the server does not answer. */
export async function* metadataChanges(): AsyncGenerator<Metadata> {
  let etag = ''
  for (;;) {
    const wait = etag ? `&wait_for_change=true&timeout_sec=${HOLD}&last_etag=${encodeURIComponent(etag)}` : ''
    try {
      const response = await fetch(`${SERVER}/?recursive=true&alt=json${wait}`, {
        headers: HEADERS,
        signal: AbortSignal.timeout((HOLD + 10) * 1000),
      })
      if (!response.ok) throw new Error(`the metadata server answers ${response.status}`)
      const metadata = (await response.json()) as Metadata
      const latest = response.headers.get('etag') ?? ''
      // A server without ETags is polled once a second.
      if (!latest) await sleep(1000)
      etag = latest
      yield metadata
    } catch {
      await sleep(1000)
    }
  }
}

/**
 * Publishes one guest attribute. It is not an error when the server refuses because the instance does not allow them. Retries
 * forever when the server fails or does not answer.
 */
export async function putGuestAttribute(key: string, value: string): Promise<void> {
  for (;;) {
    try {
      const response = await fetch(`${SERVER}/instance/guest-attributes/${key}`, {
        method: 'PUT',
        headers: HEADERS,
        body: value,
      })
      await response.body?.cancel()
      if (response.status < 500) return
    } catch {}
    await sleep(1000)
  }
}
