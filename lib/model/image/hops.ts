import { broken, type Finding } from '../health/finding.ts'
import { conditionOf, isLive, isReady, nameOf } from '../health/objects.ts'
import { podFindings } from '../health/pod.ts'
import { platformFinding, runsOn } from './facts.ts'
import { earliest, latest, type Sighting, type Survey, seen, stamped } from './sighting.ts'
import {
  applicationOf,
  chosenTag,
  hasDigest,
  isNew,
  oldPods,
  podsOf,
  type Source,
  syncOf,
  updateEvent,
  type World,
  wantedPods,
} from './world.ts'

export type HopId =
  | 'run-created'
  | 'run-started'
  | 'run-completed'
  | 'image'
  | 'updater'
  | 'synced'
  | 'pods-ready'
  | 'old-pods-gone'

/** One stage of a bump's rollout, from the push to the pods. */
export interface Hop {
  id: HopId
  title: string
  /** What its duration is counted from. */
  after: HopId | 'push'
  /** Which parts of the world show it. */
  sources: readonly Source[]
  /** Which of the environment's deadlines applies. */
  deadline: 'ci' | 'image' | 'updater' | 'sync' | 'pods'
  reached(world: World, surveys: Readonly<Record<Source, Survey>>): Sighting | undefined
  /** Why there is no point in waiting any longer. */
  failure?(world: World, now: Date): Finding | undefined
}

export const hops: readonly Hop[] = [
  {
    id: 'run-created',
    title: 'CI run created',
    after: 'push',
    sources: ['ci'],
    deadline: 'ci',
    reached: ({ ci }) => ci?.run && stamped(ci.run.created_at, { run: ci.run.id, url: ci.run.html_url }),
  },
  {
    id: 'run-started',
    title: 'CI run started',
    after: 'run-created',
    sources: ['ci'],
    deadline: 'ci',
    reached: ({ ci }) =>
      stamped(earliest(ci?.jobs.map(({ started_at }) => started_at)), { jobs: ci?.jobs.map(({ name }) => name) }),
    failure: runFailure,
  },
  {
    id: 'run-completed',
    title: 'CI run completed',
    after: 'run-started',
    sources: ['ci', 'registry'],
    deadline: 'ci',
    reached: ({ ci }) =>
      ci?.run?.conclusion === 'success'
        ? stamped(latest(ci.jobs.map(({ completed_at }) => completed_at)) ?? ci.run.updated_at, {
            conclusion: ci.run.conclusion,
          })
        : undefined,
    failure: runFailure,
  },
  {
    id: 'image',
    title: 'Image in the registry, for the node',
    // The run pushes the image before it ends.
    after: 'run-started',
    sources: ['registry'],
    deadline: 'image',
    reached({ registry, subject }, surveys) {
      const image = registry?.image
      if (!image || !runsOn(image, subject.platform)) return undefined
      return seen(surveys.registry, { digest: image.digest, platforms: image.builds.map(({ platform }) => platform) })
    },
    failure: ({ registry, subject }) =>
      registry?.image && platformFinding(`${subject.image}:${subject.sha}`, registry.image, subject.platform),
  },
  {
    id: 'updater',
    title: 'Image Updater noticed it',
    after: 'image',
    sources: ['cluster'],
    deadline: 'updater',
    reached(world, surveys) {
      const event = updateEvent(world)
      if (event) return stamped(event.firstTimestamp, { event: event.metadata.name })
      // Events may be turned off, and are deleted after an hour.
      const started = syncOf(world)?.deployStartedAt
      if (started) return stamped(started, { by: 'the start of the sync' })
      return chosenTag(applicationOf(world)?.spec, world.subject) === world.subject.sha
        ? seen(surveys.cluster, { by: 'the Application' })
        : undefined
    },
  },
  {
    id: 'synced',
    title: 'Application synced',
    after: 'updater',
    sources: ['cluster'],
    deadline: 'sync',
    reached(world) {
      const sync = syncOf(world)
      return stamped(sync?.deployedAt, { startedAt: sync?.deployStartedAt })
    },
  },
  {
    id: 'pods-ready',
    title: 'New pods ready, with its digest',
    after: 'synced',
    sources: ['cluster'],
    deadline: 'pods',
    reached(world) {
      const ready = podsOf(world).filter(pod => isNew(pod, world.subject) && isLive(pod))
      if (ready.length < wantedPods(ready, world) || ready.some(pod => !isReady(pod) || !hasDigest(pod, world)))
        return undefined
      const since = ready.map(({ status }) => conditionOf(status?.conditions, 'Ready')?.lastTransitionTime)
      return stamped(latest(since), { pods: ready.map(({ metadata }) => metadata.name), digest: world.registry?.image?.digest })
    },
    failure: newPodFailure,
  },
  {
    id: 'old-pods-gone',
    title: 'Old pods gone',
    after: 'pods-ready',
    sources: ['cluster'],
    deadline: 'pods',
    reached: (world, surveys) => (world.cluster && oldPods(world).length === 0 ? seen(surveys.cluster, {}) : undefined),
    failure: newPodFailure,
  },
]

function runFailure({ ci, subject }: World): Finding | undefined {
  const { run, jobs = [] } = { run: ci?.run, jobs: ci?.jobs }
  if (run?.status !== 'completed' || run.conclusion === 'success') return undefined
  const job = jobs.find(({ conclusion }) => conclusion !== 'success' && conclusion !== 'skipped')
  const step = job?.steps?.find(({ conclusion }) => conclusion === 'failure')
  const where = job ? ` in job "${job.name}"${step ? `, step "${step.name}"` : ''}` : ': is the workflow valid?'
  return broken(
    'delivery/run-failed',
    `${subject.repository}@${subject.sha}`,
    `the CI run ended as ${run.conclusion}${where}`,
    {
      evidence: { run: run.id, job: job?.name ?? null, step: step?.name ?? null },
      remedy: `see ${run.html_url}, fix it and push again`,
    },
  )
}

/** A new pod that can never become right: built for the wrong platform, or from another image with the same tag. */
function newPodFailure(world: World, now: Date): Finding | undefined {
  const pods = podsOf(world).filter(pod => isNew(pod, world.subject))
  const findings = podFindings(pods, world.cluster?.inventory.nodes ?? [], now)
  const wrong = findings.find(({ rule }) => rule === 'pod/architecture')
  if (wrong) return wrong
  const other = pods.find(pod => isReady(pod) && !hasDigest(pod, world))
  if (!other) return undefined
  const running = other.status?.containerStatuses?.map(({ imageID }) => imageID ?? null) ?? []
  return broken('image/digest', nameOf('Pod', other), "runs an image that differs from the registry's with the same tag", {
    evidence: { wanted: world.registry?.image?.digest, running },
    remedy: 'the tag was pushed twice: never push a commit id again; bump to a new version',
  })
}
