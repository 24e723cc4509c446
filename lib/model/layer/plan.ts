import type { Json } from '../../runtime/json.ts'
import { type Attributes, masked } from './sensitive.ts'
import { stateObject } from './state.ts'

/** What a saved plan does to one managed resource. */
export interface PlannedResource {
  address: string
  /** Where it stands in the state, when the plan moves it. */
  previousAddress?: string
  /** Key of an object that a replacement has left behind and that is still to be destroyed. */
  deposed?: string
  type: string
  name: string
  mode: 'managed'
  /** Terraform's own words: `["create"]`, `["update"]`, `["delete", "create"]`, `["forget"]`; `["no-op"]` for one that is only moved or imported. */
  actions: string[]
  /** Terraform's own word for it, such as `delete_because_no_resource_config`. */
  reason?: string
  /** Sensitive values are masked. */
  before: Attributes | null
  after: Attributes | null
  /** The part of `after` that only the apply will know: `true` in each such place. */
  afterUnknown?: Json
  /** What forces a replacement. */
  replacePaths?: (string | number)[][]
  importing?: { id: string }
}

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
    before: Attributes | null
    after?: Attributes | null
    after_unknown?: Json
    before_sensitive?: Json
    after_sensitive?: Json
    replace_paths?: (string | number)[][]
    importing?: { id: string }
  }
}

interface RawModule {
  resources?: { mode: string; type: string; values?: Attributes }[]
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
  const { before, after = null, after_unknown, replace_paths, importing } = change
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
    ...(after_unknown !== undefined && { afterUnknown: after_unknown }),
    ...(replace_paths !== undefined && { replacePaths: replace_paths }),
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

function dataSources({ resources = [], child_modules = [] }: RawModule = {}): Attributes[] {
  const here = resources.filter(({ mode, type }) => mode === 'data' && type === REMOTE_STATE)
  return [...here.map(({ values = {} }) => values), ...child_modules.flatMap(dataSources)]
}

const deferred = (changes: RawChange[]): Attributes[] =>
  changes
    .filter(({ mode, type }) => mode === 'data' && type === REMOTE_STATE)
    .flatMap(({ change }) => (change.after ? [change.after] : []))

function gcsState({ backend, config, workspace }: Attributes): string[] {
  const { bucket, prefix } = (config ?? {}) as Attributes
  if (backend !== 'gcs' || typeof bucket !== 'string' || (workspace ?? 'default') !== 'default') return []
  return [`${bucket}/${stateObject(String(prefix ?? ''))}`]
}
