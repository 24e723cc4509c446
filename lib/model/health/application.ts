import type { Json } from '../../runtime/json.ts'
import { command } from '../shell.ts'
import { ageOf, formatAge, isSettling } from './age.ts'
import { broken, doubtful, type Finding, underway } from './finding.ts'
import { type Application, nameOf, type Revisions } from './objects.ts'

/** Argo CD refreshes an Application at least every 3 minutes; after five missed refreshes something is wrong. */
const STALE_MS = 15 * 60_000

/** An Application is fine when it is Synced and Healthy, its last operation Succeeded, and no condition's type ends in Error. */
export const applicationFindings = (applications: readonly Application[], now: Date): Finding[] =>
  applications.flatMap(application => {
    if (application.metadata.deletionTimestamp !== undefined) return [deletion(application, now)]
    if (!application.status?.sync?.status) return [unreconciled(application, now)]
    return [
      ...conditions(application),
      ...operation(application),
      ...sync(application, now),
      ...health(application),
      ...stale(application, now),
    ]
  })

const objectOf = (application: Application): string => nameOf('Application', application)

const annotate = ({ metadata }: Application, value: string): string =>
  command`kubectl -n ${metadata.namespace} annotate application ${metadata.name} argocd.argoproj.io/refresh=${value} --overwrite`

/** Requests a sync without Argo CD's own CLI. */
const requestSync = ({ metadata }: Application): string =>
  command`kubectl -n ${metadata.namespace} patch application ${metadata.name} --type merge -p '{"operation":{"sync":{}}}'`

function deletion(application: Application, now: Date): Finding {
  const { deletionTimestamp, finalizers = [] } = application.metadata
  const level = isSettling(deletionTimestamp, now) ? underway : broken
  return level(
    'application/terminating',
    objectOf(application),
    `has been terminating for ${formatAge(ageOf(deletionTimestamp, now))}`,
    {
      evidence: { finalizers },
      remedy: "its finalizer needs Argo CD's controller: kubectl -n argocd get pods",
    },
  )
}

function unreconciled(application: Application, now: Date): Finding {
  const level = isSettling(application.metadata.creationTimestamp, now) ? underway : broken
  const text = 'Argo CD has not reconciled it yet'
  const remedy = 'kubectl -n argocd logs statefulset/argocd-application-controller'
  return level('application/unreconciled', objectOf(application), text, { remedy })
}

const conditions = (application: Application): Finding[] =>
  (application.status?.conditions ?? [])
    .filter(({ type }) => type.endsWith('Error'))
    .map(({ type, message }) =>
      broken('application/condition', objectOf(application), message ? `${type}: ${message}` : type, {
        evidence: { type },
        remedy: annotate(application, 'hard'),
      }),
    )

function operation(application: Application): Finding[] {
  const { phase, message = '', retryCount = 0 } = application.status?.operationState ?? {}
  const object = objectOf(application)
  const retries = retryCount > 0 ? `, retry ${retryCount}` : ''
  if (phase === 'Running' || phase === 'Terminating') {
    return [
      underway('application/operation', object, `sync ${phase.toLowerCase()}${retries}${message && `: ${message}`}`, {
        evidence: { phase, retryCount },
      }),
    ]
  }
  if (phase !== 'Failed' && phase !== 'Error') return []
  const text = `the last sync ended as ${phase}${retries}: ${message || 'without a message'}`
  return [broken('application/operation', object, text, { evidence: { phase, retryCount }, remedy: requestSync(application) })]
}

function sync(application: Application, now: Date): Finding[] {
  const { sync: state, operationState, resources = [] } = application.status ?? {}
  if (state?.status === 'Synced') return []
  const object = objectOf(application)
  if (state?.status === 'Unknown') {
    const text = "sync Unknown: Argo CD can't compare it with its source"
    return [broken('application/sync', object, text, { remedy: annotate(application, 'hard') })]
  }
  const evidence = {
    ...(state?.revisions?.length ? { revisions: state.revisions } : { revision: state?.revision }),
    resources: resources.filter(({ status }) => status === 'OutOfSync').map(describe),
  }
  const automated = application.spec?.syncPolicy?.automated
  const where = evidence.resources.length > 0 ? `: ${evidence.resources.join(', ')}` : ''
  if (!automated || automated.enabled === false) {
    return [
      broken('application/sync', object, `OutOfSync, and automated sync is off${where}`, {
        evidence,
        remedy: requestSync(application),
      }),
    ]
  }
  // A sync of this revision has succeeded and did not help: another one will not either.
  const { phase, syncResult, finishedAt } = operationState ?? {}
  const futile = phase === 'Succeeded' && isSame(syncResult, state) && !isSettling(finishedAt, now)
  const level = futile ? broken : underway
  const text = futile ? `OutOfSync although this revision was synced${where}` : `OutOfSync, about to be synced${where}`
  return [level('application/sync', object, text, { evidence, remedy: requestSync(application) })]
}

function isSame(one: Revisions | undefined, other: Revisions | undefined): boolean {
  const [left, right] = [revisionsOf(one), revisionsOf(other)]
  return left.length > 0 && left.length === right.length && left.every((revision, at) => revision === right[at])
}

const revisionsOf = ({ revision, revisions }: Revisions = {}): string[] =>
  revisions?.length ? revisions : revision ? [revision] : []

function health(application: Application): Finding[] {
  const { health: state, resources = [] } = application.status ?? {}
  const status = state?.status ?? 'Unknown'
  if (status === 'Healthy') return []
  const ill = resources.filter(({ health }) => health?.status && health.status !== 'Healthy').map(describe)
  const text = `${status}${state?.message ? `: ${state.message}` : ''}${ill.length > 0 ? `: ${ill.join(', ')}` : ''}`
  const evidence: Json = { status, resources: ill }
  const remedy = annotate(application, 'normal')
  const level = levels[status] ?? broken
  return [level('application/health', objectOf(application), text, { evidence, remedy })]
}

/** By Argo CD's health statuses; those not named here are bad. */
const levels: Record<string, typeof broken> = { Progressing: underway, Missing: underway }

type Resource = NonNullable<NonNullable<Application['status']>['resources']>[number]

const describe = ({ kind, name, health }: Resource): string =>
  `${kind}/${name}${health?.status ? ` ${health.status}` : ''}${health?.message ? ` (${health.message})` : ''}`

function stale(application: Application, now: Date): Finding[] {
  const { reconciledAt } = application.status ?? {}
  const age = ageOf(reconciledAt, now)
  if (age < STALE_MS) return []
  return [
    doubtful(
      'application/stale',
      objectOf(application),
      `Argo CD last reconciled it ${formatAge(age)} ago: its status may be out of date`,
      {
        evidence: { reconciledAt },
        remedy: annotate(application, 'normal'),
      },
    ),
  ]
}
