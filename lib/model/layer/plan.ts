import type { Json } from '../../runtime/json.ts'
import type { PlannedResource, Values } from './planned.ts'
import { masked } from './sensitive.ts'
import { stateObject } from './state.ts'

export interface PlanFacts {
  /** The managed resources that the plan changes, moves or imports. */
  resources: PlannedResource[]
  /** Values of the root's input variables, as they were given, without the sensitive ones. */
  variables: Record<string, Json>
  /** The states that `terraform_remote_state` reads, as `bucket/object` of the GCS backend. */
  reads: string[]
}

interface RawPlan {
  format_version: string
  variables?: Record<string, { value?: Json }>
  resource_changes?: RawChange[]
  prior_state?: { values?: { root_module?: RawModule } }
  configuration?: { root_module?: { variables?: Record<string, { sensitive?: boolean }> } }
}

interface RawChange {
  address: string
  previous_address?: string
  deposed?: string
  mode: string
  type: string
  name: string
  action_reason?: string
  change: {
    actions: string[]
    before: Values | null
    after?: Values | null
    before_sensitive?: Json
    after_sensitive?: Json
    importing?: { id: string }
  }
}

interface RawModule {
  resources?: { mode: string; type: string; values?: Values }[]
  child_modules?: RawModule[]
}

/**
 * The facts of a saved plan, from `terraform show -json`.
 * https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
 * @throws Error for another major version of the format
 */
export function planFacts(text: string): PlanFacts {
  const plan = JSON.parse(text) as RawPlan
  if (!plan.format_version.startsWith('1.')) throw new Error(`plan format ${plan.format_version}, expected 1`)
  const changes = plan.resource_changes ?? []
  return {
    resources: changes
      .filter(({ mode }) => mode === 'managed')
      .map(plannedResource)
      .filter(isChange),
    variables: openVariables(plan),
    // One that is read while planning is in the prior state; one whose reading has to wait is a change.
    reads: [...new Set([...dataSources(plan.prior_state?.values?.root_module), ...deferred(changes)].flatMap(gcsState))],
  }
}

function plannedResource({ address, type, name, change, ...more }: RawChange): PlannedResource {
  const { before, after = null, importing } = change
  return {
    address,
    type,
    name,
    mode: 'managed',
    actions: change.actions,
    before: masked(before, change.before_sensitive),
    after: masked(after, change.after_sensitive),
    ...(more.previous_address !== undefined && { previousAddress: more.previous_address }),
    ...(more.deposed !== undefined && { deposed: more.deposed }),
    ...(more.action_reason !== undefined && { reason: more.action_reason }),
    ...(importing !== undefined && { importing: { id: importing.id } }),
  }
}

const isChange = ({ actions, previousAddress, importing }: PlannedResource): boolean =>
  actions.some(action => action !== 'no-op') || previousAddress !== undefined || importing !== undefined

function openVariables({ variables = {}, configuration }: RawPlan): Record<string, Json> {
  const declared = configuration?.root_module?.variables ?? {}
  const open = Object.entries(variables).filter(([name]) => declared[name]?.sensitive !== true)
  return Object.fromEntries(open.map(([name, { value = null }]) => [name, value]))
}

const REMOTE_STATE = 'terraform_remote_state'

function dataSources({ resources = [], child_modules = [] }: RawModule = {}): Values[] {
  const here = resources.filter(({ mode, type }) => mode === 'data' && type === REMOTE_STATE)
  return [...here.map(({ values = {} }) => values), ...child_modules.flatMap(dataSources)]
}

const deferred = (changes: RawChange[]): Values[] =>
  changes
    .filter(({ mode, type }) => mode === 'data' && type === REMOTE_STATE)
    .flatMap(({ change }) => (change.after ? [change.after] : []))

function gcsState({ backend, config, workspace }: Values): string[] {
  const { bucket, prefix } = (config ?? {}) as Values
  if (backend !== 'gcs' || typeof bucket !== 'string' || (workspace ?? 'default') !== 'default') return []
  return [`${bucket}/${stateObject(String(prefix ?? ''))}`]
}
