import { LineCounter, type Node, parseDocument } from 'yaml'
import { broken, doubtful, type Finding, sorted } from '../health/finding.ts'
import { isOpen, type Known, onlyPath, resolved } from './expression.ts'
import { parseReference } from './reference.ts'
import { triggerProblem } from './trigger.ts'

/** What the workflow must do for a bump to reach the pods. */
export interface WorkflowNeeds {
  /** The workflow's path in the application's repository. */
  file: string
  branch: string
  /** The node's: `linux/amd64`. */
  platform: string
  services: readonly NeededService[]
  /** What is pushed is an empty commit. */
  touch?: boolean
}

export interface NeededService {
  name: string
  folder: string
  /** With its registry, without tag. */
  image: string
  versionFile?: string | undefined
}

/** What a change in a service's folder may be where no file of its version is named. */
const ANY_FILE = 'Dockerfile'

interface Step {
  id?: string
  uses?: string
  run?: string
  env?: Record<string, unknown>
  with?: Record<string, unknown>
}
interface Job {
  'runs-on'?: unknown
  env?: Record<string, unknown>
  permissions?: unknown
  strategy?: { matrix?: Record<string, unknown> }
  steps?: Step[]
}
interface Workflow {
  on?: unknown
  env?: Record<string, unknown>
  permissions?: unknown
  jobs?: Record<string, Job>
}

/** One build that a run would make, its inputs resolved as far as they are known. */
interface Build {
  /** Where it is in the file. */
  path: (string | number)[]
  platforms: string
  push: string
  tags: string[]
  onArm: boolean
}

/** Stands for the commit id: a tag that contains all of it is the full commit id. */
const COMMIT = '0123456789abcdef0123456789abcdef01234567'

/**
 * What is wrong with the workflow that builds the application's images, before anything is pushed: mostly mistakes that nothing
 * reports later, as the Image Updater silently skips the images that it must not take.
 */
export function workflowFindings(text: string | undefined, needs: WorkflowNeeds): Finding[] {
  if (text === undefined) {
    const remedy = 'add it, or correct delivery.workflow in the environment'
    return [broken('workflow/missing', needs.file, 'is not in the repository', { remedy })]
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const workflow = document.errors.length === 0 ? ((document.toJS() ?? {}) as Workflow) : undefined
  if (!workflow || typeof workflow.jobs !== 'object') {
    const why = document.errors[0]?.message.split('\n')[0] ?? 'it has no jobs'
    return [broken('workflow/unreadable', needs.file, `is not a workflow: ${why}`, { remedy: 'correct it' })]
  }
  const at: Locate = path => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as Node | undefined
      if (node?.range) return `${needs.file}:${lines.linePos(node.range[0]).line}`
    }
    return needs.file
  }
  const builds = buildsOf(workflow)
  return sorted([
    ...needs.services.flatMap(service => triggerFindings(workflow, service, needs, at)),
    ...needs.services.flatMap(service => serviceFindings(service, builds, needs, at, hasScript(workflow))),
    ...signInFindings(workflow, at),
  ])
}

type Locate = (path: (string | number)[]) => string

function triggerFindings({ on }: Workflow, service: NeededService, needs: WorkflowNeeds, at: Locate): Finding[] {
  const problem = triggerProblem(
    on,
    needs.branch,
    needs.touch ? undefined : `${service.folder}/${service.versionFile ?? ANY_FILE}`,
  )
  if (problem === 'path' && needs.touch) {
    const message = 'an empty commit starts no run: on.push filters by files, and it has none'
    const remedy = 'give the service a version, and bump that; or remove the filter'
    return [broken('workflow/paths', at(['on', 'push']), message, { evidence: { service: service.name }, remedy })]
  }
  if (problem === 'path') {
    const message = `a change in ${service.folder}/ starts no run: on.push.paths excludes it`
    const remedy = `add '${service.folder}/**' to on.push.paths`
    return [broken('workflow/paths', at(['on', 'push', 'paths']), message, { evidence: { service: service.name }, remedy })]
  }
  // The same for every service: reported once.
  if (problem === undefined || service !== needs.services[0]) return []
  const message = problem === 'push' ? 'no push starts it' : `a push to ${needs.branch} starts no run`
  const remedy = `add ${needs.branch} to on.push.branches`
  return [broken('workflow/branch', at(['on', 'push', 'branches']), message, { evidence: { branch: needs.branch }, remedy })]
}

function serviceFindings(
  { name, image }: NeededService,
  builds: readonly Build[],
  needs: WorkflowNeeds,
  at: Locate,
  isScripted: boolean,
): Finding[] {
  const own = builds.filter(({ tags }) => tags.some(tag => parseReference(tag).repository === image))
  if (own.length > 0) {
    return own.flatMap(build => [
      ...platformFindings(name, build, needs.platform, at),
      ...tagFindings(name, image, build, at),
      ...pushFindings(name, build, at),
    ])
  }
  const evidence = { service: name, image }
  // A name that is only known in a run, or is in a script: it may well be this one.
  if (isScripted || builds.some(({ tags }) => tags.length === 0 || tags.some(isOpen))) {
    const message = `whether it builds ${image} can't be told from the file`
    const remedy = 'compare its tags with the image that the Application runs'
    return [doubtful('workflow/unknown', at(['jobs']), message, { evidence, remedy })]
  }
  const remedy = 'add it to the matrix, or correct delivery.services in the environment'
  return [broken('workflow/service', at(['jobs']), `no step builds ${image}`, { evidence, remedy })]
}

function platformFindings(service: string, build: Build, platform: string, at: Locate): Finding[] {
  const object = at([...build.path, 'with', 'platforms'])
  const remedy = `platforms: ${platform}`
  const platforms = listed(build.platforms)
  const evidence = { service, platforms, platform }
  if (platforms.length === 0) {
    const found = build.onArm ? broken : doubtful
    const own = build.onArm ? 'linux/arm64' : "the runner's own platform"
    return [
      found('workflow/platform-unset', object, `${service} is built for ${own}, as no platforms are named`, {
        evidence,
        remedy,
      }),
    ]
  }
  if (platforms.some(isOpen)) {
    const message = `which platforms ${service} is built for can't be told from the file`
    return [doubtful('workflow/platform-unknown', object, message, { evidence, remedy })]
  }
  if (platforms.some(item => item === platform || item.startsWith(`${platform}/`))) return []
  const message = `${service} is built for ${platforms.join(', ')} only; the node is ${platform}: the Image Updater would silently skip the image, and a pod that uses it ends in ImagePullBackOff`
  return [broken('workflow/platform', object, message, { evidence, remedy })]
}

function tagFindings(service: string, image: string, build: Build, at: Locate): Finding[] {
  const object = at([...build.path, 'with', 'tags'])
  const tags = build.tags.flatMap(tag => {
    const reference = parseReference(tag)
    return reference.repository === image ? [reference.tag ?? 'latest'] : []
  })
  if (tags.includes(COMMIT)) return []
  const shown = tags.map(tag => tag.replaceAll(COMMIT, '<commit>').replaceAll(COMMIT.slice(0, 7), '<short commit>'))
  const details = { evidence: { service, tags: shown }, remedy: `tags: ${image}:$\{{ github.sha }}` }
  if (tags.some(isOpen)) {
    const message = `whether ${service} is tagged with the full commit id can't be told from the file`
    return [doubtful('workflow/tag-unknown', object, message, details)]
  }
  if (tags.every(tag => !tag.includes(COMMIT.slice(0, 7)))) {
    const message = `${service} has only mutable tags (${shown.join(', ')}): when one of them moves, no pod is replaced`
    return [broken('workflow/mutable-tag', object, message, details)]
  }
  const message = `${service} is tagged ${shown.join(', ')}; the Image Updater accepts full commit ids only`
  return [broken('workflow/tag', object, message, details)]
}

function pushFindings(service: string, { push, path }: Build, at: Locate): Finding[] {
  if (push === 'true') return []
  const object = at([...path, 'with', 'push'])
  const details = { evidence: { service, push }, remedy: 'push: true' }
  if (isOpen(push)) {
    return [doubtful('workflow/push-unknown', object, `whether ${service} is pushed can't be told from the file`, details)]
  }
  return [broken('workflow/push', object, `${service} is built but not pushed`, details)]
}

function signInFindings(workflow: Workflow, at: Locate): Finding[] {
  return Object.entries(workflow.jobs ?? {}).flatMap(([key, job]) =>
    (job.steps ?? []).flatMap((step, index) => {
      if (!step.uses?.startsWith('google-github-actions/auth@')) return []
      const object = at(['jobs', key, 'steps', index])
      if (step.with?.credentials_json !== undefined) {
        const message = 'signs in to Google with a key that never expires'
        const remedy = 'use Workload Identity Federation: workload_identity_provider, service_account'
        return [doubtful('workflow/key', object, message, { remedy })]
      }
      if (mayIdentify(job.permissions ?? workflow.permissions)) return []
      const message = 'lacks the permission to request an OIDC token from GitHub, so Google refuses to sign it in'
      return [broken('workflow/identity', object, message, { remedy: 'permissions: { contents: read, id-token: write }' })]
    }),
  )
}

const mayIdentify = (permissions: unknown): boolean =>
  permissions === 'write-all' || (permissions as Known | undefined)?.['id-token'] === 'write'

const BUILDS = /\bdocker\s+(buildx\s+)?build\b|\bgcloud\s+builds\s+submit\b|\bkaniko\b|\bbuildah\b/

const hasScript = ({ jobs = {} }: Workflow): boolean =>
  Object.values(jobs).some(({ steps = [] }) => steps.some(({ run }) => run !== undefined && BUILDS.test(run)))

function buildsOf(workflow: Workflow): Build[] {
  return Object.entries(workflow.jobs ?? {}).flatMap(([key, job]) =>
    combinations(job.strategy?.matrix).flatMap(matrix => {
      const known = contextOf(workflow, job, matrix)
      return (job.steps ?? []).flatMap((step, index) =>
        step.uses?.startsWith('docker/build-push-action@') ? [buildOf(step, ['jobs', key, 'steps', index], job, known)] : [],
      )
    }),
  )
}

function contextOf({ env }: Workflow, job: Job, matrix: Known): Known {
  const github = { sha: COMMIT }
  const texts = (values: Record<string, unknown> = {}, known: Known) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, resolved(value, known)]))
  const outer = texts(env, { github, matrix })
  return { github, matrix, env: { ...outer, ...texts(job.env, { github, matrix, env: outer }) } }
}

function buildOf(step: Step, path: Build['path'], job: Job, known: Known): Build {
  const input = (name: string) => resolved(step.with?.[name], known)
  return {
    path,
    platforms: input('platforms'),
    push: input('push'),
    tags: metadataTags(step, job, known) ?? listed(input('tags')),
    onArm: /(^|[-,"])arm(64)?\b/i.test(JSON.stringify(job['runs-on'] ?? '')),
  }
}

const listed = (text: string): string[] => text.split(/[\n,]/).flatMap(item => item.trim() || [])

/**
 * The tags that docker/metadata-action would generate, where a build takes its tags from there.
 * @see https://github.com/docker/metadata-action#tags-input
 */
function metadataTags({ with: inputs }: Step, { steps = [] }: Job, known: Known): string[] | undefined {
  const id = /^steps\.([\w-]+)\.outputs\.tags$/.exec(onlyPath(String(inputs?.tags ?? '')) ?? '')?.[1]
  const source = steps.find(step => step.id === id && step.uses?.startsWith('docker/metadata-action@'))
  if (id === undefined || !source) return undefined
  const lines = (name: string) =>
    resolved(source.with?.[name], known)
      .split('\n')
      .flatMap(line => line.trim() || [])
  return lines('images').flatMap(image => lines('tags').map(rule => `${image}:${tagOf(rule)}`))
}

/** The tag of a rule such as `type=sha,format=long,prefix=`. What depends on the event stays an open expression. */
function tagOf(rule: string): string {
  const { type, value, prefix, format } = Object.fromEntries(rule.split(',').map(part => part.split('=') as [string, string]))
  if (type === 'sha') return `${prefix ?? 'sha-'}${format === 'long' ? COMMIT : COMMIT.slice(0, 7)}`
  if (type === 'raw' && value !== undefined) return `${prefix ?? ''}${value}`
  return `$\{{ ${rule} }}`
}

/** The matrix combinations that a job runs for; a single empty one where only a run can tell. */
function combinations(matrix: Record<string, unknown> | string | undefined): Known[] {
  if (typeof matrix !== 'object') return [{}]
  const { include, exclude, ...axes } = matrix
  const lists = Object.entries(axes)
  if (lists.some(([, values]) => !Array.isArray(values)) || (include !== undefined && !Array.isArray(include))) return [{}]
  const crossed = lists.reduce<Record<string, unknown>[]>(
    (all, [name, values]) => all.flatMap(one => (values as unknown[]).map(value => ({ ...one, [name]: value }))),
    lists.length > 0 ? [{}] : [],
  )
  const agrees = (entry: Known, one: Known) => Object.keys(entry).every(name => !(name in axes) || entry[name] === one[name])
  const kept = crossed.filter(one => !((exclude ?? []) as Known[]).some(entry => agrees(entry, one)))
  const included = ((include ?? []) as Known[]).flatMap(entry => {
    const fitting = kept.filter(one => agrees(entry, one))
    for (const one of fitting) Object.assign(one, entry)
    return fitting.length > 0 ? [] : [entry]
  })
  return [...kept, ...included]
}
