import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { layerRoot } from '../config/layer-root.ts'
import { isFreeLock } from '../model/layer/adoption.ts'
import { mismatch } from '../model/layer/binding.ts'
import { resourcesOf, type StateFacts, type StateResource, secretOutputs, stateFacts } from '../model/layer/state.ts'
import { configuration } from '../runtime/errors.ts'
import type { Json } from '../runtime/json.ts'
import { createQueue } from '../runtime/queue.ts'
import { neverShow } from '../runtime/redact.ts'
import { createBackends } from './backend.ts'
import { backendFile, isThere } from './backend-file.ts'
import { createCommand } from './command.ts'
import { createEdges } from './edges.ts'
import { createGiven, type GivenValues } from './given.ts'
import { type Holder, holdersOf } from './holder.ts'
import { createInit } from './init.ts'
import { createInputs } from './inputs.ts'
import { createMemory } from './memory.ts'
import {
  follow,
  lastWords,
  makePlan,
  type Plan,
  type PlanOptions,
  type PlanRun,
  plannedValues,
  StalePlan,
  untilLocked,
} from './plan.ts'
import { filesIn, isConfiguration } from './scratch.ts'
import { createStamp, fingerprint } from './stamp.ts'
import { type BucketView, openBucketView } from './view.ts'

export type { Holder } from './holder.ts'
export { UndeclaredVariable } from './inputs.ts'
export { type Plan, type PlanOptions, StalePlan, TerraformError } from './plan.ts'

export interface TerraformOptions {
  program: string
  /** Folder of the layers, absolute. */
  directory: string
  /** The environment's name. */
  env: string
  /** Where a layer's root is, below its folder; `envs/{env}` unless told. */
  root?: string
  /** Partial backend configuration: a file of the roots or of the folder of the layers. */
  backendConfig: string
  layers: readonly string[]
  /** Endpoints, token, CLI configuration: never in argv. */
  variables: () => Promise<Record<string, string>>
  /** Values that no file of the tree holds: each goes to the layers that declare its variable, in the environment. */
  given?: GivenValues
  /** Its providers are built on this machine rather than a registry's. */
  ownProviders?: boolean
  /** Where saved plans and scratch folders go, absolute; 0700. Nothing else may be in it. */
  plans: string
  signal: AbortSignal
  /** The state objects, read past Terraform, which writes an empty state wherever it finds none. Without it looking may write one. */
  objects?: StateObjects
  /** Commit of the checkout. */
  gitSha?: () => Promise<string>
  /** How long another holder of a state's lock is waited for, in milliseconds; a minute unless told. */
  lockDeadline?: number
  /** Milliseconds after which a Terraform that says nothing is given up; 10 minutes unless told. */
  silence?: number
  /** Asks the services that a layer's Terraform needs, while it says nothing. @throws OpsError for one that does not answer */
  answering?: (layer: string) => Promise<void>
  /** What a slow `init` says on its way: the lab's may wait for its providers to be built. */
  onProgress?: (detail: string) => void
}

export interface StateObjects {
  /** Undefined when there is no such object, or no such bucket. */
  read(bucket: string, object: string): Promise<string | undefined>
  /** @returns false when there is one already */
  create(bucket: string, object: string, content: string): Promise<boolean>
}

export interface Terraform {
  /** In the order of application, as they are listed. */
  layers: string[]
  /** The state bucket: the one in which the first layer keeps its state. */
  bucket(): Promise<string>
  /** Name of the object that holds a layer's state, in its bucket. */
  stateObject(layer: string): Promise<string>
  /** An input variable of a layer, a text, number or boolean, as text. @throws UndeclaredVariable; OpsError 3 when it has no value */
  input(layer: string, name: string): Promise<string>
  /** What is known of a layer's state. A layer that has none is not applied; looking makes none. */
  state(layer: string): Promise<StateFacts>
  /** The managed resource instances of a layer's state. */
  resources(layer: string): Promise<StateResource[]>
  /** @throws TerraformError; OpsError 3 when the layers' order or buckets contradict each other */
  plan(layer: string, options?: PlanOptions): Promise<Plan>
  /** The values that a saved plan gives a resource. */
  planned(plan: Plan, address: string): Promise<Record<string, Json>>
  /**
   * @throws OpsError 4 when it is another environment's, another commit's or another state's plan;
   * TerraformError, and what was finished by then is in the state
   */
  apply(plan: Plan, onProgress?: (detail: string) => void): Promise<void>
  /** Takes an existing object into a layer's state. */
  adopt(layer: string, address: string, id: string): Promise<void>
  /** Frees a layer's state lock by its id, which is the lock object's generation. */
  unlock(layer: string, id: string): Promise<void>
  /** The Terraforms of this checkout that may hold a layer's state lock: an earlier run's, whether they live or were killed. */
  holders(layer: string): Promise<Holder[]>
  /** The folder of a layer in this environment. */
  root(layer: string): string
  /** What plain `terraform` needs in its environment. */
  variables(): Promise<Record<string, string>>
  /** Ends what still plans, and removes the saved plans, which hold secrets; none of them can be applied any more. */
  dispose(): Promise<void>
}

/** Its GCS backend tries a service that is out of reach again for ever; while it works, it speaks up every ten seconds. */
const SILENCE_MS = 600_000

const LOCK_DEADLINE_MS = 60_000

const BUCKET_INPUT = 'backend_bucket'

/** How many plans are made at the same time: each starts its providers, of which one takes some 100 MB. */
const MOST_PLANS = 3

/** What Terraform takes values from besides files. https://developer.hashicorp.com/terraform/cli/config/environment-variables */
const ownVariables = (): [string, string | undefined][] =>
  Object.entries(process.env)
    .filter(([name]) => /^TF_(VAR|CLI_ARGS)/.test(name))
    .sort()

export function createTerraform(options: TerraformOptions): Terraform {
  const { program, directory, env, plans, objects, silence = SILENCE_MS } = options
  const lockTimeout = Math.ceil((options.lockDeadline ?? LOCK_DEADLINE_MS) / 1000)
  const end = new AbortController()
  const signal = AbortSignal.any([options.signal, end.signal])
  const root = (layer: string) => layerRoot(layer, { directory, root: options.root, env })
  const where = { root, directory, backendConfig: options.backendConfig }
  const fileOf = (layer: string) => backendFile(layer, where)
  const layers = [...options.layers]
  const layerOf = (folder: string) => layers.find(layer => root(layer) === folder)
  const answering = async (folder: string) => {
    const layer = layerOf(folder)
    if (layer !== undefined) await options.answering?.(layer)
  }
  const command = createCommand({ program, variables: options.variables, signal, silence, answering, scratch: plans })
  const init = createInit({
    ...{ command, env, ...where, signal, ownProviders: options.ownProviders === true },
    ...(options.onProgress && { onProgress: options.onProgress }),
  })
  const given = createGiven(options.given ?? { names: [], read: async () => '' }, root)
  const inputs = createInputs({ command, root, given, scratch: plans })
  const backendOf = createBackends({ command, ...where, scratch: plans, isInitialised: init.isCurrent })
  const backend = async (layer: string) => {
    await exists(layer)
    return backendOf(layer)
  }
  const gitSha = async () => (await options.gitSha?.()) ?? ''
  const edges = createEdges({ command, layers, root, backend, given, scratch: plans })
  const checked = createStamp('threads-ops-checked', root, async () =>
    fingerprint([join(directory, 'modules'), ...layers.map(root)], await Promise.all(layers.map(fileOf)), {
      values: true,
      more: JSON.stringify([program, env, layers, ownVariables()]),
    }),
  )
  const planning = createQueue(MOST_PLANS)
  /** What has begun and not ended yet. */
  const running = new Set<Promise<unknown>>()
  const states = createMemory<string>()
  const ready = createMemory<void>()
  /** Empty states that looks have kept back, by the files of the plans that were made on them. */
  const keptBack = new Map<string, string>()
  /** Each plan has a file of its own: a later one must not be applied for it. */
  let planned = 0

  const exists = async (layer: string) => {
    if (!(await filesIn(root(layer))).some(isConfiguration))
      throw configuration(
        `layer ${layer} has no environment ${env}: ${root(layer)} is missing, or has no .tf file`,
        'add its folder, or correct `terraform.layers` or `terraform.root`',
      )
  }

  const initialise = (layer: string, variables?: Record<string, string>): Promise<void> =>
    ready.get(layer, async () => {
      await exists(layer)
      const isChecked = await checked.isCurrent(layer)
      if (!isChecked) await Promise.all([ready.get('order', edges.checkAhead), checkBucket(layer)])
      await init.run(layer, variables)
      if (!isChecked) await checked.write(layer)
    })

  /** A backend takes no variables, so the bucket is named twice; a layer that read another bucket would see another system. */
  const checkBucket = async (layer: string) => {
    const read = await inputs.find(layer, BUCKET_INPUT)
    if (read === undefined) return
    const { bucket } = await backend(layer)
    if (read !== bucket)
      throw configuration(
        `${join(root(layer), 'terraform.tfvars')}: ${BUCKET_INPUT} is "${read}", but the state is kept in "${bucket}"`,
        `make it the bucket of ${(await fileOf(layer)) ?? `the root's \`backend "gcs"\` block`}`,
      )
  }

  /** Its text; empty when there is none. */
  const readState = async (layer: string): Promise<string> => {
    if (objects) {
      const { bucket, object } = await backend(layer)
      return (await objects.read(bucket, object)) ?? ''
    }
    await initialise(layer)
    const ended = await command.run(root(layer), ['state', 'pull'])
    if (ended.exitCode !== 0)
      throw command.failure(`reading the state of ${layer}`, ended, 'is the state bucket there? `./taskw up` makes it')
    return ended.stdout
  }
  const stateText = (layer: string) =>
    states.get(layer, async () => {
      const text = await readState(layer)
      for (const secret of secretOutputs(text)) neverShow(secret)
      return text
    })

  /** In its turn; at the end nobody may wait for it any more. */
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    const made = planning(work)
    running.add(made)
    try {
      return await made
    } finally {
      running.delete(made)
    }
  }

  const planRun = async (layer: string): Promise<PlanRun> => {
    planned += 1
    const file = join(plans, `${planned}-${layer}.tfplan`)
    return { command, layer, root: root(layer), file, env, gitSha: await gitSha(), variables: await given.all(layer) }
  }

  const plan = async (layer: string, planOptions: PlanOptions) => {
    await initialise(layer)
    const made = await makePlan(await planRun(layer), { lockTimeout, ...planOptions })
    await edges.check(layer, made.reads)
    return made.plan
  }

  const look = async (layer: string, planOptions: PlanOptions, { read }: StateObjects) => {
    const { bucket, object } = await backend(layer)
    const { onUnderway } = planOptions
    const view = await openBucketView(read, (from, of) => {
      if (from === bucket && of === object) onUnderway?.()
    })
    try {
      await initialise(layer, view.environment)
      const run = await planRun(layer)
      const made = await makePlan({ ...run, variables: { ...run.variables, ...view.environment } }, planOptions)
      await checkAsked(layer, view)
      const kept = view.kept(bucket, object)
      if (kept !== undefined) keptBack.set(made.plan.file, kept)
      return made.plan
    } catch (error) {
      // Out of order is a better reason than an output that is not there yet.
      await checkAsked(layer, view)
      throw view.fault() ?? error
    } finally {
      await view.close()
    }
  }

  const checkAsked = async (layer: string, { asked }: BucketView) => {
    const { bucket, object } = await backend(layer)
    await edges.check(
      layer,
      [...asked].filter(read => read !== `${bucket}/${object}`),
    )
  }

  const checkBinding = async (made: Plan) => {
    const { layer, file } = made
    if (!layers.includes(layer)) throw new StalePlan(`the plan is of layer ${layer}, which is none`)
    if (!(await isThere(file))) throw new StalePlan(`the plan of ${layer} is gone`)
    const now = { layer, env, gitSha: await gitSha() }
    const wrong = mismatch(made, { ...made, ...now }) ?? mismatch(made, { ...now, ...(await presentState(made)) })
    if (wrong !== undefined) throw new StalePlan(wrong)
  }

  /** A state that only the look at it has made is written now, if there is still none. */
  const presentState = async ({ layer, file }: Plan): Promise<StateFacts> => {
    const present = await readState(layer)
    const kept = keptBack.get(file)
    if (present !== '' || kept === undefined || !objects) return stateFacts(present)
    const { bucket, object } = await backend(layer)
    return stateFacts((await objects.create(bucket, object, kept)) ? kept : await readState(layer))
  }

  return {
    layers,
    root,
    variables: options.variables,

    bucket: async () => (await backend(layers[0] ?? '')).bucket,
    stateObject: async layer => (await backend(layer)).object,
    async input(layer, name) {
      await exists(layer)
      return inputs.text(layer, name)
    },
    state: async layer => stateFacts(await stateText(layer)),
    resources: async layer => resourcesOf(await stateText(layer)),

    plan: (layer, planOptions = {}) =>
      inTurn(() => (objects && planOptions.lock === false ? look(layer, planOptions, objects) : plan(layer, planOptions))),
    planned: async (made, address) => plannedValues(made, address),

    async apply(made, onProgress) {
      const { layer, destroy, file } = made
      states.forget(layer)
      await checkBinding(made)
      await initialise(layer)
      // Whoever holds the lock is said at once: of a dead process it can be freed, and nobody waits for that.
      const taken = await given.all(layer)
      const ended = await follow(command, root(layer), ['apply', '-json', '-lock-timeout=0s', file], { env: taken, onProgress })
      states.forget(layer)
      if (ended.exitCode === 0) return
      if (ended.said.errors.some(({ summary }) => STALE.test(summary)))
        throw new StalePlan(`the state of ${layer} has changed since it was planned on`)
      throw lastWords(command, `terraform ${destroy ? 'destroy' : 'apply'} of ${layer}`, ended)
    },

    async adopt(layer, address, id) {
      await initialise(layer)
      const taken = await given.all(layer)
      const args = ['import', '-no-color', `-lock-timeout=${lockTimeout}s`, '--', address, id]
      const ended = await untilLocked(
        command,
        () => command.run(root(layer), args, { env: taken }),
        ({ stderr }) => isFreeLock(stderr),
      )
      states.forget(layer)
      if (ended.exitCode !== 0)
        throw command.failure(`importing ${address}`, ended, 'import it by hand, or delete it if nobody needs it')
    },

    async unlock(layer, id) {
      await initialise(layer)
      const ended = await command.run(root(layer), ['force-unlock', '-force', '--', id])
      if (ended.exitCode !== 0)
        throw command.failure(`unlocking the state of ${layer}`, ended, 'look at the lock object in the state bucket')
    },

    holders: async layer => holdersOf(root(layer)),

    async dispose() {
      if (running.size > 0) end.abort()
      await Promise.allSettled(running)
      await rm(plans, { recursive: true, force: true })
    },
  }
}

/** Terraform's own refusal of a plan whose state has moved on between our look and its lock. */
const STALE = /Saved plan (is stale|does not match)/i
