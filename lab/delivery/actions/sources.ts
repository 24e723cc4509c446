import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { BranchPush } from './pushes.ts'

const execFileAsync = promisify(execFile)
/** For sources and archives; far more than the sample application needs. */
const LARGEST = 64 * 1024 * 1024

/** What the runner reads from a bare repository. */
export class Sources {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** A file at a commit, or undefined when there is none. */
  async read(commit: string, path: string): Promise<string | undefined> {
    return this.#git(['show', `${commit}:${path}`]).then(
      bytes => bytes.toString(),
      () => undefined,
    )
  }

  /** Paths of a commit's files below a folder. */
  async files(commit: string, folder: string): Promise<string[]> {
    return lines(await this.#git(['ls-tree', '-r', '--name-only', '-z', commit, '--', folder]))
  }

  async subject(commit: string): Promise<string> {
    return (await this.#git(['show', '--no-patch', '--format=%s', commit])).toString().trim()
  }

  /** Paths of the files that a push changes; for a new branch, all its files. */
  async changed({ before, after }: Pick<BranchPush, 'before' | 'after'>): Promise<string[]> {
    if (/^0+$/.test(before)) return this.files(after, '.')
    return lines(await this.#git(['diff', '--name-only', '-z', before, after]))
  }

  /**
   * A folder at a commit as a tar archive. Equal contents give equal bytes: what is archived is a temporary commit of that
   * folder with a fixed date, because git gives the files of a bare tree the current time.
   */
  async archive(commit: string, folder: string): Promise<Buffer> {
    const tree = (await this.#git(['rev-parse', '--verify', '--quiet', `${commit}:${folder}`])).toString().trim()
    const dated = (await this.#git(['commit-tree', tree, '-m', 'build context'])).toString().trim()
    return this.#git(['archive', '--format=tar', dated])
  }

  async #git(args: string[]): Promise<Buffer> {
    const { stdout } = await execFileAsync('git', ['-C', this.#directory, ...args], {
      encoding: 'buffer',
      maxBuffer: LARGEST,
      env: { ...process.env, ...fixed },
    })
    return stdout
  }
}

const fixed = {
  ...{ GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  ...{ GIT_AUTHOR_NAME: 'ci', GIT_AUTHOR_EMAIL: 'ci@example.com', GIT_AUTHOR_DATE: '2025-11-01T00:00:00Z' },
  ...{ GIT_COMMITTER_NAME: 'ci', GIT_COMMITTER_EMAIL: 'ci@example.com', GIT_COMMITTER_DATE: '2025-11-01T00:00:00Z' },
}

const lines = (output: Buffer): string[] => output.toString().split('\0').filter(Boolean)
