import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../../../lib/runtime/files.ts'
import { readData } from '../../state/stored.ts'

type Status = 'queued' | 'in_progress' | 'completed'
type Conclusion = 'success' | 'failure' | 'skipped' | 'startup_failure' | null

interface Step {
  name: string
  number: number
  status: Status
  conclusion: Conclusion
}

export interface Job {
  id: number
  name: string
  status: Status
  conclusion: Conclusion
  created_at: string
  started_at: string | null
  completed_at: string | null
  steps: Step[]
}

/** A run as GitHub's REST API returns it, without the URLs, plus the repository's name. */
export interface WorkflowRun {
  id: number
  run_number: number
  repository: string
  name: string
  /** Of the workflow's file. */
  path: string
  display_title: string
  head_branch: string
  head_sha: string
  status: Status
  conclusion: Conclusion
  created_at: string
  run_started_at: string
  updated_at: string
  jobs: Job[]
}

/** GitHub's times have whole seconds. */
export const timestamp = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z')

/** The runs, one file each, so that they survive a crash of the daemon. */
export class Runs {
  readonly #directory: string
  readonly #runs = new Map<number, WorkflowRun>()

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async open(directory: string): Promise<Runs> {
    await mkdir(directory, { recursive: true })
    const runs = new Runs(directory)
    for (const name of (await readdir(directory)).filter(file => file.endsWith('.json'))) {
      const run = await readData<WorkflowRun>(join(directory, name), ({ id }) => `${id}.json` === name)
      runs.#runs.set(run.id, run)
    }
    return runs
  }

  /** Newest first, as GitHub lists them. */
  of(repository: string): WorkflowRun[] {
    return [...this.#runs.values()].filter(run => run.repository === repository).sort((a, b) => b.id - a.id)
  }

  unfinished(): WorkflowRun[] {
    return [...this.#runs.values()].filter(({ status }) => status !== 'completed').sort((a, b) => a.id - b.id)
  }

  find(id: number): WorkflowRun | undefined {
    return this.#runs.get(id)
  }

  async add(run: Omit<WorkflowRun, 'id' | 'run_number'>): Promise<WorkflowRun> {
    const id = Math.max(0, ...this.#runs.keys()) + 1
    const added = { ...run, id, run_number: this.of(run.repository).length + 1 }
    await this.save(added)
    this.#runs.set(id, added)
    return added
  }

  async save(run: WorkflowRun): Promise<void> {
    run.updated_at = timestamp()
    await writeAtomically(join(this.#directory, `${run.id}.json`), JSON.stringify(run))
  }
}
