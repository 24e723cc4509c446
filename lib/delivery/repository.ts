import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { external, precondition, systemCode } from '../runtime/errors.ts'
import { writeAtomically } from '../runtime/files.ts'
import { neverShow } from '../runtime/redact.ts'
import { commandFailed, shell } from '../runtime/zx.ts'

/** One branch of the application's repository. */
export interface Repository {
  /** The commit that the branch is at. */
  head(): Promise<string>
  /** Runs `work` with a temporary clone of the newest commit, or of another one. */
  withClone<T>(work: (clone: Clone) => Promise<T>, commit?: string): Promise<T>
}

export interface Clone {
  /** A file's text, or undefined when there is no such file. */
  read(path: string): Promise<string | undefined>
  write(path: string, text: string): Promise<void>
  /** Commits what was written. @returns the commit id */
  commit(message: string): Promise<string>
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
}

export function openRepository({ name, branch, token, endpoint = GITHUB, signal }: RepositorySettings): Repository {
  const url = `${endpoint.replace(/\/$/, '')}/${name}.git`
  const env = { GIT_TERMINAL_PROMPT: '0', ...(token !== undefined && authorization(url, token)) }
  const git = (cwd?: string) => shell({ env, signal, nothrow: true, ...(cwd !== undefined && { cwd }) })
  const hint = `is delivery.repository right, and does GITHUB_TOKEN have contents: write on ${name}?`

  async function head(): Promise<string> {
    const output = await git()`git ls-remote --exit-code ${url} ${`refs/heads/${branch}`}`
    if (output.exitCode === 2) throw precondition(`${name} has no branch ${branch}`, 'correct delivery.branch')
    if (output.exitCode !== 0) throw commandFailed(`asking ${url}`, output, hint, signal)
    return output.stdout.split(/\s/)[0] ?? ''
  }

  async function fetched(directory: string, commit?: string): Promise<void> {
    const inside = git(directory)
    const what = commit ?? `refs/heads/${branch}`
    await inside`git init --quiet --initial-branch ${branch}`
    await inside`git remote add origin ${url}`
    const output = await inside`git fetch --quiet --depth 1 origin ${what}`
    if (output.exitCode !== 0) throw commandFailed(`fetching ${what} of ${url}`, output, hint, signal)
    await inside`git checkout --quiet -B ${branch} FETCH_HEAD`
  }

  return {
    head,
    async withClone(work, commit) {
      const directory = await mkdtemp(join(tmpdir(), 'threads-ops-clone-'))
      try {
        await fetched(directory, commit)
        return await work(cloneIn(directory))
      } finally {
        await rm(directory, { recursive: true, force: true })
      }
    },
  }

  function cloneIn(directory: string): Clone {
    const inside = git(directory)
    return {
      read: path =>
        readFile(join(directory, path), 'utf8').catch(error => {
          if (systemCode(error) === 'ENOENT') return undefined
          throw error
        }),
      write: (path, text) => writeAtomically(join(directory, path), text, 0o644),
      async commit(message) {
        const known = await inside`git config user.email`
        const identity = known.exitCode === 0 ? [] : ['-c', `user.name=${NOBODY.name}`, '-c', `user.email=${NOBODY.email}`]
        const output = await inside`git ${identity} commit --quiet --all --message ${message}`
        if (output.exitCode !== 0) throw commandFailed('git commit', output, 'is git set to sign commits, and can it?', signal)
        return (await inside`git rev-parse HEAD`).stdout.trim()
      },
      async push() {
        const output = await inside`git push --quiet origin ${`HEAD:refs/heads/${branch}`}`
        if (output.exitCode === 0) return
        if (/fetch first|non-fast-forward|stale info/.test(output.stderr)) {
          throw external(`somebody else has pushed to ${branch} in the meantime: nothing was pushed`, 'run it again')
        }
        throw commandFailed(`pushing to ${branch} of ${url}`, output, hint, signal)
      },
    }
  }
}

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
  ]
  const numbered = settings.flatMap(([key = '', value = ''], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(numbered) }
}
