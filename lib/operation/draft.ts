import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { parseDocument, stringify } from 'yaml'
import { layerRoot, USUAL_ROOT } from '../config/layer-root.ts'
import { configuredPath, parseEnvironment } from '../config/load.ts'
import { environmentNames } from '../config/names.ts'
import { type Environment, environmentSchema } from '../config/schema.ts'
import { type Draft, type Gap, set } from '../model/draft/file.ts'
import { isNumbered, type Layout, layoutOf } from '../model/draft/layout.ts'
import { deliveryOf, expectationsOf, servicesOf } from '../model/draft/running.ts'
import { scheduleIn } from '../model/draft/schedule.ts'
import type { Inventory } from '../model/health/inventory.ts'
import { foundSnapshots } from '../model/snapshot/found.ts'
import { asOpsError, configuration, exitCodes, messageOf, OpsError, precondition, usage } from '../runtime/errors.ts'
import { root as checkout } from '../runtime/files.ts'
import type { Json } from '../runtime/json.ts'
import type { Run } from '../runtime/script.ts'
import { isThere } from '../terraform/backend-file.ts'
import { filesIn, isConfiguration } from '../terraform/scratch.ts'
import type { Context } from './context.ts'
import { openContext } from './open.ts'

/** What one source says of an environment: some of its file, or why it can't be had. */
export interface Part {
  content?: { [key: string]: Json | undefined }
  gaps?: Gap[]
  notes?: Draft['notes']
}

/** How deep below the tree's folder roots are looked for: `<layer>/envs/<env>` and one more. */
const DEPTH = 4
/** How long the VM may take to answer, in milliseconds: nobody waits for one that boots. */
const VM_WITHIN_MS = 60_000

export interface DraftOptions {
  env: string
  /** The folder of the layers. */
  from: string
  /** Where their roots are, below them. */
  root?: string
  /** Keys of the file with their values as YAML: they win over what is found. */
  set: [string, string][]
}

export const draftPath = (env: string): string => join(checkout, 'environments', `${env}.yaml`)

/**
 * A draft of an environment's file, from its Terraform tree, the states and what runs. Nothing is changed.
 * @throws OpsError 2 or 4 for a tree without one clear layout, 3 for a line of `set` that the file can't have
 */
export async function drafted(run: Run<DraftOptions>): Promise<Draft> {
  const { env, from, root, set: lines } = run.options
  const named = environmentSchema.shape.name.safeParse(env)
  if (!named.success)
    throw usage(`"${env}" can't be the name of an environment: it ${named.error.issues[0]?.message}`, 'ENV=<name>')
  const start: Draft = {
    content: { schema: 'threads-ops/environment/1', name: env },
    gaps: [],
    notes: [],
  }
  for (const [key, value] of lines) {
    const [error] = parseDocument(value).errors
    if (error) throw usage(`--set ${key}=${value}: not YAML: ${error.message.split('\n')[0]}`, 'correct the value')
  }
  const withLines = (draft: Draft) => lines.reduce((before, [key, value]) => set(before, key.split('.'), value), draft)
  const asked = async (draft: Draft, ask: (context: Context) => Promise<Part[]>): Promise<Draft> => {
    const { context, close } = await openContext('init', run, accepted(env, withLines(draft)))
    try {
      return (await ask(context)).reduce(extended, draft)
    } finally {
      await close()
    }
  }
  const tree = extended(start, await treePart(from, env, root))
  const withVm = await asked(tree, async context => [await vmPart(context)])
  const found = await asked(withVm, runningParts)
  return withLines(extended(found, { content: { guards: { confirm: 'typed', destroy: false, drills: false } } }))
}

/** An environment that the draft can be of; what it can't have is a line of `--set`, as there is no file yet. */
function accepted(env: string, { content }: Draft): Environment {
  try {
    return provisional(env, content)
  } catch (error) {
    const { message } = asOpsError(error)
    throw configuration(message, 'correct the --set that it is about; docs/environments.md describes every key', error)
  }
}

/** A draft and what one more source says; maps are joined. */
function extended(draft: Draft, { content = {}, gaps = [], notes = [] }: Part): Draft {
  const joined = { ...draft.content }
  for (const [key, value] of Object.entries(content)) {
    const before = joined[key]
    joined[key] = isMap(before) && isMap(value) ? { ...before, ...value } : value
  }
  return { content: joined, gaps: [...draft.gaps, ...gaps], notes: [...draft.notes, ...notes] }
}

const isMap = (value: Json | undefined): value is { [key: string]: Json | undefined } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The layers of a tree and where its backend is configured.
 * @throws OpsError 4 for a folder without roots, 2 when it can't be said which are meant
 */
export async function treePart(from: string, env: string, root?: string): Promise<Part> {
  const directory = configuredPath(from)
  const isFolder = await stat(directory).then(
    found => found.isDirectory(),
    () => undefined,
  )
  if (!isFolder)
    throw precondition(
      `${directory} ${isFolder === undefined ? "is not there, or can't be entered" : 'is no folder'}`,
      'name the folder that the layers are in, relative to this checkout or absolute: --from <folder>',
    )
  const folders = await foldersWithTerraform(directory)
  if (folders.length === 0)
    throw precondition(`there is no Terraform in ${directory}`, 'name the folder that the layers are in: --from <folder>')
  const layout = layoutOf(folders, env, root)
  if (!('layers' in layout)) {
    const known = layout.roots.length > 0 ? `it has roots at ${layout.roots.join(', ')} of its layers` : 'it has modules only'
    const what = root === undefined ? "it can't be said which of them are the environment's" : `and none at ${root}`
    throw usage(`${directory}: ${known}, ${what}`, 'say where they are below the layers: --root <folder>')
  }
  const { layers, root: template, others } = layout
  const backendConfig = await backendOf(directory, layout, env)
  return {
    content: {
      terraform: {
        directory: from,
        ...(template !== USUAL_ROOT && { root: template }),
        ...(backendConfig !== undefined && { backendConfig }),
        layers,
      },
    },
    notes: [
      ...(isNumbered(layers) ? [] : [{ key: 'terraform', text: 'Check the order of the layers: their names do not say it.' }]),
      ...(others.length > 0 ? [{ key: 'terraform', text: `Without a root at ${template}: ${others.join(', ')}.` }] : []),
    ],
  }
}

const USUAL_BACKEND = 'backend-config.hcl'

async function foldersWithTerraform(directory: string): Promise<string[]> {
  const found: string[] = []
  const look = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    if (entries.some(entry => entry.isFile() && isConfiguration(entry.name))) found.push(relative(directory, folder))
    if (depth === DEPTH) return
    const below = entries.filter(entry => entry.isDirectory() && !/^\.|^node_modules$/.test(entry.name))
    await Promise.all(below.map(({ name }) => look(join(folder, name), depth + 1)))
  }
  await look(directory, 0)
  return found.sort()
}

/** The name of the roots' partial backend configuration, where it is not the usual one. */
async function backendOf(directory: string, { layers, root }: Layout, env: string): Promise<string | undefined> {
  if (await isThere(join(directory, USUAL_BACKEND))) return undefined
  const each = await Promise.all(layers.map(layer => filesIn(layerRoot(layer, { directory, root, env }))))
  const names = new Set(each.flatMap(files => files.filter(file => /^[^.].*\.(hcl|tfbackend)$/.test(file))))
  return names.size === 1 && !names.has(USUAL_BACKEND) ? [...names][0] : undefined
}

/** An environment as far as it is known, to ask with; what is asked for has values that nothing is read by. */
export function provisional(name: string, content: Draft['content']): Environment {
  const none = { version: 'v0.0.0+k0s.0', binary: { file: 'unknown', sha256: '0'.repeat(64) } }
  const usual = {
    k0s: none,
    snapshots: { after: [] },
    verify: { namespaces: {}, applications: [], volumes: [] },
    guards: { confirm: 'typed', destroy: false },
  }
  const value = { schema: 'threads-ops/environment/1', name, ...usual, ...content }
  return parseEnvironment(stringify(value), `the draft of environments/${name}.yaml`, name)
}

/** The VM, where the first layer's outputs do not name it. */
export async function vmPart({ terraform, baseLayer, log }: Pick<Context, 'terraform' | 'baseLayer' | 'log'>): Promise<Part> {
  const example = { project: 'PROJECT', zone: 'us-east1-b', name: 'VM' }
  const gap = (why: string): Part => ({ gaps: [{ path: ['access', 'vm'], example, why }] })
  try {
    const { applied, outputs } = await terraform.state(baseLayer)
    if (!applied) return gap(`Layer ${baseLayer} is not applied: nothing is known of its VM.`)
    if (typeof outputs.vm_name === 'string') return {}
    const vms = (await terraform.resources(baseLayer)).filter(({ type }) => type === 'google_compute_instance')
    const [vm] = vms
    if (!vm || vms.length > 1)
      return gap(`Layer ${baseLayer} has no output vm_name, and ${vms.length} VMs: say which is meant.`)
    const { name, zone, project } = vm.attributes as Record<string, string>
    const known = { project: outputs.project_id === undefined && project, zone: outputs.zone === undefined && zone, name }
    const said = Object.entries(known).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    return { content: { access: { vm: Object.fromEntries(said) } } }
  } catch (error) {
    return gap(whyNot(error, "Terraform's states can't be read", log))
  }
}

/** Why something was asked in vain. @throws what ends the run */
function whyNot(error: unknown, what: string, log: Context['log']): string {
  if (error instanceof OpsError && (error.code === exitCodes.interrupted || error.code === exitCodes.bug)) throw error
  const remedy = error instanceof OpsError ? ` (${error.hint.split('\n')[0]})` : ''
  const why = `${what}: ${messageOf(error).split('\n')[0]}${remedy}`
  log.warn(why)
  return why
}

/** What the VM, its snapshots and the cluster on it show. */
export async function runningParts(context: Context): Promise<Part[]> {
  return [await k0sPart(context), await schedulePart(context), await snapshotsPart(context), ...(await clusterParts(context))]
}

async function k0sPart(context: Context): Promise<Part> {
  const example = { version: 'v1.34.3+k0s.0', binary: { url: 'https://…', sha256: '…' } }
  const gap = (why: string): Part => ({ gaps: [{ path: ['k0s'], example, why }] })
  try {
    const { k0sOn } = await import('../host/k0s.ts')
    const { architecture, k0s } = await k0sOn(await context.host(VM_WITHIN_MS)).facts()
    const { version, sha256 } = k0s.binary ?? {}
    if (version === undefined || sha256 === undefined) return gap('There is no k0s at /usr/local/bin/k0s of the VM.')
    const url = `https://github.com/k0sproject/k0s/releases/download/${encodeURIComponent(version)}/k0s-${version}-${architecture}`
    return {
      content: { k0s: { version, binary: { url, sha256 } } },
      notes: [{ key: 'k0s', text: "What runs on the VM; compare the digest with the release's sha256sums.txt." }],
    }
  } catch (error) {
    return gap(whyNot(error, "The VM can't be asked for its k0s", context.log))
  }
}

/** When the VM is on, by what the states hold. */
export async function schedulePart({
  terraform: { layers, resources },
  baseLayer,
  output,
  log,
}: Pick<Context, 'terraform' | 'baseLayer' | 'output' | 'log'>): Promise<Part> {
  try {
    const vm = await output(baseLayer, 'vm_name')
    const schedule = scheduleIn((await Promise.all(layers.map(layer => resources(layer)))).flat(), vm)
    return schedule ? { content: { schedule: { ...schedule } } } : {}
  } catch (error) {
    whyNot(error, 'Whether the VM has a schedule is not known', log)
    return {}
  }
}

async function snapshotsPart(context: Context): Promise<Part> {
  const note = (text: string): Part => ({ content: { snapshots: { after: [] } }, notes: [{ key: 'snapshots', text }] })
  try {
    const compute = await context.compute()
    const { layers } = context.terraform
    const name = await context.output(context.baseLayer, 'vm_name')
    const [vm, all, { project, zone }] = await Promise.all([compute.vm(name), compute.snapshots({}), context.defaults()])
    const environment = context.environment.name
    const others = environmentNames().filter(each => each !== environment)
    const owner = { environment, others, disks: [name, ...(vm?.disks ?? [])] }
    const own = foundSnapshots(all, { ...owner, project, zone, layers })
    const after = layers.filter(each => own.some(({ layer }) => layer === each))
    if (after.length > 0) return { content: { snapshots: { after } } }
    return note("No snapshot of the VM's disk says its layer: list those after which `up` is to take one.")
  } catch (error) {
    return note(whyNot(error, "Snapshots can't be listed", context.log))
  }
}

async function clusterParts(context: Context): Promise<Part[]> {
  try {
    const inventory = await inventoryOf(context)
    const services = servicesOf(inventory)
    const deliveries = inventory.applications.flatMap(application => deliveryOf(application) ?? [])
    return [
      { content: { access: { services } } },
      {
        content: { verify: expectationsOf(inventory) },
        notes: [{ key: 'verify', text: 'What runs now; correct what should.' }],
      },
      await deliveryPart(deliveries, configuredPath(context.environment.terraform.directory)),
    ]
  } catch (error) {
    const gap: Gap = {
      path: ['verify', 'namespaces'],
      example: { threads: { pods: 3 } },
      why: whyNot(error, "The cluster can't be asked", context.log),
    }
    return [{ content: { verify: { namespaces: {}, applications: [], volumes: [] } }, gaps: [gap] }]
  }
}

/** Everything in the cluster, by the kubeconfig that k0s gives its administrator; nothing is written that stays. */
async function inventoryOf(context: Context): Promise<Inventory> {
  const { openCluster } = await import('../cluster/cluster.ts')
  const { choosePort, openTunnel } = await import('../google/tunnel.ts')
  const { k0sOn } = await import('../host/k0s.ts')
  const { parseKubeconfig, rewriteKubeconfig, secretsIn } = await import('../model/k0s/kubeconfig.ts')
  const { writeAtomically } = await import('../runtime/files.ts')
  const { neverShow } = await import('../runtime/redact.ts')
  const { withTemporary } = await import('../runtime/temporary.ts')

  const admin = parseKubeconfig(await k0sOn(await context.host(VM_WITHIN_MS)).adminKubeconfig())
  for (const secret of secretsIn(admin)) neverShow(secret)
  const leadsTo = await context.apiEnd()
  const access = { context: 'threads-ops', port: await choosePort(FIRST_PORT, leadsTo) }
  return withTemporary('init', async folder => {
    const kubeconfig = join(folder, 'kubeconfig')
    await writeAtomically(kubeconfig, JSON.stringify(rewriteKubeconfig(admin, access)))
    const tunnel = await openTunnel(access.port, {
      leadsTo,
      token: context.credentials.token,
      heard: message => context.log.debug(message),
      signal: context.signal,
    })
    try {
      const cluster = await openCluster({ kubeconfig, ...access })
      const { inventory } = await cluster.inventory(context.signal)
      cluster.close()
      return inventory
    } finally {
      await tunnel.close()
    }
  })
}

/** Above those that tunnels to the API usually have. */
const FIRST_PORT = 17_443

type Delivery = NonNullable<ReturnType<typeof deliveryOf>>

async function deliveryPart(deliveries: Delivery[], directory: string): Promise<Part> {
  const service = { folder: 'FOLDER', versionFile: 'package.json', image: 'REGISTRY/IMAGE' }
  const example = { repository: 'OWNER/NAME', application: 'argocd/NAME', namespace: 'NAMESPACE', services: { NAME: service } }
  const gap = (why: string): Part => ({ gaps: [{ path: ['delivery'], example, why }] })
  const [delivery] = deliveries
  if (!delivery) return gap('No Application lists images for the Image Updater: the image verbs need to be told.')
  if (deliveries.length > 1)
    return gap(`Several Applications list images: ${deliveries.map(each => each.application).join(', ')}.`)
  const { images, repository, namespace, ...said } = delivery
  if (repository === undefined || namespace === undefined)
    return gap(`Application ${said.application} says no repository on GitHub, or no namespace.`)
  const checkout = await repositoryAround(directory)
  const without = await Promise.all(images.map(async image => !checkout || !(await isThere(join(checkout, basename(image))))))
  const isOnly = without.filter(Boolean).length === 1
  const found = await Promise.all(
    images.map(async image => ({ image, place: await placeOf(basename(image), checkout, isOnly) })),
  )
  const services = found.flatMap(({ image, place }) => (place ? [[basename(image), { ...place, image }]] : []))
  return {
    content: { delivery: { repository, ...said, namespace, services: Object.fromEntries(services) } },
    gaps: found
      .filter(({ place }) => !place)
      .map(({ image }) => ({
        path: ['delivery', 'services', basename(image)],
        example: { ...service, image },
        why: `Where in the repository ${basename(image)} is built, nothing says.`,
      })),
  }
}

/** The folder of the repository that a folder is in. */
async function repositoryAround(folder: string): Promise<string | undefined> {
  if (await isThere(join(folder, '.git'))) return folder
  const above = dirname(folder)
  return above === folder ? undefined : repositoryAround(above)
}

/** Where a service is built, and its version: in the folder of its name, or in the repository itself if nothing else is built there. */
async function placeOf(
  name: string,
  checkout: string | undefined,
  isOnly: boolean,
): Promise<{ folder: string; versionFile?: string } | undefined> {
  if (checkout === undefined) return undefined
  const folder = (await isThere(join(checkout, name))) ? name : '.'
  if (folder === '.' && !(isOnly && (await isThere(join(checkout, 'Dockerfile'))))) return undefined
  const { versionIn } = await import('../model/image/version.ts')
  for (const versionFile of ['package.json', 'pyproject.toml']) {
    const text = await readFile(join(checkout, folder, versionFile), 'utf8').catch(() => undefined)
    if (text !== undefined && versionIn(versionFile, text) !== undefined) return { folder, versionFile }
  }
  return { folder }
}
