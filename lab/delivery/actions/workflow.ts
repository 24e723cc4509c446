import { parse } from 'yaml'
import type { Platform } from '../oci.ts'
import { type Contexts, inputText, interpolate, NotUnderstood } from './expressions.ts'
import { isTriggered, type PushFilter } from './filters.ts'

/** The parts of a workflow file that this runner reads. */
export interface Workflow {
  name?: string
  on: unknown
  env?: Record<string, unknown>
  permissions?: unknown
  jobs: Record<string, WorkflowJob>
}
interface WorkflowJob {
  name?: string
  needs?: string | string[]
  'runs-on'?: unknown
  env?: Record<string, unknown>
  permissions?: unknown
  strategy?: { matrix?: unknown }
  steps?: WorkflowStep[]
}
interface WorkflowStep {
  id?: string
  name?: string
  uses?: string
  run?: string
  env?: Record<string, unknown>
  with?: Record<string, unknown>
}

/** One job of a run: one combination of the matrix. */
export interface PlannedJob {
  name: string
  /** Keys of the workflow's jobs that must have succeeded. */
  needs: string[]
  key: string
  /** Whether the job may ask GitHub for an identity token. */
  mayIdentify: boolean
  steps: PlannedStep[]
}

export interface PlannedStep {
  name: string
  /** The action without its version, undefined for a script. */
  action: string | undefined
  /** An input of the action; throws where the workflow uses something that is not supported. */
  input(name: string): string
  /** The default platform of `docker/build-push-action`. */
  ownPlatform: Platform
}

export interface Push {
  repository: string
  branch: string
  sha: string
}

/** The workflow in a file, or undefined for an invalid one, for which GitHub shows a failed run. */
export function parseWorkflow(text: string): Workflow | undefined {
  try {
    const workflow = parse(text) as Workflow | null
    return workflow && typeof workflow.jobs === 'object' && workflow.jobs !== null ? workflow : undefined
  } catch {
    return undefined
  }
}

/** Whether a push starts the workflow. @param paths of the files that it changes */
export function startsOn({ on }: Workflow, branch: string, paths: readonly string[]): boolean {
  if (on === 'push') return true
  if (Array.isArray(on)) return on.includes('push')
  if (typeof on !== 'object' || on === null || !('push' in on)) return false
  return isTriggered((on.push ?? {}) as PushFilter, branch, paths)
}

/** The run's jobs, each after the ones it needs. @throws NotUnderstood for a computed matrix */
export function plannedJobs(workflow: Workflow, push: Push): PlannedJob[] {
  const owner = 'lab'
  const github = {
    ...{ event_name: 'push', sha: push.sha, ref: `refs/heads/${push.branch}`, ref_name: push.branch },
    ...{ repository: `${owner}/${push.repository}`, repository_owner: owner, actor: owner },
  }
  return inOrder(workflow.jobs).flatMap(([key, job]) =>
    combinations(job.strategy?.matrix).map(matrix => {
      const contexts: Contexts = { github, matrix, vars: anyName, secrets: anyName }
      contexts.env = { ...texts(workflow.env, contexts) }
      contexts.env = { ...(contexts.env as object), ...texts(job.env, contexts) }
      return {
        key,
        name: jobName(key, job, matrix, contexts),
        needs: listed(job.needs),
        mayIdentify: allowsIdentity(job.permissions ?? workflow.permissions),
        steps: (job.steps ?? []).map(step => plannedStep(step, job, contexts)),
      }
    }),
  )
}

/** A repository's variables and secrets are not in its files; here the value of each is its name. */
const anyName: Record<string, string> = new Proxy({}, { get: (_, name) => String(name) })

const texts = (values: Record<string, unknown> | undefined, contexts: Contexts): Record<string, string> =>
  Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name, inputText(value, contexts)]))

const listed = (value: string | string[] | undefined): string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value

function inOrder(jobs: Workflow['jobs']): [string, WorkflowJob][] {
  const left = new Map(Object.entries(jobs))
  const ordered: [string, WorkflowJob][] = []
  while (left.size > 0) {
    const next = [...left].find(([, { needs }]) => !listed(needs).some(need => left.has(need)))
    if (!next) throw new NotUnderstood(`jobs that depend on each other: ${[...left.keys()].join(', ')}`)
    ordered.push(next)
    left.delete(next[0])
  }
  return ordered
}

/** https://docs.github.com/en/actions/how-tos/write-workflows/choose-what-workflows-do/run-job-variations */
export function combinations(matrix: unknown): Record<string, unknown>[] {
  if (matrix === undefined) return [{}]
  if (typeof matrix !== 'object' || matrix === null) throw new NotUnderstood('a computed matrix')
  const { include = [], exclude = [], ...axes } = matrix as Record<string, Record<string, unknown>[]>
  let crossed: Record<string, unknown>[] = Object.keys(axes).length > 0 ? [{}] : []
  for (const [name, values] of Object.entries(axes)) {
    if (!Array.isArray(values)) throw new NotUnderstood(`a computed matrix.${name}`)
    crossed = crossed.flatMap(combination => values.map(value => ({ ...combination, [name]: value })))
  }
  const kept = crossed.filter(combination => !exclude.some(entry => agrees(entry, combination, Object.keys(entry))))
  const added: Record<string, unknown>[] = []
  for (const entry of include) {
    const fitting = kept.filter(combination => agrees(entry, combination, Object.keys(axes)))
    for (const combination of fitting) Object.assign(combination, entry)
    if (fitting.length === 0) added.push({ ...entry })
  }
  return [...kept, ...added]
}

const agrees = (entry: Record<string, unknown>, combination: Record<string, unknown>, names: readonly string[]): boolean =>
  names.every(name => !(name in entry) || entry[name] === combination[name])

function jobName(key: string, { name }: WorkflowJob, matrix: Record<string, unknown>, contexts: Contexts): string {
  if (name !== undefined) return interpolate(name, contexts)
  const values = Object.values(matrix).filter(value => typeof value !== 'object')
  return values.length > 0 ? `${key} (${values.join(', ')})` : key
}

const allowsIdentity = (permissions: unknown): boolean =>
  permissions === 'write-all' || (permissions as { 'id-token'?: string } | undefined)?.['id-token'] === 'write'

function plannedStep(step: WorkflowStep, job: WorkflowJob, contexts: Contexts): PlannedStep {
  const env = () => ({ ...(contexts.env as object), ...texts(step.env, contexts) })
  return {
    name: step.name ?? `Run ${step.uses ?? step.run?.split('\n')[0] ?? ''}`,
    action: step.uses?.split('@')[0],
    input: name => inputText(step.with?.[name], { ...contexts, env: env(), steps: outputs }),
    ownPlatform: { os: 'linux', architecture: isArm(job['runs-on']) ? 'arm64' : 'amd64' },
  }
}

/** Steps have no outputs here: what another step reads from them, such as an access token, is empty. */
const outputs: Record<string, unknown> = new Proxy({}, { get: () => ({ outputs: {} }) })

/** GitHub labels its Arm runners like this: `ubuntu-24.04-arm`. */
const isArm = (runsOn: unknown): boolean => /(^|[-,"])arm(64)?\b/i.test(JSON.stringify(runsOn ?? ''))
