import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { messageOf, precondition } from '../../lib/runtime/errors.ts'
import { inherited } from '../../lib/runtime/inherited.ts'
import { installHook } from './actions/pushes.ts'

const execFileAsync = promisify(execFile)
const sample = fileURLToPath(new URL('./sample', import.meta.url))

/** The user's configuration (signing, hooks, line endings) must not affect the lab's commits. */
const plainGit = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }

/** Makes the commit the same on every machine: its id is the tag of the first images. */
const firstCommit = {
  GIT_AUTHOR_NAME: 'threads',
  GIT_AUTHOR_EMAIL: 'threads@example.com',
  GIT_AUTHOR_DATE: '2025-11-01T00:00:00Z',
  GIT_COMMITTER_NAME: 'threads',
  GIT_COMMITTER_EMAIL: 'threads@example.com',
  GIT_COMMITTER_DATE: '2025-11-01T00:00:00Z',
}

async function git(args: string[], env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await execFileAsync('git', args, { env: { ...inherited(process.env), ...env } })
  return stdout.trim()
}

/** The checkout's commit. @throws OpsError 4 when there is none: Argo CD watches commits, not files */
export async function checkoutCommit(checkout: string): Promise<string> {
  return git(['-c', `safe.directory=${checkout.replace(/\/$/, '')}`, '-C', checkout, 'rev-parse', 'HEAD']).catch(error => {
    throw precondition(
      `the checkout has no commit: ${messageOf(error).trim().split('\n').at(-1)}`,
      'commit it: Argo CD deploys what is committed',
      error,
    )
  })
}

/**
 * Force-pushes the checkout's HEAD to `threads-ops.git`, branch main.
 * @returns the commit
 */
export async function publishCheckout(checkout: string, repositories: string): Promise<string> {
  const commit = await checkoutCommit(checkout)
  const repository = await bareRepository(join(repositories, 'threads-ops.git'), 'main')
  const published = await git(['-C', repository, 'rev-parse', '--verify', '--quiet', 'main']).catch(() => '')
  if (published !== commit) {
    const safe = ['-c', `safe.directory=${checkout.replace(/\/$/, '')}`]
    await git([...safe, '-C', checkout, 'push', '--quiet', '--no-verify', '--force', repository, `${commit}:refs/heads/main`])
  }
  return commit
}

/**
 * Creates `threads-nextjs.git`, branch master, with the sample application as its first commit. Later commits are kept.
 * @returns the first commit, the same everywhere
 */
export async function publishSample(repositories: string): Promise<string> {
  const repository = await bareRepository(join(repositories, 'threads-nextjs.git'), 'master')
  await installHook(repository)
  const index = join(repository, 'index.first')
  const env = { ...plainGit, ...firstCommit, GIT_DIR: repository, GIT_WORK_TREE: sample, GIT_INDEX_FILE: index }
  await rm(index, { force: true })
  await git(['-C', sample, '-c', 'core.bare=false', '-c', 'core.excludesFile=/dev/null', 'add', '--all', '.'], env)
  const tree = await git(['write-tree'], env)
  const commit = await git(['-c', 'core.bare=false', 'commit-tree', tree, '-m', 'Sample application'], env)
  await rm(index, { force: true })
  const head = await git(['-C', repository, 'rev-parse', '--verify', '--quiet', 'master']).catch(() => '')
  const isKept =
    head !== '' &&
    (await git(['-C', repository, 'merge-base', '--is-ancestor', commit, head]).then(
      () => true,
      () => false,
    ))
  if (!isKept) await git(['-C', repository, 'update-ref', 'refs/heads/master', commit])
  return commit
}

async function bareRepository(path: string, branch: string): Promise<string> {
  if (existsSync(path)) return path
  const partial = `${path}.partial`
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
  await git(['init', '--quiet', '--bare', '--template=', `--initial-branch=${branch}`, partial], plainGit)
  // CI makes shallow checkouts, which git refuses to push by default.
  await git(['-C', partial, 'config', 'receive.shallowUpdate', 'true'])
  await rename(partial, path)
  return path
}
