import type { Bucket, StoredObject } from './store.ts'

/** An object as the API returns it; its links use the origin at which the client reached this server. */
export function objectReply({ content, ...object }: StoredObject, origin: string): object {
  const { bucket, name, generation } = object
  const path = `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`
  return {
    ...object,
    id: `${bucket}/${name}/${generation}`,
    etag: etagOf(object),
    selfLink: `${origin}${path}`,
    mediaLink: `${origin}/download${path}?generation=${generation}&alt=media`,
  }
}

export function bucketReply(bucket: Bucket, origin: string): object {
  return { ...bucket, etag: etagOf(bucket), selfLink: `${origin}/storage/v1/b/${bucket.name}` }
}

export function etagOf({ generation, metageneration }: { generation?: unknown; metageneration: string }): string {
  return Buffer.from(`${generation ?? ''}/${metageneration}`).toString('base64')
}
