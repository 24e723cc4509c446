/** The parts of an image's name. */
export interface Reference {
  /** With its registry. */
  repository: string
  tag?: string
  /** `sha256:…` */
  digest?: string
}

/** `host:port/path:tag@sha256:…`; a colon before the last slash belongs to the port. */
export function parseReference(reference: string): Reference {
  const [name = '', digest] = reference.split('@')
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1)
  return {
    repository: colon < 0 ? name : name.slice(0, colon),
    ...(colon >= 0 && { tag: name.slice(colon + 1) }),
    ...(digest !== undefined && { digest }),
  }
}

/** A registry's host, and the image's path in it. */
export function splitRepository(repository: string): { host: string; path: string } {
  const slash = repository.indexOf('/')
  return { host: repository.slice(0, slash), path: repository.slice(slash + 1) }
}

/** Artifact Registry's hosts, and those of the Container Registry that it has replaced. https://docs.cloud.google.com/artifact-registry/docs/transition/gcr-repositories */
const GOOGLES = /^([a-z0-9-]+-docker\.pkg\.dev|([a-z0-9-]+\.)?gcr\.io)$/

/** Whether a registry's URL is one of Google's own, to which alone Google's credentials may go. */
export function isGoogleRegistry(url: string): boolean {
  const { protocol, hostname, port, username, password } = new URL(url)
  return protocol === 'https:' && port === '' && username === '' && password === '' && GOOGLES.test(hostname)
}
