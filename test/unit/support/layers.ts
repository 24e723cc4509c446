import type { KubernetesObject } from '../../../lib/model/health/objects.ts'
import { baseName, type PlannedResource, typeOf, type Values } from '../../../lib/model/layer/planned.ts'
import { describeErrors } from '../../../lib/model/layer/stream.ts'
import type { Context } from '../../../lib/operation/context.ts'
import { asOpsError, interrupted, OpsError, precondition } from '../../../lib/runtime/errors.ts'
import type { Journal, JournalWriter } from '../../../lib/runtime/journal.ts'
import { type Holder, type Plan, StalePlan, type Terraform, TerraformError } from '../../../lib/terraform/terraform.ts'
import { journalOf } from './journal.ts'
import { NOW } from './kubernetes.ts'
import { type FakeStore, fakeStore } from './store.ts'

export const LAYERS = ['00-vpc', '01-k8s', '02-argocd-app']

/** One managed resource of a state. */
export interface StateResource {
  address: string
  type: string
  attributes: Values
  deposed?: string
}

/** A plan of a layer that does this; without anything it is empty. */
export function planOf(layer: string, resources: PlannedResource[] = [], rest: Partial<Plan> = {}): Plan {
  const changes = resources.map(({ address, actions }) => ({
    address,
    action: actions.length > 1 ? 'replace' : (actions[0] ?? ''),
  }))
  return {
    layer,
    destroy: false,
    file: `${layer}.tfplan`,
    changes,
    drift: [],
    outputsChanged: false,
    empty: resources.length === 0,
    resources,
    ...rest,
  } as unknown as Plan
}

/** A plan that Terraform no longer takes: its state has moved on. */
export const stalePlan = (): Error =>
  Object.setPrototypeOf(precondition('the state has changed', 'plan again'), StalePlan.prototype) as Error

/** What an apply says that has met what exists already, or failed in another way. */
export const failedApply = (...errors: TerraformError['errors']): TerraformError =>
  new TerraformError('terraform apply', describeErrors(errors), errors)

/** The state's lock is held. */
export const lockedBy = (who: string, id = '123'): TerraformError =>
  failedApply({
    summary: 'Error acquiring the state lock',
    detail: `Lock Info:\n  ID:        ${id}\n  Who:       ${who}\n  Created:   2025-11-01 11:59:00 UTC`,
  })

export const interruption = (): OpsError => interrupted('interrupted', 'run the same command again')

type Outcome = Error | undefined | (() => Promise<void> | void)

/** What there is, unless told: an environment `lab` that may be destroyed, all of whose plans are empty. */
export interface World {
  guards?: Partial<Context['environment']['guards']>
  /** The layers that are applied; all of them unless told. */
  applied?: string[]
  /** By layer, what its state holds. */
  states?: Record<string, StateResource[]>
  /** By layer, what planning it gives, one time after the other; the last one stays. */
  plans?: Record<string, (Plan | Error)[]>
  /** What comes of each apply; they go well once these are used up. */
  applies?: Outcome[]
  /** The Terraforms on record as perhaps holding a layer's lock. */
  holders?: Holder[]
  snapshots?: { name: string; sourceDisk: string; status?: string; labels?: Record<string, string>; createdAt?: string }[]
  /** What the cluster lists, by plural; without it, it is out of reach. */
  cluster?: Record<string, KubernetesObject[]>
  vm?: string
  /** What exists already: paths of Google's APIs, and `Kind/name` in the cluster. */
  existing?: string[]
  store?: FakeStore
  /** Id of this run's journal; null for a run without one. */
  run?: string | null
  now?: Date
}

/** A context over a Terraform, a Google and a cluster that do as told and write down, in one order, what changes anything. */
export function layerContext(world: World = {}) {
  const calls: string[] = []
  const said = { warnings: [] as string[], infos: [] as string[], progress: [] as string[] }
  const applied: Plan[] = []
  const consents: Parameters<Context['consent']>[0][] = []
  const store = world.store ?? fakeStore()
  const publish = store.put
  store.put = async (object, content) => {
    calls.push(`put ${object}`)
    await publish(object, content)
  }

  const appliedLayers = world.applied ?? LAYERS
  const states = { ...world.states }
  const applies = [...(world.applies ?? [])]
  const looks = new Map<string, number>()
  const terraform = {
    layers: LAYERS,
    state: async (layer: string) => ({
      applied: appliedLayers.includes(layer),
      serial: 7,
      resources: states[layer]?.length ?? 0,
    }),
    resources: async (layer: string) => states[layer] ?? [],
    async plan(layer: string, options: { lock?: boolean; destroy?: boolean; lockTimeout?: number } = {}) {
      const { lock = true, destroy = false, lockTimeout } = options
      const within = lockTimeout === undefined ? '' : ` within ${lockTimeout} s`
      calls.push(`${lock ? 'plan' : 'look at'} ${layer}${destroy ? ' destroyed' : ''}${within}`)
      const plans = world.plans?.[layer] ?? [planOf(layer)]
      const look = looks.get(layer) ?? 0
      looks.set(layer, look + 1)
      const plan = plans[Math.min(look, plans.length - 1)] as Plan | Error
      if (plan instanceof Error) throw plan
      return plan
    },
    async apply(plan: Plan) {
      calls.push(`apply ${plan.layer}`)
      applied.push(plan)
      const outcome = applies.shift()
      if (outcome instanceof Error) throw outcome
      await outcome?.()
    },
    async adopt(layer: string, address: string, id: string) {
      calls.push(`adopt ${layer} ${address} by ${id}`)
      states[layer] = [...(states[layer] ?? []), { address, type: typeOf(address), attributes: { name: baseName(id) } }]
    },
    unlock: async (layer: string, id: string) => calls.push(`unlock ${layer} ${id}`),
    holders: async () => world.holders ?? [],
    planned: async (plan: Plan, address: string) =>
      (plan as unknown as { resources: PlannedResource[] }).resources.find(each => each.address === address)?.after ?? {},
  } as unknown as Terraform

  const snapshots = (world.snapshots ?? []).map(snapshot => ({
    status: 'READY',
    createdAt: '2025-11-01T10:00:00Z',
    labels: { environment: 'lab' },
    ...snapshot,
  }))
  const compute = {
    snapshots: async () => snapshots,
    vm: async () => ({ status: world.vm ?? 'RUNNING', statusMessage: '' }),
  }
  const cluster = {
    list: async ({ plural }: { plural: string }, namespace?: string) =>
      (world.cluster?.[plural] ?? []).filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
    exists: async ({ kind, name }: { kind: string; name: string }) => (world.existing ?? []).includes(`${kind}/${name}`),
    delete: async ({ plural }: { plural: string }, where: { namespace: string; name: string }) =>
      calls.push(`delete ${plural} ${where.namespace}/${where.name}`),
  }

  const { run = 'run-1' } = world
  const facts: Journal['facts'] = {}
  const journal = {
    journal: { ...journalOf(run ?? ''), facts },
    fact: async (name: string, value: Journal['facts'][string]) => Object.assign(facts, { [name]: value }),
  } as unknown as JournalWriter

  const context = {
    verb: 'up',
    environment: { name: 'lab', guards: { confirm: 'none', destroy: true, drills: true, ...world.guards } },
    baseLayer: '00-vpc',
    terraform,
    store: async () => store,
    compute: async () => compute,
    cluster: async () => {
      if (!world.cluster) throw new OpsError(5, 'the cluster is out of reach', 'is the tunnel up')
      return cluster
    },
    tunnel: async () => calls.push('tunnel'),
    disconnect: async () => calls.push('disconnect'),
    output: async () => 'vm',
    exists: async (_api: string, path: string) => (world.existing ?? []).includes(path),
    defaults: async () => ({ project: 'the-project', region: 'us-east1', zone: 'us-east1-b' }),
    consent: async (request: (typeof consents)[number]) => {
      calls.push('consent')
      consents.push(request)
    },
    journal: run === null ? undefined : journal,
    now: () => world.now ?? NOW,
    signal: new AbortController().signal,
    log: {
      warn: (text: string) => said.warnings.push(text),
      info: (text: string) => said.infos.push(text),
      debug: () => undefined,
      activity: () => ({
        update: (text: string) => said.progress.push(text),
        done: () => undefined,
        skipped: () => undefined,
        failed: () => undefined,
        cleared: () => undefined,
      }),
    },
    progress: (text: string) => said.progress.push(text),
    changes: 0,
  } as unknown as Context

  return { context, calls, applied, consents, facts, store, ...said }
}

/** The OpsError that it ends with. */
export async function failureOf(run: Promise<unknown>): Promise<OpsError> {
  try {
    await run
  } catch (error) {
    return asOpsError(error)
  }
  throw new Error('it did not fail')
}
