import type { Clone, Repository } from '../../delivery/repository.ts'
import { seen } from '../../model/image/sighting.ts'
import { bumpSubject, nextVersion, versionIn, withVersion } from '../../model/image/version.ts'
import type { Context } from '../../operation/context.ts'
import { bumpSummary } from '../../report/hops.ts'
import { shortSha } from '../../report/short.ts'
import { precondition, usage } from '../../runtime/errors.ts'
import type { Json } from '../../runtime/json.ts'
import type { Phase } from '../../runtime/phases.ts'
import { type Service, serviceOf } from './delivery.ts'
import { type Bump, lastBump, type Remembered, type Rollout } from './rollout.ts'

/** What a bump is asked to do. */
export interface BumpRequest {
  service: string
  /** `patch`, `minor`, `major` or an exact version. */
  to: string
  /** Go on even if the workflow is known to be wrong. */
  force: boolean
}

/** Raises the service's version and pushes it, unless an earlier run has done just that and did not see the image arrive. */
export function bumped(
  rollout: Rollout,
  request: BumpRequest,
): Phase<Pick<Context, 'environment' | 'consent' | 'now' | 'progress'>> {
  const { settings } = rollout.delivery
  const service = serviceOf(settings, request.service)
  const file = `${service.folder}/${service.versionFile}`
  return {
    id: 'image/bumped',
    title: `Version of ${service.name} raised and pushed`,

    async check({ environment }) {
      // Without a token nothing can be pushed, and its CI run can't be seen.
      await rollout.delivery.github()
      const repository = await rollout.delivery.repository()
      const earlier = await lastBump(environment.name, service.name)
      if (earlier && isSame(earlier, request) && (await isThere(earlier.bump, service, repository))) {
        await rollout.follow(earlier.bump, earlier.sightings)
        return { state: 'done', evidence: { ...earlier.bump, resumes: earlier.journal } as unknown as Json }
      }
      const { from, to } = await repository.withClone(clone => raised(clone, service, request.to))
      const { branch, repository: name } = settings
      const changes = [`${file}: ${from} → ${to}`, `commit "${bumpSubject(service.name, to)}"`, `push to ${branch} of ${name}`]
      return { state: 'todo', changes }
    },

    async run({ consent, now, progress }) {
      const repository = await rollout.delivery.repository()
      return repository.withClone(async clone => {
        const { from, to, text } = await raised(clone, service, request.to)
        await consent({
          question: `Push ${service.name} ${to} to ${settings.branch} of ${settings.repository}`,
          destroys: false,
        })
        await clone.write(file, text)
        const sha = await clone.commit(bumpSubject(service.name, to))
        progress(`${from} → ${to}, pushing ${shortSha(sha)}`)
        const before = now().toISOString()
        const bump = { service: service.name, from, to, sha }
        // Written down before the push: if this run is killed in between, the next one checks whether the commit is on the branch.
        await rollout.follow({ ...bump, pushed: seen({ before, at: before }, null) })
        await clone.push()
        const pushed = seen({ before, at: now().toISOString() }, { branch: settings.branch })
        await rollout.follow({ ...bump, pushed })
        return { ...bump, pushed } as unknown as Json
      })
    },

    summary: evidence => bumpSummary(evidence as unknown as Bump),
  }
}

/** Whether the service's earlier bump, unfinished, is the one that is asked for now: no other version. */
const isSame = ({ bump, isFinished }: Remembered, { to }: BumpRequest): boolean =>
  !isFinished && (['patch', 'minor', 'major'].includes(to) || to === bump.to)

/** Whether its commit is on the branch, and no later one has changed the service's version. */
async function isThere({ sha, to }: Bump, { folder, versionFile }: Service, repository: Repository): Promise<boolean> {
  if (!(await repository.contains(sha))) return false
  const text = await repository.withClone(clone => clone.read(`${folder}/${versionFile}`))
  return text !== undefined && versionIn(versionFile, text) === to
}

async function raised(clone: Clone, { name, folder, versionFile }: Service, to: string) {
  const file = `${folder}/${versionFile}`
  const text = await clone.read(file)
  const from = text === undefined ? undefined : versionIn(versionFile, text)
  if (text === undefined || from === undefined) {
    throw precondition(`${file} holds no version of ${name}`, 'correct delivery.services in the environment')
  }
  const next = nextVersion(from, to)
  if ('why' in next) throw usage(`--to: ${next.why}`, 'use patch, minor, major, or a higher version')
  return { from, to: next.version, text: withVersion(versionFile, text, next.version) ?? text }
}
