import { join } from 'node:path'
import { configuredPath, loadEnvironment, placeIn } from '../config/load.ts'
import { environmentNames } from '../config/names.ts'
import type { Environment } from '../config/schema.ts'
import type { FarEnd } from '../google/lease.ts'
import { configuration, OpsError, precondition } from '../runtime/errors.ts'
import type { Json } from '../runtime/json.ts'
import { UndeclaredVariable } from '../terraform/terraform.ts'
import type { Context } from './context.ts'

/** A line of the environment's file that says what an output of the base layer would. */
interface Line {
  path: readonly [string, string, string]
  says: string | undefined
  /** What has the same form means the same. */
  form?: (text: string) => string
}

function linesOf(environment: Pick<Environment, 'access'>): Record<string, Line> {
  const { vm, kubernetes } = environment.access
  const port = kubernetes?.port
  return {
    vm_name: { path: ['access', 'vm', 'name'], says: vm?.name },
    project_id: { path: ['access', 'vm', 'project'], says: vm?.project },
    zone: { path: ['access', 'vm', 'zone'], says: vm?.zone },
    kube_context: { path: ['access', 'kubernetes', 'context'], says: kubernetes?.context },
    kubeconfig_path: { path: ['access', 'kubernetes', 'kubeconfig'], says: kubernetes?.kubeconfig, form: configuredPath },
    api_local_port: {
      path: ['access', 'kubernetes', 'port'],
      says: port === undefined ? undefined : String(port),
      form: text => String(Number(text)),
    },
  }
}

/** Project and zone outlive the layers, which take them as inputs. */
const isInput = (name: string): boolean => name === 'project_id' || name === 'zone'

/** Of the local ports, where nothing says another. */
const FIRST_PORT = 16_443
const usualContext = (name: string) => `threads-${name}`
const usualKubeconfig = (name: string) => `~/.kube/config-threads-${name}`

type Sources = Pick<Context, 'environment' | 'terraform' | 'baseLayer'> & {
  compute: Context['compute']
  /** Where the tunnel to the API leads. */
  apiEnd: () => Promise<FarEnd>
}

/**
 * What an output says. Of what the base layer may leave out, the environment's file says it instead, and then what is known
 * otherwise: project and zone by Terraform's inputs, the VM's address by Compute, the Kubernetes access by its defaults.
 */
export function createOutput(sources: Sources): Context['output'] {
  const { environment, terraform, baseLayer } = sources
  const lines = linesOf(environment)
  let chosen: Promise<number> | undefined

  const otherwise = async (name: string, line: Line | undefined): Promise<string | undefined> => {
    if (isInput(name)) return inputOf(name, line)
    if (name === 'kube_context') return usualContext(environment.name)
    if (name === 'kubeconfig_path') return usualKubeconfig(environment.name)
    if (name === 'vm_internal_ip') return addressOf(await output(baseLayer, 'vm_name'))
    if (name !== 'api_local_port') return undefined
    // It stays what it was once chosen: until the kubeconfig remembers it, this run does.
    chosen ??= portOf()
    chosen.catch(() => {
      chosen = undefined
    })
    return String(await chosen)
  }

  const inputOf = (name: string, line: Line | undefined) =>
    terraform.input(baseLayer, name).catch(error => {
      if (error instanceof UndeclaredVariable) return undefined
      if (!(error instanceof OpsError) || !line) throw error
      throw new OpsError(error.code, error.message, `${error.hint}; or ${toWrite(line)}`, error)
    })

  const addressOf = async (vm: string): Promise<string> => {
    const found = await (await sources.compute()).vm(vm)
    if (found?.internalIp) return found.internalIp
    throw precondition(
      found ? `VM ${vm} has no internal address` : `there is no VM ${vm} in the project`,
      '`./taskw status` shows what exists',
    )
  }

  const portOf = async (): Promise<number> => {
    const [path, context] = await Promise.all([output(baseLayer, 'kubeconfig_path'), output(baseLayer, 'kube_context')])
    const { currentContextPort, rememberedPort } = await import('../cluster/kubeconfig.ts')
    const file = configuredPath(path)
    const remembered = await rememberedPort(file, context)
    if (remembered !== undefined) return remembered
    const others = await othersPorts(environment.name, file)
    // A tree that names no context reads the file by its current one: its providers find the API where that leads.
    const current = await currentContextPort(file)
    if (current !== undefined && !others.includes(current)) return current
    const { choosePort } = await import('../google/tunnel.ts')
    return choosePort(FIRST_PORT, await sources.apiEnd(), others)
  }

  const toWrite = ({ path: [first, second, third] }: Line) =>
    `write in environments/${environment.name}.yaml: ${first}: { ${second}: { ${third}: … } }`

  const missing = (layer: string, name: string, applied: boolean, line: Line | undefined) => {
    const apply = `\`./taskw layer:apply -- ${layer}\``
    const said = applied ? `layer ${layer} has no output "${name}"` : `layer ${layer} is not applied`
    const remedy = applied ? `add the output "${name}" to it and apply it: ${apply}` : `\`./taskw up\`, or ${apply}`
    if (!line) return precondition(said, remedy)
    const none = `environments/${environment.name}.yaml has no ${line.path.join('.')}`
    if (!isInput(name)) return precondition(`${said}, and ${none}`, `${remedy}; or ${toWrite(line)}`)
    // What an apply itself needs is no remedy for a layer that is not applied.
    const declare = `declare the variable in ${join(terraform.root(layer), 'variables.tf')}`
    return precondition(
      `${said}, declares no variable "${name}" whose value can be had, and ${none}`,
      `${applied ? remedy : declare}; or ${toWrite(line)}`,
    )
  }

  const agreed = async (layer: string, name: string, said: string, { path, says, form = text => text }: Line) => {
    if (says === undefined || form(says) === form(said)) return said
    throw configuration(
      `output "${name}" of layer ${layer} is "${said}", but ${await placeIn(environment.name, [...path])}: ${path.join('.')} is "${says}"`,
      'the output is enough: remove the line, or correct whichever is wrong',
    )
  }

  const output: Context['output'] = async (layer, name) => {
    const line = layer === baseLayer ? lines[name] : undefined
    const { outputs, applied } = await terraform.state(layer)
    const said = textOf(outputs[name])
    if (said !== undefined) return line ? agreed(layer, name, said, line) : said
    const known = line?.says ?? (layer === baseLayer ? await otherwise(name, line) : undefined)
    if (known !== undefined) return known
    throw missing(layer, name, applied, line)
  }
  return output
}

function textOf(value: Json | undefined): string | undefined {
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && text !== '' ? text : undefined
}

/**
 * The ports that this machine's other environments have, whether their tunnels are open or not.
 * @param shared a kubeconfig that they may be in, too
 */
async function othersPorts(own: string, shared: string): Promise<number[]> {
  const { rememberedPort } = await import('../cluster/kubeconfig.ts')
  const ports = environmentNames()
    .filter(name => name !== own)
    .map(async name => {
      const other = await loadEnvironment(name).catch(() => undefined)
      const { context = usualContext(name), port, kubeconfig = usualKubeconfig(name) } = other?.access.kubernetes ?? {}
      return [port ?? (await rememberedPort(configuredPath(kubeconfig), context)), await rememberedPort(shared, context)]
    })
  return (await Promise.all(ports)).flat().filter(port => port !== undefined)
}
