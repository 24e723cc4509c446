import { lstat, realpath } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { ProcessOutput } from 'zx/core'
import { GIT_PROTOCOLS, isBranch, isCommit, isRemote } from '../config/git.ts'
import { formatDuration } from '../runtime/duration.ts'
import { configuration, external, precondition, systemCode, timedOut } from '../runtime/errors.ts'
import { readNamed, writeAtomically } from '../runtime/files.ts'
import { neverShow } from '../runtime/redact.ts'
import { withTemporary } from '../runtime/temporary.ts'
import { commandFailed, shell } from '../runtime/zx.ts'

/** One branch of the application's repository. */
export interface Repository {
  /** The commit that the branch is at. */
  head(): Promise<string>
  /** Whether the branch has this commit, as its newest or an earlier one. */
  contains(commit: string): Promise<boolean>
  /** Runs `work` with a temporary clone of the newest commit, or of another one. */
  withClone<T>(work: (clone: Clone) => Promise<T>, commit?: string): Promise<T>
}

export interface Clone {
  /** A file's text, or undefined when there is no such file. @throws OpsError 4 for one that is not in the repository */
  read(path: string): Promise<string | undefined>
  /** @throws OpsError 4 for a file that is not in the repository */
  write(path: string, text: string): Promise<void>
  /** Commits what was written; with `empty` even if that is nothing. @returns the commit id */
  commit(message: string, options?: { empty?: boolean }): Promise<string>
  /** Pushes to the branch. @throws OpsError 5 when that is refused, e.g. because somebody else has pushed in the meantime */
  push(): Promise<void>
}

const GITHUB = 'https://github.com'

/** The committer where git has none configured. */
const NOBODY = { name: 'threads-ops', email: 'threads-ops@users.noreply.github.com' }

export interface RepositorySettings {
  /** On GitHub, owner/name. */
  name: string
  branch: string
  /** Without one, only public repositories can be read, and nothing can be pushed. */
  token: string | undefined
  /** Where the repositories are; GitHub by default. */
  endpoint?: string | undefined
  signal: AbortSignal
  /** How long a command that talks to it may take, in milliseconds. */
  within?: number
}

/** A clone of one commit, over a slow line. */
const WITHIN_MS = 120_000
/** A connection over which nothing comes is given up by git itself. In seconds. */
const SILENCE_S = 20

export function openRepository({
  name,
  branch,
  token,
  endpoint = GITHUB,
  signal,
  within = WITHIN_MS,
}: RepositorySettings): Repository {
  const url = `${endpoint.replace(/\/$/, '')}/${name}.git`
  if (!isRemote(url))
    throw configuration(`${url} is no address of a repository`, 'it begins with https://, ssh://, file:/// or git@')
  if (!isBranch(branch)) throw configuration(`"${branch}" is no name of a branch`, 'correct delivery.branch')
  const env = {
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: GIT_PROTOCOLS,
    // What it says is read.
    LC_ALL: 'C',
    GIT_HTTP_LOW_SPEED_LIMIT: '1',
    GIT_HTTP_LOW_SPEED_TIME: String(SILENCE_S),
    ...(token !== undefined && authorization(url, token)),
  }
  const local = (cwd: string) => shell({ env, signal, nothrow: true, cwd })
  const failed = (what: string, output: ProcessOutput, deadline: AbortSignal): Error => {
    if (deadline.aborted && !signal.aborted)
      return timedOut(`${what}: ${url} has not answered within ${formatDuration(within)}`, NETWORK, output)
    const hint = isRefused(output.stderr)
      ? `is delivery.repository right, and does GITHUB_TOKEN have contents: write on ${name}?`
      : NETWORK
    return commandFailed(what, output, hint, signal)
  }
  /** git, for a command that talks to the repository. */
  const remote = (cwd?: string) => {
    const deadline = AbortSignal.timeout(within)
    const stop = AbortSignal.any([signal, deadline])
    return { deadline, git: shell({ env, signal: stop, nothrow: true, ...(cwd !== undefined && { cwd }) }) }
  }

  async function head(): Promise<string> {
    const { git, deadline } = remote()
    const output = await git`git ls-remote --exit-code -- ${url} ${`refs/heads/${branch}`}`
    if (output.exitCode === 2) throw precondition(`${name} has no branch ${branch}`, 'correct delivery.branch')
    if (output.exitCode !== 0) throw failed(`asking ${url}`, output, deadline)
    return output.stdout.split(/\s/)[0] ?? ''
  }

  async function contains(commit: string): Promise<boolean> {
    if ((await head()) === commit) return true
    return withTemporary('clone', async directory => {
      const inside = local(directory)
      await inside`git init --quiet --bare`
      const { git, deadline } = remote(directory)
      // The commits without their files.
      const output = await git`git fetch --quiet --filter=tree:0 -- ${url} ${`refs/heads/${branch}`}`
      if (output.exitCode !== 0) throw failed(`fetching the commits of ${url}`, output, deadline)
      const { stdout } = await inside`git rev-list FETCH_HEAD`
      return stdout.split('\n').includes(commit)
    })
  }

  async function fetched(directory: string, commit?: string): Promise<void> {
    const inside = local(directory)
    if (commit !== undefined && !isCommit(commit)) throw precondition(`"${commit}" is no commit id`, 'name the whole id')
    const what = commit ?? `refs/heads/${branch}`
    await inside`git init --quiet ${`--initial-branch=${branch}`}`
    await inside`git remote add -- origin ${url}`
    const { git: asking, deadline } = remote(directory)
    const output = await asking`git fetch --quiet --depth 1 -- origin ${what}`
    if (output.exitCode !== 0) throw failed(`fetching ${what} of ${url}`, output, deadline)
    await inside`git checkout --quiet -B ${branch} FETCH_HEAD --`
  }

  return {
    head,
    contains,
    withClone: (work, commit) =>
      withTemporary('clone', async directory => {
        await fetched(directory, commit)
        return work(cloneIn(directory))
      }),
  }

  function cloneIn(directory: string): Clone {
    const inside = local(directory)
    return {
      read: async path => readNamed(await inClone(directory, path)),
      write: async (path, text) => writeAtomically(await inClone(directory, path), text, 0o644),
      async commit(message, { empty = false } = {}) {
        const known = await inside`git config user.email`
        const identity = known.exitCode === 0 ? [] : ['-c', `user.name=${NOBODY.name}`, '-c', `user.email=${NOBODY.email}`]
        const allowed = empty ? ['--allow-empty'] : []
        const output = await inside`git ${identity} commit --quiet --all ${allowed} --message ${message}`
        if (output.exitCode !== 0) throw commandFailed('git commit', output, 'is git set to sign commits, and can it?', signal)
        return (await inside`git rev-parse HEAD`).stdout.trim()
      },
      async push() {
        const { git: asking, deadline } = remote(directory)
        const output = await asking`git push --quiet -- origin ${`HEAD:refs/heads/${branch}`}`
        if (output.exitCode === 0) return
        if (/fetch first|non-fast-forward|stale info/.test(output.stderr)) {
          throw external(`somebody else has pushed to ${branch} in the meantime: nothing was pushed`, 'run it again')
        }
        throw failed(`pushing to ${branch} of ${url}`, output, deadline)
      },
    }
  }
}

/**
 * A file of a clone, by its real path. What somebody has committed leads nowhere else: neither out, nor into git's own folder, where a
 * hook would be run.
 * @throws OpsError 4
 */
async function inClone(directory: string, path: string): Promise<string> {
  const home = await realpath(directory)
  const refused = (why: string) =>
    precondition(`${path} is not a file of the repository: ${why}`, 'correct delivery in the environment')
  let at = home
  for (const part of path.split('/')) {
    at = join(at, part)
    const found = await lstat(at).catch(error => {
      if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return undefined
      throw error
    })
    const link = relative(home, at)
    if (found?.isSymbolicLink()) {
      at = await realpath(at).catch(error => {
        throw refused(`the symbolic link ${link} leads nowhere (${systemCode(error)})`)
      })
    }
    const parts = relative(home, at).split('/')
    if (parts[0] === '..' || parts[0] === '') throw refused(`${link || part} leads out of it`)
    if (parts.some(name => name.toLowerCase() === '.git')) throw refused(`${link} leads to git's own files`)
  }
  return at
}

const NETWORK = "check the network, and the repository's host; then run it again"

/** Whether git was refused, which a token or the repository's name may be the reason of; anything else is the network or the host. */
const isRefused = (stderr: string): boolean =>
  /authentication failed|could not read (username|password)|repository .*not found|does not (exist|appear to be)|permission|denied|returned error: 40[134]|protected branch|hook declined/i.test(
    stderr,
  )

/**
 * Passes the token to git through its environment: arguments and remotes can be read by others. For this host only, and instead of
 * any credentials that the machine keeps.
 */
function authorization(url: string, token: string): Record<string, string> {
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64')
  neverShow(basic)
  const settings = [
    [`http.${new URL('/', url).href}.extraHeader`, `Authorization: Basic ${basic}`],
    ['credential.helper', ''],
    // After a redirect git would send the header to wherever it leads.
    ['http.followRedirects', 'false'],
  ]
  const numbered = settings.flatMap(([key = '', value = ''], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(numbered) }
}
