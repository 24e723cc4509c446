import type { Clone } from '../delivery/repository.ts'
import { blocking, type Finding, noted, verdictOf } from '../model/health/finding.ts'
import { platformFinding } from '../model/image/facts.ts'
import { hops } from '../model/image/hops.ts'
import { seen } from '../model/image/sighting.ts'
import type { Leg } from '../model/image/timeline.ts'
import { bumpSubject, nextVersion, versionIn, withVersion } from '../model/image/version.ts'
import { workflowFindings } from '../model/image/workflow.ts'
import { findingsText, plain } from '../report/findings.ts'
import { legsText, toldBump, toldLeg } from '../report/hops.ts'
import { exitCodes, OpsError, precondition, unhealthy, usage } from '../runtime/errors.ts'
import type { Json } from '../runtime/json.ts'
import type { Phase } from '../runtime/phases.ts'
import { type Bump, type Course, lastBump, type Remembered } from './course.ts'
import { openDelivery, type Service, serviceOf, workflowNeeds } from './delivery.ts'
import type { Operation } from './operation.ts'

/** What is asked for of a bump. */
export interface BumpRequest {
  service: string
  /** `patch`, `minor`, `major` or a version. */
  to: string
  /** Goes on where the workflow is known to be wrong. */
  force: boolean
}

/** What is wrong with the workflow at the branch's head, or with another text of it. */
export async function checkedWorkflow(operation: Operation, text?: string): Promise<Finding[]> {
  const { settings, repository } = openDelivery(operation)
  if (text !== undefined) return workflowFindings(text, workflowNeeds(settings))
  const clones = await repository()
  return clones.withClone(async clone => workflowFindings(await clone.read(settings.workflow), workflowNeeds(settings)))
}

/** The workflow will build what the nodes can run: looked at before anything is pushed. */
export function workflowFit(course: Course, { service, force }: BumpRequest): Phase<Operation> {
  return {
    id: 'image/workflow',
    title: 'Workflow builds what the nodes run',

    async check({ log }) {
      const { settings, repository } = course.delivery
      const clones = await repository()
      const text = await clones.withClone(clone => clone.read(settings.workflow))
      const findings = workflowFindings(text, workflowNeeds(settings, [serviceOf(settings, service).name]))
      const wrong = blocking(findings)
      if (wrong.length > 0 && !force) {
        course.note(findings)
        throw unhealthy(
          `nothing was pushed: the workflow is wrong\n${findingsText(findings, verdictOf(findings), plain)}`,
          'correct the workflow on the branch first; --force pushes all the same',
        )
      }
      for (const { object, message } of wrong) log.warn(`${object}: ${message}; going on, as --force says`)
      return { state: 'done', evidence: findings as unknown as Json }
    },

    run: async () => null,
  }
}

/** The service's version is raised and pushed, unless that is what an earlier run did and did not see arrive. */
export function bumped(course: Course, request: BumpRequest): Phase<Operation> {
  const { settings } = course.delivery
  const service = serviceOf(settings, request.service)
  const file = `${service.folder}/${service.versionFile}`
  return {
    id: 'image/bumped',
    title: `Version of ${service.name} raised and pushed`,

    async check({ environment }) {
      // Without a token nothing could be pushed, nor its run be seen.
      await course.delivery.github()
      const repository = await course.delivery.repository()
      const earlier = await lastBump(environment.name)
      if (earlier && isSame(earlier, request) && (await repository.head()) === earlier.bump.sha) {
        await course.follow(earlier.bump, earlier.sightings)
        return { state: 'done', evidence: { ...earlier.bump, resumes: earlier.journal } as unknown as Json }
      }
      const { from, to } = await repository.withClone(clone => raised(clone, service, request.to))
      const { branch, repository: name } = settings
      const changes = [`${file}: ${from} → ${to}`, `commit "${bumpSubject(service.name, to)}"`, `push to ${branch} of ${name}`]
      return { state: 'todo', changes }
    },

    async run({ confirm, now, progress }) {
      const repository = await course.delivery.repository()
      return repository.withClone(async clone => {
        const { from, to, text } = await raised(clone, service, request.to)
        await confirm(`Push ${service.name} ${to} to ${settings.branch} of ${settings.repository}`)
        await clone.write(file, text)
        const sha = await clone.commit(bumpSubject(service.name, to))
        progress(`${from} → ${to}, pushing ${sha.slice(0, 12)}`)
        const before = now().toISOString()
        const bump = { service: service.name, from, to, sha }
        // Known before it is pushed: whoever is killed in between finds the commit on the branch, or does not.
        await course.follow({ ...bump, pushed: seen({ before, at: before }, null) })
        await clone.push()
        const pushed = seen({ before, at: now().toISOString() }, { branch: settings.branch })
        await course.follow({ ...bump, pushed })
        return { ...bump, pushed } as unknown as Json
      })
    },

    summary: evidence => toldBump(evidence as unknown as Bump),
  }
}

/** An earlier run's bump is what is asked for now: the same service, and no other version. */
const isSame = ({ bump, isFinished }: Remembered, { service, to }: BumpRequest): boolean =>
  !isFinished && bump.service === service && (['patch', 'minor', 'major'].includes(to) || to === bump.to)

async function raised(clone: Clone, { name, folder, versionFile }: Service, to: string) {
  const file = `${folder}/${versionFile}`
  const text = await clone.read(file)
  const from = text === undefined ? undefined : versionIn(versionFile, text)
  if (text === undefined || from === undefined) {
    throw precondition(`${file} has no version of ${name}`, 'correct delivery.services in the environment')
  }
  const next = nextVersion(from, to)
  if ('why' in next) throw usage(`--to: ${next.why}`, 'patch, minor, major, or a higher version')
  return { from, to: next.version, text: withVersion(versionFile, text, next.version) ?? text }
}

/** The bump that was last pushed is the one to follow. */
export function remembered(course: Course): Phase<Operation> {
  return {
    id: 'image/remembered',
    title: 'The last bump',

    async check({ environment, log }) {
      const last = await lastBump(environment.name)
      if (!last) throw precondition('no journal knows of a bump', '`./taskw image:bump -- --service <name> --to patch`')
      if (!isPushed(last.bump) && (await (await course.delivery.repository()).head()) !== last.bump.sha) {
        const again = `\`./taskw image:bump -- --service ${last.bump.service} --to ${last.bump.to}\``
        throw precondition(`the run that was to push ${toldBump(last.bump)} ended before it had`, again)
      }
      await course.follow(last.bump, last.sightings)
      log.info(`${last.bump.service} ${toldBump(last.bump)}, pushed ${last.bump.pushed.at}`)
      return { state: 'done', evidence: { ...last.bump, resumes: last.journal } as unknown as Json }
    },

    run: async () => null,
  }
}

/** Without evidence the run ended while it pushed. */
const isPushed = ({ pushed }: Bump): boolean => pushed.evidence !== null

/** Hop by hop, from the push to the pods. */
export const followed = (course: Course): Phase<Operation>[] =>
  hops.map(hop => ({
    id: `image/${hop.id}`,
    title: hop.title,

    check: async () =>
      course.bump
        ? { state: 'todo', changes: [`wait for: ${hop.title}`] }
        : { state: 'unknown', needs: 'the version to be pushed' },

    run: async () => (await course.until(hop)) as unknown as Json,

    summary: evidence => toldLeg(evidence as unknown as Leg),
  }))

/** What is known of a bump, for people. */
export const courseText = ({ bump, legs }: Course): string => (bump ? legsText(bump, legs) : '')

/** What is known of a bump as members of a `--json` document. */
export const courseDocument = ({ bump, legs, findings }: Course): { [key: string]: Json } => ({
  bump: (bump ?? null) as unknown as Json,
  hops: legs as unknown as Json,
  findings: findings as unknown as Json,
})

/**
 * Whether the newest build of each service, the one that `latest` names, is for the nodes: if it is not, nothing newer will
 * arrive, and nobody says so. Without an answer of the registry that is all there is to say.
 */
export async function newestBuilds(operation: Operation): Promise<Finding[]> {
  if (!operation.environment.delivery) return []
  const { settings, registry } = openDelivery(operation)
  const services = Object.values(settings.services)
  const found = await Promise.all(
    services.map(async ({ image }) => {
      try {
        const facts = await registry().image(image, 'latest', operation.signal)
        return facts && platformFinding(`${image}:latest`, facts, settings.platform)
      } catch (error) {
        if (!(error instanceof OpsError) || error.code === exitCodes.interrupted) throw error
        return noted('image/unknown', image, error.message, { remedy: error.hint })
      }
    }),
  )
  return found.flatMap(finding => finding ?? [])
}
