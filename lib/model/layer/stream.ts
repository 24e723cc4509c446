/** One planned change of a Terraform plan. */
export interface Change {
  address: string
  /** `create`, `update`, `delete`, `replace`, `read`, `import`, … as Terraform names it. */
  action: string
}

/** What a `terraform plan -json` or `apply -json` stream has said so far. https://developer.hashicorp.com/terraform/internals/machine-readable-ui */
export interface StreamState {
  changes: Change[]
  outputsChanged: boolean
  /** Resources that differ from the state, as found by the refresh. */
  drift: Change[]
  /** Operations that have to end: a replacement counts twice. */
  total: number
  finished: number
  /** What is being done now, keyed by address and action: a replacement has both on one address. */
  running: Record<string, { address: string; action: string; seconds: number }>
  errors: { summary: string; detail: string; address?: string }[]
}

export const emptyStream: StreamState = {
  changes: [],
  outputsChanged: false,
  drift: [],
  total: 0,
  finished: 0,
  running: {},
  errors: [],
}

interface Message {
  type?: string
  change?: { resource?: { addr?: string }; action?: string }
  outputs?: Record<string, { action?: string }>
  hook?: { resource?: { addr?: string }; action?: string; elapsed_seconds?: number }
  diagnostic?: { severity?: string; summary?: string; detail?: string; address?: string }
}

/** The state after one more line. A line that is no JSON (a wrapper's words, a crash) changes nothing. */
export function readStreamLine(state: StreamState, line: string): StreamState {
  let message: Message
  try {
    message = JSON.parse(line) as Message
  } catch {
    return state
  }
  const { type, hook } = message
  const address = hook?.resource?.addr ?? ''
  const action = hook?.action ?? ''
  const key = `${address} ${action}`
  const { [key]: _ended, ...others } = state.running

  switch (type) {
    case 'planned_change': {
      const change = changeOf(message)
      return { ...state, changes: [...state.changes, change], total: state.total + (change.action === 'replace' ? 2 : 1) }
    }
    case 'resource_drift':
      return { ...state, drift: [...state.drift, changeOf(message)] }
    case 'outputs':
      return {
        ...state,
        outputsChanged: Object.values(message.outputs ?? {}).some(
          output => output.action !== undefined && output.action !== 'noop',
        ),
      }
    case 'apply_start':
    case 'apply_progress':
      return { ...state, running: { ...state.running, [key]: { address, action, seconds: hook?.elapsed_seconds ?? 0 } } }
    case 'apply_complete':
      return { ...state, running: others, finished: state.finished + 1 }
    case 'apply_errored':
      return { ...state, running: others }
    case 'diagnostic': {
      const { severity, summary = '', detail = '', address: at } = message.diagnostic ?? {}
      if (severity !== 'error') return state
      return { ...state, errors: [...state.errors, { summary, detail, ...(at !== undefined && { address: at }) }] }
    }
    default:
      return state
  }
}

const changeOf = ({ change }: Message): Change => ({ address: change?.resource?.addr ?? '', action: change?.action ?? '' })

/** One line for people: `3/12 · creating module.compute.google_compute_instance.vm (10 s)`. */
export function describeProgress({ finished, total, running }: StreamState): string {
  const oldest = Object.values(running).sort((a, b) => b.seconds - a.seconds)[0]
  const at = oldest ? ` · ${oldest.action} ${oldest.address}${oldest.seconds > 0 ? ` (${oldest.seconds} s)` : ''}` : ''
  return `${finished}/${total}${at}`
}

/** Errors as one text, each once. */
export const describeErrors = (errors: StreamState['errors']): string =>
  [
    ...new Set(
      errors.map(({ summary, detail, address }) => [summary, address && `  at ${address}`, detail].filter(Boolean).join('\n')),
    ),
  ].join('\n')
