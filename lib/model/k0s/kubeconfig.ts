import { createPrivateKey, X509Certificate } from 'node:crypto'
import { TLS_SERVER_NAME } from './config.ts'
import { fingerprint } from './facts.ts'
import { parseForGo, stringifyForGo } from './yaml.ts'

/** The parts of a kubeconfig that matter here; everything else in a file is kept. */
export interface Kubeconfig {
  clusters?: { name: string; cluster: Record<string, unknown> }[]
  users?: { name: string; user: Record<string, unknown> }[]
  contexts?: { name: string; context: Record<string, unknown> }[]
  'current-context'?: string
  [member: string]: unknown
}

export interface Access {
  /** Name of the context, and of its cluster and user. */
  context: string
  /** Local port of the tunnel to the API. */
  port: number
}

/**
 * An empty text is an empty kubeconfig; a list that is `null`, as kubectl leaves one without entries, is an empty list.
 * @throws Error for a text that is not a kubeconfig, with what is wrong
 */
export function parseKubeconfig(text: string): Kubeconfig {
  const value: unknown = parseForGo(text) ?? {}
  if (!isMap(value)) throw new Error('not a kubeconfig: it must be a map')
  return {
    ...value,
    ...('clusters' in value && { clusters: entriesOf(value, 'clusters', 'cluster') }),
    ...('users' in value && { users: entriesOf(value, 'users', 'user') }),
    ...('contexts' in value && { contexts: entriesOf(value, 'contexts', 'context') }),
  }
}

type Entry<Member extends string> = { name: string } & Record<Member, Record<string, unknown>>

function entriesOf<Member extends string>(file: Record<string, unknown>, list: string, member: Member): Entry<Member>[] {
  const entries = file[list] ?? []
  if (!Array.isArray(entries)) throw new Error(`not a kubeconfig: ${list} must be a list`)
  return entries.map((entry: unknown, at) => {
    const where = `${list}[${at}]`
    if (!isMap(entry) || typeof entry.name !== 'string') throw new Error(`not a kubeconfig: ${where} must have a name`)
    const content = entry[member] ?? {}
    if (!isMap(content)) throw new Error(`not a kubeconfig: ${where}.${member} must be a map`)
    return { ...entry, name: entry.name, [member]: content } as Entry<Member>
  })
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The administrator's entries of `admin` (as k0s prints it: cluster `local`, context `Default`, user `user`) under one name, with
 * the tunnel as the server. Only the fields that are needed are copied: nothing else of a remote file gets in.
 * @throws Error when the certificate authority or the credentials are missing
 */
export function rewriteKubeconfig(admin: Kubeconfig, { context: name, port }: Access): Kubeconfig {
  const authority = admin.clusters?.[0]?.cluster['certificate-authority-data']
  const certificate = admin.users?.[0]?.user['client-certificate-data']
  const key = admin.users?.[0]?.user['client-key-data']
  if (!authority || !certificate || !key) throw new Error('it lacks embedded certificates')
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server: serverOf(port),
          'tls-server-name': TLS_SERVER_NAME,
          'certificate-authority-data': authority,
        },
      },
    ],
    users: [{ name, user: { 'client-certificate-data': certificate, 'client-key-data': key } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  }
}

/** `existing` with the entries of `ours` replaced or added by name; other entries and a current context that still exists stay. */
export function mergeKubeconfig(existing: Kubeconfig, ours: Kubeconfig): string {
  const contexts = over(existing.contexts, ours.contexts)
  const current = existing['current-context']
  const merged: Kubeconfig = {
    ...ours,
    ...existing,
    clusters: over(existing.clusters, ours.clusters),
    users: over(existing.users, ours.users),
    contexts,
    'current-context': contexts.some(({ name }) => name === current) ? current : ours['current-context'],
  }
  return stringifyForGo(merged)
}

function over<T extends { name: string }>(existing: T[] = [], ours: T[] = []): T[] {
  return [...existing.filter(({ name }) => !ours.some(entry => entry.name === name)), ...ours]
}

/** What must change for a kubeconfig to reach the cluster with these certificates; empty when nothing. */
export function kubeconfigChanges(existing: Kubeconfig, access: Access, pki: { ca: string; admin: string }): string[] {
  const { context: name } = access
  const own = ownEntries(existing, name)
  if (!own) return [`add context ${name}`]
  const { cluster, user } = own
  return [
    ...foreignMembers(existing, access),
    ...(embedded(cluster['certificate-authority-data']) === pki.ca ? [] : [`cluster ${name}: another certificate authority`]),
    ...(embedded(user['client-certificate-data']) === pki.admin ? [] : [`user ${name}: another client certificate`]),
  ]
}

/** What is written here, and nothing more: any other member could lead elsewhere, weaken the check of the server, or run a program. */
const WRITTEN = {
  cluster: ['server', 'tls-server-name', 'certificate-authority-data'],
  user: ['client-certificate-data', 'client-key-data'],
  context: ['cluster', 'user'],
}

/**
 * What our context's entries have that is not written here, as far as the file alone shows it; nothing where there is no such context.
 * @param access without a port any local one is taken for the tunnel's
 */
export function foreignMembers(
  existing: Kubeconfig,
  { context: name, port }: Pick<Access, 'context'> & { port?: number },
): string[] {
  const own = ownEntries(existing, name)
  if (!own) return []
  const { cluster, user, context } = own
  const server = port === undefined ? /^https:\/\/127\.0\.0\.1:\d+$/.exec(String(cluster.server))?.[0] : serverOf(port)
  return [
    ...several(existing, name),
    ...(context.cluster === name && context.user === name ? [] : [`context ${name}: refer to cluster and user ${name}`]),
    ...(server !== undefined && cluster.server === server ? [] : [`cluster ${name}: server ${server ?? "the tunnel's"}`]),
    ...(cluster['tls-server-name'] === TLS_SERVER_NAME ? [] : [`cluster ${name}: tls-server-name ${TLS_SERVER_NAME}`]),
    ...strange('cluster', name, cluster),
    ...strange('user', name, user),
    ...strange('context', name, context),
    ...(isPair(user) ? [] : [`user ${name}: the key of its certificate`]),
  ]
}

/** The entries that a context refers to; undefined without the context. */
function ownEntries(existing: Kubeconfig, name: string) {
  const context = existing.contexts?.find(entry => entry.name === name)?.context
  if (!context) return undefined
  return {
    context,
    cluster: existing.clusters?.find(entry => entry.name === context.cluster)?.cluster ?? {},
    user: existing.users?.find(entry => entry.name === context.user)?.user ?? {},
  }
}

/** The local port at which a context expects the API; undefined where it expects it elsewhere, or is not there. */
export function localPort(existing: Kubeconfig, name: string): number | undefined {
  const port = /^https:\/\/(?:127\.0\.0\.1|localhost):(\d+)$/.exec(String(ownEntries(existing, name)?.cluster.server))?.[1]
  return port === undefined ? undefined : Number(port)
}

/** The same of the current context, which is that of whoever names none: such as the providers of a tree that knows of no context. */
export const currentPort = (existing: Kubeconfig): number | undefined => localPort(existing, existing['current-context'] ?? '')

/** Only what is ours of a kubeconfig, for a reader that may take another entry of the same name. */
export const ownKubeconfig = (existing: Kubeconfig, name: string): Kubeconfig => {
  const ours = <T extends { name: string }>(entries: T[] = []) => entries.filter(entry => entry.name === name)
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: ours(existing.clusters),
    users: ours(existing.users),
    contexts: ours(existing.contexts),
    'current-context': name,
  }
}

/** A file that holds one is named so, too. */
const IS_SECRET = /^(?!.*file$).*(key-data|token|password|secret)/i

/** Everybody's secrets in a kubeconfig, keys as PEM and as they stand there. */
export function secretsIn({ users = [] }: Kubeconfig): string[] {
  const found: string[] = []
  const look = (value: unknown, isSecret: boolean): void => {
    if (typeof value === 'string' && isSecret) found.push(value)
    if (typeof value !== 'object' || value === null) return
    // A program's variables are a list of names and values.
    const named = value as { name?: unknown }
    const inNamed = typeof named.name === 'string' && IS_SECRET.test(named.name)
    for (const [key, member] of Object.entries(value))
      look(member, isSecret || IS_SECRET.test(key) || (inNamed && key === 'value'))
  }
  for (const { user } of users) {
    look(user, false)
    if (typeof user['client-key-data'] === 'string') found.push(decoded(user['client-key-data']).toString())
  }
  return found
}

/** Which of two entries with one name counts, every reader decides for itself. */
const several = ({ clusters = [], users = [], contexts = [] }: Kubeconfig, name: string): string[] =>
  Object.entries({ cluster: clusters, user: users, context: contexts }).flatMap(([member, entries]) => {
    const count = entries.filter(entry => entry.name === name).length
    const more = entries.find(entry => entry.name === name && Object.keys(entry).some(key => key !== 'name' && key !== member))
    return [
      ...(count > 1 ? [`${member} ${name}: one instead of ${count}`] : []),
      ...(more ? [`${member} ${name}: an entry with more than its ${member}`] : []),
    ]
  })

const strange = (kind: keyof typeof WRITTEN, name: string, content: Record<string, unknown>): string[] =>
  Object.keys(content)
    .filter(member => !WRITTEN[kind].includes(member))
    .map(member => `${kind} ${name}: no ${member}`)

/** Whether the key is that of the certificate; what can't be read is for whoever uses it to say. */
function isPair(user: Record<string, unknown>): boolean {
  try {
    const certificate = new X509Certificate(decoded(user['client-certificate-data']))
    return certificate.checkPrivateKey(createPrivateKey(decoded(user['client-key-data'])))
  } catch {
    return true
  }
}

const serverOf = (port: number): string => `https://127.0.0.1:${port}`

const decoded = (data: unknown): Buffer => Buffer.from(String(data), 'base64')

const embedded = (data: unknown): string | undefined =>
  typeof data === 'string' ? fingerprint(decoded(data).toString().trimEnd()) : undefined
