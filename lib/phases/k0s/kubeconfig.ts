import { stat } from 'node:fs/promises'
import { configuredPath } from '../../config/load.ts'
import { k0sOn } from '../../host/k0s.ts'
import { dataDirectory } from '../../model/k0s/facts.ts'
import {
  type Access,
  type Kubeconfig,
  kubeconfigChanges,
  mergeKubeconfig,
  parseKubeconfig,
  rewriteKubeconfig,
  secretsIn,
} from '../../model/k0s/kubeconfig.ts'
import type { Context } from '../../operation/context.ts'
import { configuration, external, messageOf } from '../../runtime/errors.ts'
import { readNamed, writeAtomically } from '../../runtime/files.ts'
import type { Phase } from '../../runtime/phases.ts'
import { neverShow } from '../../runtime/redact.ts'

const PRIVATE = 0o600
const PERMISSIONS = 0o777

type KubeconfigContext = Pick<Context, 'baseLayer' | 'output' | 'host'>

/** Writes the kubeconfig file that Terraform's outputs name: the administrator of this cluster, through the tunnel's local port. */
export function kubeconfig(): Phase<KubeconfigContext> {
  return {
    id: 'kubeconfig',
    title: 'kubeconfig',

    async check(context) {
      const { path, access } = await target(context)
      const { pki } = (await k0sOn(await context.host()).facts()).k0s
      if (!pki) return { state: 'unknown', needs: 'k0s to have made its certificates' }
      const file = await read(path)
      const changes = [...kubeconfigChanges(file.content, access, pki), ...(file.private ? [] : ['readable by its owner only'])]
      return changes.length > 0
        ? { state: 'todo', changes: changes.map(change => `${path}: ${change}`) }
        : { state: 'done', evidence: { path, context: access.context } }
    },

    async run(context) {
      const { path, access } = await target(context)
      const host = await context.host()
      const k0s = k0sOn(host)
      const dataDir = dataDirectory((await k0s.facts()).k0s)
      const ours = rewritten(host.name, await k0s.adminKubeconfig(dataDir), access)
      const { text, content } = await read(path)
      if (text !== undefined) await writeAtomically(`${path}.old`, text, PRIVATE)
      await writeAtomically(path, mergeKubeconfig(content, ours), PRIVATE)
      return { path, context: access.context }
    },
  }
}

async function target({ baseLayer, output }: KubeconfigContext): Promise<{ path: string; access: Access }> {
  const [path, context, port] = await Promise.all([
    output(baseLayer, 'kubeconfig_path'),
    output(baseLayer, 'kube_context'),
    output(baseLayer, 'api_local_port'),
  ])
  return { path: configuredPath(path), access: { context, port: Number(port) } }
}

interface File {
  text: string | undefined
  content: Kubeconfig
  /** Whether only its owner may read it; true for a file that does not exist. */
  private: boolean
}

/** @throws OpsError 3 for a file that is not a kubeconfig: it may matter to somebody, so it is not overwritten */
async function read(path: string): Promise<File> {
  const text = await readNamed(path)
  if (text === undefined) return { text, content: {}, private: true }
  try {
    const content = parseKubeconfig(text)
    for (const secret of secretsIn(content)) neverShow(secret)
    return { text, content, private: ((await stat(path)).mode & PERMISSIONS) === PRIVATE }
  } catch (error) {
    throw configuration(`${path} is not a kubeconfig: ${messageOf(error)}`, 'repair it or move it away', error)
  }
}

function rewritten(host: string, text: string, access: Access): Kubeconfig {
  try {
    const ours = rewriteKubeconfig(parseKubeconfig(text), access)
    for (const secret of secretsIn(ours)) neverShow(secret)
    return ours
  } catch (error) {
    throw external(`the kubeconfig of k0s on ${host} can't be used: ${messageOf(error)}`, 'run `./taskw bootstrap`', error)
  }
}
