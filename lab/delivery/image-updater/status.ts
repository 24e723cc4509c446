/**
 * The status that the updater writes into an ImageUpdater.
 * https://github.com/argoproj-labs/argocd-image-updater/blob/v1.2.0/internal/controller/status.go
 */

/** The updater has nothing to clean up, but an ImageUpdater is not gone before it has seen the deletion. */
export const FINALIZER = 'resources-finalizer.argocd-image-updater.argoproj.io'

export interface Change {
  /** Empty when the list of images gives none. */
  alias: string
  /** With its registry, without tag. */
  image: string
  from: string
  to: string
}

/** The result of one pass over the Applications that an ImageUpdater selects. */
export interface Outcome {
  /** Number of Applications. */
  matched: number
  /** Number of images that the Applications run. */
  considered: number
  errors: number
  changes: Change[]
}

interface Condition {
  type: 'Ready' | 'Reconciling' | 'Error'
  status: 'True' | 'False'
  reason: string
  message: string
  observedGeneration?: number
  lastTransitionTime: string
}

/** Times are in RFC 3339, in seconds. */
export interface Status {
  observedGeneration?: number
  lastCheckedAt?: string
  lastUpdatedAt?: string
  applicationsMatched?: number
  imagesManaged?: number
  /** Of the last pass that updated anything. */
  recentUpdates?: {
    alias: string
    image: string
    newVersion: string
    applicationsUpdated: number
    updatedAt: string
    message: string
  }[]
  conditions?: Condition[]
}

type Given = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

export const beforePass = (status: Status, generation: number | undefined, now: Date): Status => ({
  ...status,
  conditions: merged(status, generation, now, [
    { type: 'Reconciling', status: 'True', reason: 'Reconciling', message: 'Image update check in progress.' },
  ]),
})

/** @param pass.failure why there was no pass over the Applications, if there was none */
export function afterPass(
  status: Status,
  outcome: Outcome,
  { generation, now, failure }: { generation: number | undefined; now: Date; failure?: string | undefined },
): Status {
  const at = seconds(now)
  return {
    ...status,
    ...(generation !== undefined && { observedGeneration: generation }),
    lastCheckedAt: at,
    applicationsMatched: outcome.matched,
    imagesManaged: outcome.considered,
    ...(outcome.changes.length > 0 && { lastUpdatedAt: at, recentUpdates: updates(outcome.changes, at) }),
    conditions: merged(status, generation, now, [
      { type: 'Reconciling', status: 'False', reason: 'Idle', message: 'Last check completed. Awaiting next cycle.' },
      ...verdict(outcome, failure),
    ]),
  }
}

function verdict({ matched, errors, changes }: Outcome, failure: string | undefined): Given[] {
  const updated = `${changes.length} images updated.`
  if (failure !== undefined) {
    return [
      { type: 'Error', status: 'True', reason: 'ReconcileError', message: failure },
      { type: 'Ready', status: 'False', reason: 'ReconcileFailed', message: `Reconciliation failed: ${failure}` },
    ]
  }
  if (errors > 0) {
    const message = `Reconciled ${matched} applications with ${errors} errors, ${updated}`
    return [
      {
        ...{ type: 'Error', status: 'True', reason: 'PartialErrors' },
        message: `${errors} error(s) occurred during image update checks.`,
      },
      { type: 'Ready', status: 'True', reason: 'ReconcileCompletedWithErrors', message },
    ]
  }
  const message = `Reconciled ${matched} applications, ${updated}`
  return [
    { type: 'Error', status: 'False', reason: 'NoErrors', message: 'No errors during last reconciliation.' },
    { type: 'Ready', status: 'True', reason: 'ReconcileSucceeded', message },
  ]
}

function updates(changes: readonly Change[], at: string): NonNullable<Status['recentUpdates']> {
  const found = new Map<string, NonNullable<Status['recentUpdates']>[number]>()
  for (const { alias: given, image, from, to } of changes) {
    const alias = given || withoutRegistry(image)
    const known = found.get(`${alias} ${to}`)
    if (known) known.applicationsUpdated++
    else {
      const message = `Updated from ${from} to ${to}.`
      found.set(`${alias} ${to}`, { alias, image, newVersion: to, applicationsUpdated: 1, updatedAt: at, message })
    }
  }
  return [...found.values()]
}

export const withoutRegistry = (image: string): string => image.slice(image.indexOf('/') + 1)

/** The status's conditions with some of them replaced. The time of a condition is that of its last change of status. */
function merged({ conditions = [] }: Status, generation: number | undefined, now: Date, given: readonly Given[]): Condition[] {
  const result = [...conditions]
  for (const one of given) {
    const at = result.findIndex(({ type }) => type === one.type)
    const earlier = result[at]
    const condition = {
      ...one,
      ...(generation !== undefined && { observedGeneration: generation }),
      lastTransitionTime: earlier?.status === one.status ? earlier.lastTransitionTime : seconds(now),
    }
    if (earlier) result[at] = condition
    else result.push(condition)
  }
  return result
}

const seconds = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, 'Z')
