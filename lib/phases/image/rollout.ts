import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { events } from '../../cluster/kinds.ts'
import type { Watcher } from '../../cluster/watcher.ts'
import type { Finding } from '../../model/health/finding.ts'
import { type Hop, hops } from '../../model/image/hops.ts'
import type { Sighting, Survey } from '../../model/image/sighting.ts'
import { causes } from '../../model/image/stall.ts'
import { type ReachedHop, type Sightings, timeline } from '../../model/image/timeline.ts'
import { workflowFindings } from '../../model/image/workflow.ts'
import type { KubernetesEvent, Source, World } from '../../model/image/world.ts'
import { parseNamespacedName } from '../../model/namespaced-name.ts'
import type { Context } from '../../operation/context.ts'
import { hopsText } from '../../report/hops.ts'
import { formatDuration } from '../../runtime/duration.ts'
import { exitCodes, interrupted, type OpsError, timedOut, unhealthy } from '../../runtime/errors.ts'
import { readJournals } from '../../runtime/journal.ts'
import type { Json } from '../../runtime/json.ts'
import { lostConnection, RECONNECT_MS } from '../health/assessment.ts'
import { type Delivery, type DeliveryContext, openDelivery, serviceOf, workflowNeeds } from './delivery.ts'
import { listedUpdaters } from './updaters.ts'

/** A bump that was pushed, or is about to be, as its journal keeps it. */
export interface Bump {
  service: string
  /** Both are empty where the commit is: a service is built again without another version. */
  from: string
  to: string
  sha: string
  /** When the push succeeded; until that is known, when it began. */
  pushed: Sighting
}

/** GitHub and the registry can only be polled. In milliseconds. */
const POLL_MS = 2000
/** The cluster is watched, but rules depend on the clock, too. In milliseconds. */
const RECHECK_MS = 5000

/** Verbs whose journals hold a bump. */
const VERBS = ['image:bump', 'image:watch']

/** What an earlier run knew about a bump. */
export interface Remembered {
  journal: string
  bump: Bump
  sightings: Sightings
  isFinished: boolean
}

const sighting = z.looseObject({ at: z.iso.datetime(), error: z.number() })
/** A journal with anything else is not one of ours. */
const remembered = z.looseObject({
  bump: z.looseObject({ service: z.string(), from: z.string(), to: z.string(), sha: z.string(), pushed: sighting }),
  sightings: z.record(z.string(), sighting).optional(),
})

/** The newest bump in an environment's journals, or the newest of one service. */
export async function lastBump(env: string, service?: string): Promise<Remembered | undefined> {
  const journals = (await Promise.all(VERBS.map(verb => readJournals(verb, env)))).flat()
  const [newest] = journals
    .filter(({ facts }) => {
      const { data } = remembered.safeParse(facts)
      return data && (service === undefined || data.bump.service === service)
    })
    .sort((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt))
  return (
    newest && {
      journal: newest.id,
      bump: newest.facts.bump as unknown as Bump,
      sightings: (newest.facts.sightings ?? {}) as Sightings,
      isFinished: newest.exitCode === exitCodes.ok,
    }
  )
}

export type RolloutContext = DeliveryContext & Pick<Context, 'cluster' | 'journal' | 'now' | 'progress'>

/** One bump on its way to the pods: what is known about it, and how to find out more. */
export class Rollout {
  readonly delivery: Delivery
  readonly #context: RolloutContext
  #bump: Bump | undefined
  #sightings: Sightings = {}
  #findings: readonly Finding[] = []
  readonly #seen: Omit<World, 'subject'> = {}
  readonly #surveys: Partial<Record<Source, Survey & { began: string }>> = {}
  #watcher: Watcher | undefined

  constructor(context: RolloutContext) {
    this.#context = context
    this.delivery = openDelivery(context)
  }

  get bump(): Bump | undefined {
    return this.#bump
  }

  /** Why it did not reach the pods. */
  get findings(): readonly Finding[] {
    return this.#findings
  }

  note(findings: readonly Finding[]): void {
    this.#findings = findings
  }

  get reached(): ReachedHop[] {
    return this.#bump ? timeline(this.#bump.pushed, this.#sightings) : []
  }

  /** Follows this bump from now on, and records it so that another run can go on with it. */
  async follow(bump: Bump, sightings: Sightings = {}): Promise<void> {
    this.#bump = bump
    this.#sightings = sightings
    await this.#context.journal?.fact('bump', bump as unknown as Json)
    await this.#context.journal?.fact('sightings', sightings as unknown as Json)
  }

  /** The image that must run in the end, with its digest where that is known. */
  expected(): { namespace: string; image: string }[] {
    if (!this.#bump) return []
    const { image, sha, namespace } = this.#world().subject
    const digest = (this.#sightings.image?.evidence as { digest?: string } | undefined)?.digest
    return [{ namespace, image: `${image}:${sha}${digest ? `@${digest}` : ''}` }]
  }

  /**
   * Surveys the hop's sources until it is reached.
   * @throws OpsError 6 when it can no longer be reached, 124 when it takes too long, both with the cause; 130 when interrupted
   */
  async until(hop: Hop): Promise<ReachedHop> {
    const { signal, progress, now } = this.#context
    const began = performance.now()
    const within = this.delivery.settings.deadlines[hop.deadline]
    try {
      for (;;) {
        const trouble = await this.#survey(hop.sources).then(() => undefined, lostConnection)
        const reached = this.reached.find(each => each.hop === hop.id)
        if (reached) return reached
        const failure = trouble === undefined && hop.failure?.(this.#world(), now())
        if (failure) throw this.#lost(hop, [failure])
        const left = within - (performance.now() - began)
        if (left <= 0) throw trouble ?? this.#lost(hop, await this.#causes(hop), within)
        progress(trouble?.message ?? `for ${formatDuration(performance.now() - began)}, at most ${formatDuration(within)}`)
        await this.#pause(left, trouble)
        if (signal.aborted)
          throw interrupted(`interrupted while waiting for "${hop.title}"`, 'go on with `./taskw image:watch`')
      }
    } finally {
      this.#watcher?.close()
      this.#watcher = undefined
    }
  }

  #world(): World {
    if (!this.#bump) throw new Error('no bump is being followed')
    const { repository, workflow, namespace, application, platform } = this.delivery.settings
    const { service, sha, pushed } = this.#bump
    const { image } = serviceOf(this.delivery.settings, service)
    const subject = { service, repository, workflow, sha, pushedAt: pushed.at, image, namespace, application, platform }
    return { subject, ...this.#seen }
  }

  async #survey(sources: readonly Source[]): Promise<void> {
    await Promise.all(sources.map(source => this.#surveyOne(source)))
    // Every hop declares the sources that it reads.
    const surveys = this.#surveys as Record<Source, Survey>
    const before = Object.keys(this.#sightings).length
    for (const { id, after, reached } of hops) {
      if (this.#sightings[id] || (after !== 'push' && !this.#sightings[after])) continue
      const sighting = reached(this.#world(), surveys)
      if (sighting) this.#sightings[id] = sighting
    }
    if (Object.keys(this.#sightings).length > before) {
      await this.#context.journal?.fact('sightings', this.#sightings as unknown as Json)
    }
  }

  async #surveyOne(source: Source): Promise<void> {
    const began = this.#context.now().toISOString()
    if (source === 'ci') this.#seen.ci = await this.#ci()
    if (source === 'registry') this.#seen.registry = await this.#registry()
    if (source === 'cluster') this.#seen.cluster = await this.#cluster()
    // What the survey before did not see and this one does happened between the beginnings of the two and now.
    const before = this.#surveys[source]?.began ?? this.#bump?.pushed.at ?? began
    this.#surveys[source] = { before, began, at: this.#context.now().toISOString() }
  }

  async #ci(): Promise<World['ci']> {
    const { repository, workflow, sha } = this.#world().subject
    const github = await this.delivery.github()
    const runs = await github.runs(repository, sha, this.#context.signal)
    const run = runs.find(({ path }) => path.split('@')[0] === workflow)
    return { run, jobs: run ? await github.jobs(repository, run.id, this.#context.signal) : [] }
  }

  async #registry(): Promise<World['registry']> {
    const { image, sha } = this.#world().subject
    return { image: await this.delivery.registry().image(image, sha, this.#context.signal) }
  }

  async #cluster(): Promise<World['cluster']> {
    const { signal } = this.#context
    const cluster = await this.#context.cluster()
    const { namespace } = parseNamespacedName(this.#world().subject.application)
    const snapshot = await cluster.inventory(signal)
    this.#watcher ??= cluster.watch(snapshot, signal)
    const [allEvents, updaters] = await Promise.all([
      cluster.list<KubernetesEvent>(events, namespace, signal),
      listedUpdaters(cluster, namespace, signal),
    ])
    return { inventory: snapshot.inventory, events: allEvents, ...(updaters && { imageUpdaters: updaters }) }
  }

  async #pause(left: number, trouble: OpsError | undefined): Promise<void> {
    if (trouble) {
      this.#watcher?.close()
      this.#watcher = undefined
    }
    if (this.#watcher) return this.#watcher.next(Math.min(left, RECHECK_MS))
    const pause = trouble ? RECONNECT_MS : POLL_MS
    await sleep(Math.min(left, pause), undefined, { signal: this.#context.signal }).catch(() => undefined)
  }

  async #causes(hop: Hop): Promise<Finding[]> {
    const { settings } = this.delivery
    const { service, sha } = this.#world().subject
    const repository = await this.delivery.repository()
    // The workflow of this commit. If it can't be read, the other causes still help.
    const text = await repository.withClone(clone => clone.read(settings.workflow), sha).catch(() => null)
    const workflow = text === null ? [] : workflowFindings(text, workflowNeeds(settings, [service]))
    return causes(hop.id, this.#world(), { now: this.#context.now(), workflow })
  }

  #lost({ title }: Hop, found: Finding[], waited?: number): OpsError {
    this.#findings = found
    const [likeliest] = found
    const why = likeliest ? `${likeliest.object}: ${likeliest.message}` : 'for an unknown reason'
    const remedy = likeliest?.remedy ?? '`./taskw verify`'
    if (waited === undefined) return unhealthy(`the image will not reach the pods: ${why}`, remedy)
    return timedOut(
      `"${title}" did not happen within ${formatDuration(waited)}; likely cause: ${why}`,
      `${remedy}; then \`./taskw image:watch\``,
    )
  }
}

/** What is known about a bump, for people. */
export const rolloutText = ({ bump, reached }: Rollout): string => (bump ? hopsText(bump, reached) : '')

/** What is known about a bump, as members of a `--json` document. */
export const rolloutDocument = ({ bump, reached, findings }: Rollout): { [key: string]: Json } => ({
  bump: (bump ?? null) as unknown as Json,
  hops: reached as unknown as Json,
  findings: findings as unknown as Json,
})
