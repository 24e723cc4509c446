import { type Project, projectNamed } from '../compute/catalogue.ts'
import type { Instance } from '../compute/instance.ts'
import type { Metadata } from '../compute/metadata.ts'
import { lastSegment, segmentAfter } from '../compute/resource.ts'

/** A value, a list (whose elements are named by their index), or a directory. */
export type Node = string | Node[] | { [name: string]: Node }

export interface GuestView {
  instance: Instance
  projectMetadata: Metadata
  /** The access token for the machine's service account. */
  accessToken: string
  preempted: boolean
  guestAttributes: { namespace: string; key: string; value: string }[]
}

/** The contents of `/computeMetadata/v1/` for one machine. */
export function metadataTree(view: GuestView): Node {
  const project = projectNamed(segmentAfter(view.instance.selfLink, 'projects') ?? '')
  return { instance: instanceTree(view, project), project: projectTree(view, project) }
}

const projectTree = ({ projectMetadata }: GuestView, { id, number }: Project): Node => ({
  attributes: attributesIn(projectMetadata),
  'numeric-project-id': number,
  'project-id': id,
})

const attributesIn = ({ items = [] }: Metadata): Node => Object.fromEntries(items.map(({ key, value }) => [key, value]))

function instanceTree({ instance, accessToken, preempted, guestAttributes }: GuestView, project: Project): Node {
  const { name, id, scheduling, metadata, tags, networkInterfaces } = instance
  const zone = lastSegment(instance.zone)
  return {
    attributes: attributesIn(metadata),
    'cpu-platform': String(instance.cpuPlatform),
    description: String(instance.description ?? ''),
    'guest-attributes': grouped(guestAttributes),
    hostname: `${name}.${zone}.c.${project.id}.internal`,
    id,
    'machine-type': `projects/${project.number}/machineTypes/${lastSegment(instance.machineType)}`,
    'maintenance-event': 'NONE',
    name,
    'network-interfaces': networkInterfaces.map(nic => ({
      ip: nic.networkIP,
      network: `projects/${project.number}/networks/${lastSegment(nic.network)}`,
    })),
    preempted: flag(preempted),
    scheduling: {
      'automatic-restart': flag(scheduling.automaticRestart),
      'on-host-maintenance': scheduling.onHostMaintenance,
      preemptible: flag(scheduling.preemptible),
    },
    'service-accounts': serviceAccounts(instance, accessToken),
    tags: JSON.stringify(tags.items ?? []),
    zone: `projects/${project.number}/zones/${zone}`,
  }
}

const flag = (value: boolean): string => (value ? 'TRUE' : 'FALSE')

function grouped(attributes: GuestView['guestAttributes']): { [name: string]: Node } {
  const groups: { [namespace: string]: { [key: string]: Node } } = {}
  for (const { namespace, key, value } of attributes) groups[namespace] = { ...groups[namespace], [key]: value }
  return groups
}

const TOKEN_LIFETIME_SECONDS = 3599

/** The account under its email and as `default`. */
function serviceAccounts({ serviceAccounts: [account] = [] }: Instance, accessToken: string): Node {
  if (!account) return {}
  const tree: Node = {
    aliases: 'default',
    email: account.email,
    scopes: `${account.scopes.join('\n')}\n`,
    token: JSON.stringify({ access_token: accessToken, expires_in: TOKEN_LIFETIME_SECONDS, token_type: 'Bearer' }),
  }
  return { default: tree, [account.email]: tree }
}

/** The node at a path, or undefined. */
export function nodeAt(tree: Node, path: string): Node | undefined {
  let node: Node | undefined = tree
  for (const name of path.split('/').filter(Boolean)) {
    if (node === undefined || typeof node === 'string') return undefined
    node = Array.isArray(node) ? node[Number(name)] : Object.hasOwn(node, name) ? node[name] : undefined
  }
  return node
}

/** Names in a directory, one per line, directories with a slash at the end. */
export function listing(node: Exclude<Node, string>): string {
  return Object.entries(node)
    .map(([name, inner]) => `${name}${typeof inner === 'string' ? '' : '/'}\n`)
    .join('')
}

/**
 * How many levels below these have names chosen by users. Those stay as they are in JSON, where Google's own become camel case.
 */
const chosenLevels: Record<string, number> = { attributes: 1, 'guest-attributes': 2, 'service-accounts': 1 }

/** Everything below a node, as for `?recursive=true`. A token is not included: it has to be requested by its own path. */
export function recursive(node: Node, chosen = 0): unknown {
  if (typeof node === 'string') return node
  if (Array.isArray(node)) return node.map(inner => recursive(inner))
  const shown = Object.entries(node).filter(([name]) => chosen > 0 || name !== 'token')
  return Object.fromEntries(
    shown.map(([name, inner]) =>
      chosen > 0 ? [name, recursive(inner, chosen - 1)] : [camelCase(name), recursive(inner, chosenLevels[name])],
    ),
  )
}

const camelCase = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** The same as lines of `path value`. */
export function recursiveText(node: Node, prefix = ''): string {
  if (typeof node === 'string') return `${prefix} ${node}\n`
  return Object.entries(node)
    .map(([name, inner]) => recursiveText(inner, prefix ? `${prefix}/${name}` : name))
    .join('')
}
