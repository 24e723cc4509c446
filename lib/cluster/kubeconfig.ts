import type { RequestOptions } from 'node:https'
import {
  currentPort,
  foreignMembers,
  type Kubeconfig,
  localPort,
  ownKubeconfig,
  parseKubeconfig,
  secretsIn,
} from '../model/k0s/kubeconfig.ts'
import { configuration, messageOf, precondition } from '../runtime/errors.ts'
import { readNamed } from '../runtime/files.ts'
import { neverShow } from '../runtime/redact.ts'
import type { Connection } from './rest.ts'

const REMEDY = '`./taskw kubeconfig`'

/**
 * The connection of a kubeconfig's context, `tls-server-name` included: the server is the local end of a tunnel.
 * @param port of that end, where it is known
 * @throws OpsError 4 when there is no such file or its entries are not those that are written here, 3 when it can't be read or the
 * context is missing
 */
export async function readConnection(path: string, context: string, port?: number): Promise<Connection> {
  const text = await readNamed(path)
  if (text === undefined) throw precondition(`there is no kubeconfig ${path}`, REMEDY)
  const file = parsed(path, text)
  refuse(path, foreignMembers(file, { context, ...(port !== undefined && { port }) }))
  const [own] = ownKubeconfig(file, context).clusters ?? []
  if (!own) {
    const names = file.contexts?.map(({ name }) => name) ?? []
    throw configuration(`the kubeconfig ${path} has no context "${context}"; it has: ${names.join(', ') || 'none'}`, REMEDY)
  }
  // Takes a quarter of a second to load.
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  // What was looked at, and not what another parser makes of the file.
  config.loadFromString(JSON.stringify(ownKubeconfig(file, context)))
  return {
    server: String(own.cluster.server),
    async options() {
      const options: RequestOptions = {}
      await config.applyToHTTPSOptions(options)
      return options
    },
  }
}

/**
 * Terraform's providers read the file, too. Where it can't be read, or is not there, they say so themselves.
 * @throws OpsError 4 when its entries of this name are not those that are written here
 */
export async function refuseForeign(path: string, context: string, port: number): Promise<void> {
  const file = await fileAt(path)
  if (file) refuse(path, foreignMembers(file, { context, port }))
}

/** From now on they are in no text. */
function withoutItsSecrets(file: Kubeconfig): Kubeconfig {
  for (const secret of secretsIn(file)) neverShow(secret)
  return file
}

/** The local port that a kubeconfig's context names already; undefined where there is none, or the file can't be read. */
export async function rememberedPort(path: string, context: string): Promise<number | undefined> {
  const file = await fileAt(path)
  return file && localPort(file, context)
}

/** The local port at which a kubeconfig's current context expects the API, if it does on this machine. */
export async function currentContextPort(path: string): Promise<number | undefined> {
  const file = await fileAt(path)
  return file && currentPort(file)
}

/** Undefined where there is none, or it can't be read. */
async function fileAt(path: string): Promise<Kubeconfig | undefined> {
  const text = await readNamed(path).catch(() => undefined)
  return text === undefined ? undefined : legible(text)
}

function legible(text: string): Kubeconfig | undefined {
  try {
    return withoutItsSecrets(parseKubeconfig(text))
  } catch {
    return undefined
  }
}

function refuse(path: string, foreign: string[]): void {
  if (foreign.length === 0) return
  throw precondition(`the kubeconfig ${path} is not used as it is: it needs ${foreign.join(', ')}`, REMEDY)
}

function parsed(path: string, text: string): Kubeconfig {
  try {
    return withoutItsSecrets(parseKubeconfig(text))
  } catch (error) {
    throw configuration(`the kubeconfig ${path} can't be read: ${messageOf(error)}`, REMEDY, error)
  }
}
