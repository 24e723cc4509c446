import { customResourceDefinitions, type Kind, kinds } from '../../cluster/kinds.ts'
import { environmentNames } from '../../config/names.ts'
import type { KubernetesObject } from '../../model/health/objects.ts'
import { unmatchedAllowances } from '../../model/layer/allowance.ts'
import { type Destruction, destructions } from '../../model/layer/destruction.ts'
import { judgeDestructions, type Permissions } from '../../model/layer/guarded.ts'
import type { Held, Holdings } from '../../model/layer/holdings.ts'
import { type DiskSnapshot, describeLostDisks, lostDisks } from '../../model/layer/lost-disk.ts'
import { baseName, creates } from '../../model/layer/planned.ts'
import { describeRefusals } from '../../model/layer/refusal.ts'
import { ownedBy } from '../../model/snapshot/found.ts'
import type { Context } from '../../operation/context.ts'
import { type OpsError, precondition } from '../../runtime/errors.ts'
import type { Plan } from '../../terraform/terraform.ts'

export type GuardContext = Pick<Context, 'environment' | 'compute' | 'cluster' | 'now' | 'log' | 'signal'>

/** What a plan may do that an ordinary one may not. */
export interface PlanPermissions extends Permissions {
  /** A boot disk may be made empty although there are snapshots. */
  fresh: boolean
  /** Addresses of what an interrupted run of ours had begun to make and nobody has finished. */
  unfinished?: ReadonlySet<string>
}

export interface Judged {
  /** What the plan destroys, and may. */
  permitted: Destruction[]
  /** Why it must not be applied. */
  refusal?: OpsError
}

/**
 * Judges a plan before it is applied: whatever it deletes or replaces must be permitted, and a boot disk is not made empty while
 * there are snapshots of it. Only reads.
 */
export async function judgePlan(plan: Plan, permissions: PlanPermissions, context: GuardContext): Promise<Judged> {
  const destroyed = destructions(plan.resources).filter(
    // A deposed object under the same address is what the unfinished one was to replace.
    ({ address, deposed }) => deposed !== undefined || !permissions.unfinished?.has(address),
  )
  const snapshots = await snapshotsFor(plan, destroyed, context)
  const lost = permissions.fresh ? [] : lostDisks(plan.resources, snapshots ?? [])
  if (lost.length > 0) return { permitted: [], refusal: refused(describeLostDisks(plan.layer, lost, context.now())) }
  if (destroyed.length === 0) return { permitted: [] }

  const held = destroyed.flatMap(({ holds }) => holds)
  const holdings = { ...(snapshots && { snapshots: bySourceDisk(snapshots) }), ...(await clusterHoldings(held, context)) }
  const verdict = judgeDestructions(destroyed, permissions, holdings)
  if (verdict.refused.length === 0) return { permitted: verdict.permitted }
  const where = { layer: plan.layer, environment: context.environment.name }
  return { permitted: [], refusal: refused(describeRefusals(where, verdict.refused, holdings, context.now())) }
}

/** Warns of allowances that mean nothing: a repeated command may have done its work already, a misspelt one has not. */
export function warnOfUnmatched(
  allow: readonly string[],
  destroyed: readonly Destruction[],
  { log }: Pick<Context, 'log'>,
): void {
  for (const pattern of unmatchedAllowances(allow, destroyed))
    log.warn(`--allow-destroy '${pattern}' means nothing that would be destroyed`)
}

const refused = ({ message, hint }: { message: string; hint: string }): OpsError => precondition(message, hint)

const DISKS_OR_VMS = /^google_compute_(region_)?(disk|instance)/

/** The environment's snapshots, where the plan concerns a disk; those of a disk in the plan are its own. Undefined where no disk is concerned. */
async function snapshotsFor(
  { resources }: Plan,
  destroyed: readonly Destruction[],
  { compute, environment }: GuardContext,
): Promise<DiskSnapshot[] | undefined> {
  const held = destroyed.flatMap(({ holds }) => holds).filter(({ kind }) => kind === 'disk')
  const made = resources.filter(resource => creates(resource) && DISKS_OR_VMS.test(resource.type))
  if (held.length === 0 && made.length === 0) return undefined
  const disks = new Set([...held.map(({ name }) => name), ...made.map(({ after }) => String(after?.name ?? ''))])
  const all = await (await compute()).snapshots({})
  // The disk to come may be in another zone than the one that is gone: its name is enough.
  const origins = all.map(snapshot => ({ ...snapshot, sourceDiskUrl: baseName(snapshot.sourceDisk) }))
  const others = environmentNames().filter(name => name !== environment.name)
  return origins.filter(ownedBy(origins, { environment: environment.name, others, disks: [...disks] }))
}

/** What of the cluster goes with the objects that are destroyed. Where nobody answers it stays unknown, and is said to be. */
export async function clusterHoldings(
  held: readonly Held[],
  context: Pick<GuardContext, 'cluster' | 'log' | 'signal'>,
): Promise<Pick<Holdings, 'claims' | 'releases'>> {
  const holds = (kind: Held['kind']) => held.some(each => each.kind === kind)
  const known = async <T>(read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read()
    } catch (error) {
      context.log.debug(`what is destroyed holds: ${error}`)
      return undefined
    }
  }
  const claims = holds('namespace') || holds('release') ? await known(() => listed(kinds.volumeClaims, context)) : undefined
  const crds = holds('release') ? await known(() => listed(customResourceDefinitions, context)) : undefined
  return {
    ...(claims && { claims: grouped(claims, ({ metadata }) => metadata.namespace ?? '') }),
    ...(crds && claims && { releases: releasesOf(crds, claims) }),
  }
}

const listed = async (kind: Kind, { cluster, signal }: Pick<GuardContext, 'cluster' | 'signal'>): Promise<KubernetesObject[]> =>
  (await cluster()).list(kind, undefined, signal)

function bySourceDisk(snapshots: readonly DiskSnapshot[]): NonNullable<Holdings['snapshots']> {
  const ready = snapshots.filter(({ status }) => status === 'READY')
  return Object.fromEntries(
    Object.entries(Object.groupBy(ready, ({ sourceDisk }) => baseName(sourceDisk))).map(([disk, of = []]) => [disk, of]),
  )
}

const grouped = (objects: readonly KubernetesObject[], key: (object: KubernetesObject) => string): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(Object.groupBy(objects, key)).map(([name, of = []]) => [name, of.map(({ metadata }) => metadata.name)]),
  )

/** Helm puts these on everything that it makes from a template, and keeps what is annotated so. https://helm.sh/docs/howto/charts_tips_and_tricks/ */
const RELEASE_NAME = 'meta.helm.sh/release-name'
const RELEASE_NAMESPACE = 'meta.helm.sh/release-namespace'
const RESOURCE_POLICY = 'helm.sh/resource-policy'

function releasesOf(crds: readonly KubernetesObject[], claims: readonly KubernetesObject[]): NonNullable<Holdings['releases']> {
  const releaseOf = ({ metadata: { annotations = {} } }: KubernetesObject) =>
    annotations[RELEASE_NAME] === undefined || annotations[RESOURCE_POLICY] === 'keep'
      ? ''
      : `${annotations[RELEASE_NAMESPACE]}/${annotations[RELEASE_NAME]}`
  const [ofCrds, ofClaims] = [grouped(crds, releaseOf), grouped(claims, releaseOf)]
  const names = new Set([...Object.keys(ofCrds), ...Object.keys(ofClaims)])
  return Object.fromEntries([...names].map(name => [name, { crds: ofCrds[name] ?? [], claims: ofClaims[name] ?? [] }]))
}
