import type { Clone, Repository } from '../../delivery/repository.ts'
import { seen } from '../../model/image/sighting.ts'
import { bumpSubject, nextVersion, touchSubject, versionIn, withVersion } from '../../model/image/version.ts'
import { command } from '../../model/shell.ts'
import type { Context } from '../../operation/context.ts'
import { bumpSummary } from '../../report/hops.ts'
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
  /** An empty commit instead of another version. */
  touch?: boolean
  /** Go on even if the workflow is known to be wrong. */
  force: boolean
}

/** Raises the service's version, or touches it, and pushes that, unless an earlier run has done just that and did not see the image arrive. */
export function bumped(
  rollout: Rollout,
  request: BumpRequest,
): Phase<Pick<Context, 'environment' | 'consent' | 'now' | 'progress'>> {
  const { settings } = rollout.delivery
  const service = serviceOf(settings, request.service)
  return {
    id: 'image/bumped',
    title: request.touch ? `Empty commit for ${service.name} pushed` : `Version of ${service.name} raised and pushed`,

    async check({ environment }) {
      // Without a token nothing can be pushed, and its CI run can't be seen.
      await rollout.delivery.github()
      const repository = await rollout.delivery.repository()
      const earlier = await lastBump(environment.name, service.name)
      if (earlier && isSame(earlier, request) && (await isThere(earlier.bump, service, repository))) {
        await rollout.follow(earlier.bump, earlier.sightings)
        return { state: 'done', evidence: { ...earlier.bump, resumes: earlier.journal } as unknown as Json }
      }
      const { changes } = await repository.withClone(clone => changeOf(clone, service, request))
      return { state: 'todo', changes: [...changes, `push to ${settings.branch} of ${settings.repository}`] }
    },

    async run({ consent, now, progress }) {
      const repository = await rollout.delivery.repository()
      return repository.withClone(async clone => {
        const { from, to, what, commit } = await changeOf(clone, service, request)
        await consent({ question: `Push ${what} to ${settings.branch} of ${settings.repository}`, destroys: false })
        const sha = await commit()
        progress(`pushing ${bumpSummary({ from, to, sha })}`)
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
function isSame({ bump, isFinished }: Remembered, { to, touch = false }: BumpRequest): boolean {
  if (isFinished || touch !== isTouch(bump)) return false
  return touch || ['patch', 'minor', 'major'].includes(to) || to === bump.to
}

const isTouch = ({ to }: Bump): boolean => to === ''

/** Whether its commit is on the branch, and no later one has changed the service's version. */
async function isThere(bump: Bump, { folder, versionFile }: Service, repository: Repository): Promise<boolean> {
  const { sha, to } = bump
  if (!(await repository.contains(sha))) return false
  if (isTouch(bump)) return true
  if (versionFile === undefined) return false
  const text = await repository.withClone(clone => clone.read(`${folder}/${versionFile}`))
  return text !== undefined && versionIn(versionFile, text) === to
}

/** What is to be committed, in words and as an action. */
interface Change {
  /** Both are empty where no version is set. */
  from: string
  to: string
  what: string
  changes: string[]
  /** @returns the commit id */
  commit(): Promise<string>
}

const changeOf = async (clone: Clone, service: Service, { to, touch = false }: BumpRequest): Promise<Change> =>
  touch ? touched(clone, service) : raised(clone, service, to)

function touched(clone: Clone, { name }: Service): Change {
  const subject = touchSubject(name)
  const commit = () => clone.commit(subject, { empty: true })
  return { from: '', to: '', what: `an empty commit for ${name}`, changes: [`empty commit "${subject}"`], commit }
}

/** @throws OpsError 4 for a service without a version, 2 for one that can't be raised to this */
async function raised(clone: Clone, { name, folder, versionFile }: Service, wanted: string): Promise<Change> {
  const asItIs = command`to build it as it is: \`./taskw image:bump -- --service ${name} --touch\`; or correct delivery.services in the environment`
  if (versionFile === undefined) throw precondition(`delivery.services names no versionFile of ${name}`, asItIs)
  const file = `${folder}/${versionFile}`
  const text = await clone.read(file)
  const from = text === undefined ? undefined : versionIn(versionFile, text)
  if (text === undefined || from === undefined) throw precondition(`${file} holds no version of ${name}`, asItIs)
  const next = nextVersion(from, wanted)
  if ('why' in next) throw usage(`--to: ${next.why}`, 'use patch, minor, major, or a higher version')
  const { version: to } = next
  const subject = bumpSubject(name, to)
  const commit = async () => {
    await clone.write(file, withVersion(versionFile, text, to) ?? text)
    return clone.commit(subject)
  }
  return { from, to, what: `${name} ${to}`, changes: [`${file}: ${from} → ${to}`, `commit "${subject}"`], commit }
}
