import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../../lib/runtime/errors.ts'
import { buildAndPush, StepFailed } from './build.ts'
import { NotUnderstood } from './expressions.ts'
import type { BranchPush } from './pushes.ts'
import { type Job, type Runs, timestamp, type WorkflowRun } from './runs.ts'
import { Sources } from './sources.ts'
import { type PlannedJob, type PlannedStep, parseWorkflow, plannedJobs, startsOn, type Workflow } from './workflow.ts'

const WORKFLOWS = '.github/workflows'

export interface RunnerSettings {
  runs: Runs
  /** Folder of the bare repositories. */
  repositories: string
  /** URL of the lab's registry. */
  registry: string
  /** The lab's, which a push wants. */
  token: string
  say(line: string): void
  /** Whether new runs have to wait; a run in progress continues. */
  isDown?(): boolean
}

/** How often to check whether an outage is over. */
const LOOK_EVERY_MS = 250

/** GitHub Actions for the lab's repositories: runs what the workflow files of a pushed commit say, one run at a time. */
export class Runner {
  readonly #settings: RunnerSettings
  #working: Promise<void> = Promise.resolve()

  constructor(settings: RunnerSettings) {
    this.#settings = settings
  }

  /** Continues the runs that an earlier process left unfinished. */
  resume(): void {
    for (const run of this.#settings.runs.unfinished()) this.#enqueue(run)
  }

  /** Creates a run for each workflow that the push triggers. */
  async take({ repository, branch, before, after }: BranchPush): Promise<void> {
    const { runs, say } = this.#settings
    const sources = this.#sources(repository)
    if (!sources) return
    const changed = await sources.changed({ before, after })
    const files = (await sources.files(after, WORKFLOWS)).filter(path => /\.ya?ml$/.test(path))
    for (const path of files) {
      const workflow = parseWorkflow((await sources.read(after, path)) ?? '')
      if (workflow && !startsOn(workflow, branch, changed)) {
        say(`${repository} ${after.slice(0, 12)}: this push does not trigger ${path}`)
        continue
      }
      const now = timestamp()
      const run = await runs.add({
        ...{ repository, path, name: workflow?.name ?? path, display_title: await sources.subject(after) },
        ...{ head_branch: branch, head_sha: after, status: 'queued', conclusion: null },
        ...{ created_at: now, run_started_at: now, updated_at: now, jobs: [] },
      })
      this.#enqueue(run)
    }
  }

  #sources(repository: string): Sources | undefined {
    const directory = join(this.#settings.repositories, `${repository}.git`)
    return existsSync(directory) ? new Sources(directory) : undefined
  }

  #enqueue(run: WorkflowRun): void {
    this.#working = this.#working
      .then(() => this.#run(run))
      .catch(error => this.#settings.say(`run ${run.id}: ${messageOf(error)}`))
  }

  async #run(run: WorkflowRun): Promise<void> {
    const { runs, say, isDown = () => false } = this.#settings
    // A waiting run must not keep this process alive: the next process continues it.
    while (isDown()) await sleep(LOOK_EVERY_MS, undefined, { ref: false })
    const sources = this.#sources(run.repository)
    const workflow = sources && parseWorkflow((await sources.read(run.head_sha, run.path)) ?? '')
    const planned = workflow && planOf(workflow, run, say)
    if (!planned) {
      Object.assign(run, { status: 'completed', conclusion: 'startup_failure' })
      return runs.save(run)
    }
    run.status = 'in_progress'
    // An interrupted run starts over: pushing a build twice does no harm.
    run.jobs = planned.map((job, index) => queued(job, run.id * 100 + index + 1))
    await runs.save(run)
    for (const [index, job] of planned.entries()) {
      const record = run.jobs[index]
      if (record) await this.#runJob(run, job, record, planned)
    }
    run.conclusion = run.jobs.some(({ conclusion }) => conclusion === 'failure') ? 'failure' : 'success'
    run.status = 'completed'
    await runs.save(run)
    say(`run ${run.id} of ${run.path} for ${run.head_sha.slice(0, 12)}: ${run.conclusion}`)
  }

  async #runJob(run: WorkflowRun, job: PlannedJob, record: Job, planned: readonly PlannedJob[]): Promise<void> {
    const { runs, say } = this.#settings
    const succeeded = (need: string) =>
      run.jobs.every(({ conclusion }, index) => planned[index]?.key !== need || conclusion === 'success')
    record.started_at = timestamp()
    record.status = 'in_progress'
    await runs.save(run)
    let conclusion: Job['conclusion'] = job.needs.every(succeeded) ? 'success' : 'skipped'
    let isSignedIn = false
    for (const [index, step] of job.steps.entries()) {
      const recorded = record.steps[index]
      if (!recorded) continue
      recorded.status = 'completed'
      recorded.conclusion = 'skipped'
      if (conclusion !== 'success') continue
      try {
        isSignedIn ||= signsIn(step, job)
        await this.#runStep(step, run, isSignedIn)
        recorded.conclusion = 'success'
      } catch (error) {
        if (!(error instanceof StepFailed || error instanceof NotUnderstood)) throw error
        recorded.conclusion = conclusion = 'failure'
        const what = error instanceof NotUnderstood ? `this runner does not understand ${error.message}` : error.message
        say(`run ${run.id}, ${job.name}, ${step.name}: ${what}`)
      }
    }
    Object.assign(record, { status: 'completed', conclusion, completed_at: timestamp() })
    await runs.save(run)
  }

  async #runStep(step: PlannedStep, run: WorkflowRun, isSignedIn: boolean): Promise<void> {
    const { registry, token, say } = this.#settings
    if (step.action !== 'docker/build-push-action') return
    const sources = this.#sources(run.repository)
    if (!sources) throw new StepFailed('the repository is gone')
    if (step.input('push') === 'true' && !isSignedIn) {
      throw new StepFailed('denied: Unauthenticated request. Unauthenticated requests do not have permission to push')
    }
    const digest = await buildAndPush(step, { registry, token, sources, commit: run.head_sha })
    if (digest) say(`run ${run.id}: pushed ${step.input('tags').trim().split(/\s+/).join(' ')} ${digest}`)
  }
}

function planOf(workflow: Workflow, run: WorkflowRun, say: RunnerSettings['say']): PlannedJob[] | undefined {
  try {
    return plannedJobs(workflow, { repository: run.repository, branch: run.head_branch, sha: run.head_sha })
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error
    say(`run ${run.id}: this runner does not support ${error.message}`)
    return undefined
  }
}

const queued = (job: PlannedJob, id: number): Job => ({
  id,
  name: job.name,
  ...{ status: 'queued', conclusion: null, created_at: timestamp(), started_at: null, completed_at: null },
  steps: job.steps.map(({ name }, index) => ({ name, number: index + 1, status: 'queued', conclusion: null })),
})

/** Workload Identity Federation, which needs the job's own token. @throws StepFailed in the action's words */
function signsIn({ action, input }: PlannedStep, { mayIdentify }: PlannedJob): boolean {
  if (action !== 'google-github-actions/auth') return false
  if (input('workload_identity_provider') && !mayIdentify) {
    throw new StepFailed(
      'GitHub Actions did not inject $ACTIONS_ID_TOKEN_REQUEST_TOKEN or $ACTIONS_ID_TOKEN_REQUEST_URL into this job. ' +
        'This most likely means the GitHub Actions workflow permissions are incorrect',
    )
  }
  return true
}
