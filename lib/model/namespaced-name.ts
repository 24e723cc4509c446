/** What identifies a namespaced Kubernetes object among those of its kind; written `threads/postgres`. */
export interface NamespacedName {
  namespace: string
  name: string
}

/** `threads/postgres` taken apart. */
export function parseNamespacedName(text: string): NamespacedName {
  const slash = text.indexOf('/')
  return { namespace: text.slice(0, slash), name: text.slice(slash + 1) }
}

/** An object's `threads/postgres`. */
export const namespacedName = ({
  metadata: { namespace = '', name },
}: {
  metadata: { namespace?: string; name: string }
}): string => `${namespace}/${name}`

/** What findings call an object: `threads/Pod/nextjs-…`, or `Node/threads-lab-vm` where the kind has no namespaces. */
export const objectName = (kind: string, { namespace, name }: Partial<NamespacedName> & { name: string }): string =>
  namespace ? `${namespace}/${kind}/${name}` : `${kind}/${name}`
