import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ProcessOutput, ProcessPromise } from 'zx/core'
import { applyOrder, contradictions, remoteStateReads } from '../model/layer/order.ts'
import { type StateFacts, stateFacts } from '../model/layer/state.ts'
import {
  type Change,
  describeErrors,
  describeProgress,
  emptyStream,
  readStreamLine,
  type StreamState,
} from '../model/layer/stream.ts'
import { configuration, exitCodes, interrupted, OpsError, precondition, timedOut } from '../runtime/errors.ts'
import { readIfExists, writeAtomically } from '../runtime/files.ts'
import type { Json } from '../runtime/json.ts'
import { seconds } from '../runtime/log.ts'
import { commandFailed, type ShellOptions, shell } from '../runtime/zx.ts'

export interface TerraformOptions {
  program: string
  /** Folder of the layers, absolute. */
  directory: string
  /** Name of the environment's folder in each layer. */
  env: string
  /** Partial backend configuration, absolute. */
  backendConfig: string
  layers: readonly string[]
  /** Endpoints, token, CLI configuration: never in argv. */
  variables: () => Promise<Record<string, string>>
  /** Where saved plans go, absolute; 0700. */
  plans: string
  signal: AbortSignal
  /** Milliseconds after which a Terraform that says nothing is given up; 10 minutes unless told. */
  silence?: number
  /** What a slow `init` says on its way: the lab's may wait for its providers to be built. */
  onProgress?: (detail: string) => void
}

/** A saved plan: what is shown is what is applied. Terraform refuses it when the state has moved on since. */
export interface Plan {
  layer: string
  destroy: boolean
  file: string
  changes: Change[]
  drift: Change[]
  outputsChanged: boolean
  /** Nothing to do, outputs included. */
  empty: boolean
}

export interface PlanOptions {
  destroy?: boolean
  lockTimeout?: number
  onProgress?: (detail: string) => void
}

/** A failed plan or apply, with what Terraform said of each address. */
export class TerraformError extends OpsError {
  readonly errors: StreamState['errors']

  constructor(what: string, said: string, errors: StreamState['errors']) {
    super(exitCodes.external, `${what} failed:\n${said}`, hintFor(said))
    this.errors = errors
  }
}

export interface Terraform {
  /** In the order of application. */
  layers: string[]
  /** The state bucket that the backend configuration names. */
  bucket(): Promise<string>
  /** An input of a layer that its terraform.tfvars gives as a plain text. @throws OpsError 3 when it does not */
  input(layer: string, name: string): Promise<string>
  state(layer: string): Promise<StateFacts>
  /** @param options.lockTimeout seconds to wait for the state's lock; 60 unless told. @throws TerraformError */
  plan(layer: string, options?: PlanOptions): Promise<Plan>
  /** The values that a saved plan gives a resource. */
  planned(plan: Plan, address: string): Promise<Record<string, Json>>
  /** @throws TerraformError; what was finished by then is in the state */
  apply(plan: Plan, onProgress?: (detail: string) => void): Promise<void>
  /** Takes an existing object into a layer's state. */
  adopt(layer: string, address: string, id: string): Promise<void>
  /** Frees a layer's state lock by its id, which is the lock object's generation. */
  unlock(layer: string, id: string): Promise<void>
  /** Pids of the Terraform processes of this machine that work in a layer's folder: an earlier run's, that outlived it. */
  running(layer: string): Promise<number[]>
  /** The folder of a layer in this environment. */
  root(layer: string): string
  /** What plain `terraform` needs in its environment. */
  variables(): Promise<Record<string, string>>
}

/** https://developer.hashicorp.com/terraform/cli/commands/plan#detailed-exitcode */
const EXIT_CHANGES = 2

/** Its GCS backend tries a service that is out of reach again for ever; while it works, it speaks up every ten seconds. */
const SILENCE_MS = 600_000

export function createTerraform(options: TerraformOptions): Terraform {
  const { program, directory, env, backendConfig, plans, signal, silence = SILENCE_MS } = options
  const root = (layer: string) => join(directory, layer, 'envs', env)
  const states = new Map<string, Promise<StateFacts>>()
  const initialised = new Map<string, Promise<void>>()
  let wasSilent = false

  const terraform = async (layer: string, extra: Pick<ShellOptions, 'nothrow' | 'onStderr'> = {}) =>
    shell({
      cwd: root(layer),
      signal,
      silence: {
        within: silence,
        onSilence: () => {
          wasSilent = true
        },
      },
      ...extra,
      env: { ...(await options.variables()), TF_IN_AUTOMATION: '1', TF_INPUT: '0', CHECKPOINT_DISABLE: '1' },
    })

  /** Skipped while nothing that it reads has changed: the largest part of a no-op run's time. */
  const init = (layer: string): Promise<void> => {
    const running = initialised.get(layer) ?? initialise(layer)
    initialised.set(layer, running)
    return running
  }
  const initialise = async (layer: string) => {
    if ((await readIfExists(join(root(layer), 'main.tf'))) === undefined) {
      throw configuration(
        `layer ${layer} has no environment ${env}: ${root(layer)} is missing`,
        'add its folder, or correct `terraform.layers`',
      )
    }
    await checkOrder()
    await checkBucket(layer)
    const stamp = join(root(layer), '.terraform', 'threads-ops-init')
    const inputs = await fingerprint([join(directory, 'modules'), root(layer)], backendConfig)
    if ((await readIfExists(stamp)) === inputs) return
    const $ = await terraform(layer, { nothrow: true, ...(options.onProgress && { onStderr: options.onProgress }) })
    const output = await $`${program} init -no-color -reconfigure ${`-backend-config=${backendConfig}`}`
    if (output.exitCode !== 0) throw failed(`terraform init of ${layer}`, output, 'see what Terraform says above')
    await writeAtomically(stamp, inputs)
  }

  /** The numbers say the order; a layer that reads the state of a later one would contradict them. */
  const checkOrder = async () => {
    const edges = await Promise.all(
      options.layers.map(async layer => ({
        layer,
        reads: remoteStateReads((await readIfExists(join(root(layer), 'data.tf'))) ?? ''),
      })),
    )
    const wrong = contradictions(edges).map(({ layer, reads }) => `${layer} reads the state of ${reads}`)
    if (wrong.length > 0)
      throw configuration(`layers out of order: ${wrong.join('; ')}`, 'renumber them: a layer may read only lower ones')
  }

  const bucketName = async () => {
    const text = (await readIfExists(backendConfig)) ?? ''
    const bucket = /^\s*bucket\s*=\s*"([^"]+)"/m.exec(text)?.[1]
    if (bucket === undefined) throw configuration(`${backendConfig} names no bucket`, 'it needs a line: bucket = "…"')
    return bucket
  }

  /** An input that terraform.tfvars gives as a plain text, or undefined. */
  const givenInput = async (layer: string, name: string) =>
    new RegExp(`^\\s*${name}\\s*=\\s*"([^"]+)"`, 'm').exec(
      (await readIfExists(join(root(layer), 'terraform.tfvars'))) ?? '',
    )?.[1]

  /** A backend takes no variables, so the bucket is named twice; a layer that read another bucket would see another system. */
  const checkBucket = async (layer: string) => {
    const [bucket, read] = await Promise.all([bucketName(), givenInput(layer, 'backend_bucket')])
    if (read !== undefined && read !== bucket) {
      throw configuration(
        `${join(root(layer), 'terraform.tfvars')}: backend_bucket is "${read}", but the state is kept in "${bucket}"`,
        `make it the bucket of ${backendConfig}`,
      )
    }
  }

  const readState = async (layer: string): Promise<StateFacts> => {
    await init(layer)
    const $ = await terraform(layer, { nothrow: true })
    const output = await $`${program} state pull`
    if (output.exitCode !== 0)
      throw failed(`reading the state of ${layer}`, output, 'is the state bucket there? `./taskw up` makes it')
    return stateFacts(output.stdout)
  }

  const gaveUp = (what: string) => {
    wasSilent = false
    return timedOut(
      `${what}: Terraform said nothing for ${seconds(silence)}`,
      'is the network up, and Google within reach? then run the same command again to go on',
    )
  }

  const failed = (what: string, output: ProcessOutput, hint: string) =>
    wasSilent ? gaveUp(what) : commandFailed(what, output, hint, signal)

  const lastWords = (what: string, said: StreamState, child: { stderr: string; exitCode: number | null }) => {
    if (wasSilent) return gaveUp(what)
    if (signal.aborted) return interrupted(`${what}: interrupted`, 'run the same command again to go on')
    return new TerraformError(
      what,
      describeErrors(said.errors) || child.stderr.trim() || `exit code ${child.exitCode}`,
      said.errors,
    )
  }

  return {
    layers: applyOrder(options.layers),
    root,
    variables: options.variables,

    bucket: bucketName,

    async input(layer, name) {
      const value = await givenInput(layer, name)
      if (value === undefined)
        throw configuration(`${join(root(layer), 'terraform.tfvars')} gives no ${name}`, `it needs a line: ${name} = "…"`)
      return value
    },

    state(layer) {
      const known = states.get(layer) ?? readState(layer)
      states.set(layer, known)
      return known
    },

    async plan(layer, { destroy = false, lockTimeout = 60, onProgress } = {}) {
      await init(layer)
      await mkdir(plans, { recursive: true, mode: 0o700 })
      const file = join(plans, `${layer}${destroy ? '-destroy' : ''}.tfplan`)
      const flags = [
        '-json',
        '-detailed-exitcode',
        `-lock-timeout=${lockTimeout}s`,
        `-out=${file}`,
        ...(destroy ? ['-destroy'] : []),
      ]
      const $ = await terraform(layer, { nothrow: true })
      const { said, output } = await follow($`${program} plan ${flags}`, onProgress)
      if (output.exitCode !== 0 && output.exitCode !== EXIT_CHANGES) throw lastWords(`terraform plan of ${layer}`, said, output)
      const { changes, drift, outputsChanged } = said
      return { layer, destroy, file, changes, drift, outputsChanged, empty: output.exitCode === 0 }
    },

    async apply(plan, onProgress) {
      states.delete(plan.layer)
      const $ = await terraform(plan.layer, { nothrow: true })
      const { said, output } = await follow($`${program} apply -json -lock-timeout=60s ${plan.file}`, onProgress)
      if (output.exitCode !== 0)
        throw lastWords(`terraform ${plan.destroy ? 'destroy' : 'apply'} of ${plan.layer}`, said, output)
    },

    async planned(plan, address) {
      const $ = await terraform(plan.layer, { nothrow: true })
      const output = await $`${program} show -json ${plan.file}`
      if (output.exitCode !== 0) throw failed(`reading the plan of ${plan.layer}`, output, 'run the same command again')
      const { resource_changes: changes = [] } = JSON.parse(output.stdout) as {
        resource_changes?: { address: string; change: { after: Record<string, Json> | null } }[]
      }
      return changes.find(change => change.address === address)?.change.after ?? {}
    },

    async adopt(layer, address, id) {
      states.delete(layer)
      const $ = await terraform(layer, { nothrow: true })
      const output = await $`${program} import -no-color -lock-timeout=60s ${address} ${id}`
      if (output.exitCode !== 0)
        throw failed(`importing ${address}`, output, 'import it by hand, or delete it if nobody needs it')
    },

    async unlock(layer, id) {
      const $ = await terraform(layer, { nothrow: true })
      const output = await $`${program} force-unlock -force ${id}`
      if (output.exitCode !== 0)
        throw failed(`unlocking the state of ${layer}`, output, 'look at the lock object in the state bucket')
    },

    async running(layer) {
      const pids = (await readdir('/proc').catch((): string[] => [])).filter(name => /^\d+$/.test(name))
      const folders = await Promise.all(pids.map(pid => readlink(`/proc/${pid}/cwd`).catch(() => '')))
      return pids.filter((_, index) => folders[index] === root(layer)).map(Number)
    },
  }
}

async function follow(child: ProcessPromise, onProgress?: (detail: string) => void) {
  let said = emptyStream
  const lines = createInterface({ input: child.stdout })
  lines.on('line', line => {
    said = readStreamLine(said, line)
    if (said.total > 0) onProgress?.(describeProgress(said))
  })
  const read = new Promise<void>(resolve => lines.once('close', resolve))
  const output = await child
  await read
  return { said, output }
}

function hintFor(said: string): string {
  if (/Error acquiring the state lock/.test(said)) {
    return 'another run holds the lock (Who and Created above). If that process is dead: `terraform force-unlock <ID>` in the layer’s folder'
  }
  if (/errored\.tfstate/.test(said))
    return 'the new state could not be stored: `terraform state push errored.tfstate` in the layer’s folder before anything else'
  return 'correct what Terraform says and run the same command again'
}

/** A hash of every .tf file and lock file under the folders, and of the backend's configuration. */
async function fingerprint(folders: string[], backendConfig: string): Promise<string> {
  const hash = createHash('sha256')
  for (const folder of folders) {
    const files = (await readdir(folder, { recursive: true }).catch((): string[] => [])).filter(
      file => (file.endsWith('.tf') || file === '.terraform.lock.hcl') && !file.includes('.terraform/'),
    )
    for (const file of files.sort()) hash.update(file).update(await readFile(join(folder, file)))
  }
  try {
    hash.update(await readFile(backendConfig))
  } catch (error) {
    throw precondition(
      `the backend configuration ${backendConfig} is missing`,
      'write it: bucket = "<the state bucket>"',
      error,
    )
  }
  return hash.digest('hex')
}
