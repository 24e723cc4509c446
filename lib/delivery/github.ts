import type { Job, Run } from '../model/image/world.ts'
import { Answered, attempt, type Deadlines } from '../runtime/attempt.ts'
import { external, precondition } from '../runtime/errors.ts'

/** GitHub's workflow runs, through its REST API. */
export interface Github {
  /** The runs of a commit, newest first. */
  runs(repository: string, sha: string, signal?: AbortSignal): Promise<Run[]>
  /** The jobs of a run's latest attempt. */
  jobs(repository: string, run: number, signal?: AbortSignal): Promise<Job[]>
}

const GITHUB = 'https://api.github.com'

/**
 * @param token with `actions: read`
 * @throws from its methods: OpsError 4 when GitHub refuses the token or does not know the repository, 5 when it can't be reached or
 * wants to be left alone for a while, 124 when it does not answer, 130
 */
export function openGithub(token: string, endpoint = GITHUB, { deadlines }: { deadlines?: Deadlines } = {}): Github {
  /** By URL: GitHub neither sends an unchanged answer again nor counts it against the token's limit. */
  const known = new Map<string, { etag: string; body: unknown }>()

  async function ask<T>(path: string, signal: AbortSignal): Promise<T> {
    const url = `${endpoint.replace(/\/$/, '')}${path}`
    const before = known.get(url)
    const answer = await fetch(url, {
      signal,
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${token}`,
        'user-agent': 'threads-ops',
        'x-github-api-version': '2022-11-28',
        ...(before && { 'if-none-match': before.etag }),
      },
    })
    if (answer.status === 304 && before) return before.body as T
    if (!answer.ok) throw await refusal(answer, path)
    const body = await answer.json()
    const etag = answer.headers.get('etag')
    if (etag) known.set(url, { etag, body })
    return body as T
  }

  const list = <K extends string, T>(path: string, member: K, signal?: AbortSignal): Promise<T[]> =>
    attempt({
      service: 'GitHub',
      what: `GET ${path}`,
      hint: 'check the network and run it again',
      repeatable: true,
      signal,
      deadlines,
      async call(stop) {
        const items = (await ask<Partial<Record<K, T[]>> | null>(path, stop))?.[member]
        if (!Array.isArray(items)) throw new Error(`its answer has no ${member}`)
        return items
      },
    })

  return {
    async runs(repository, sha, signal) {
      const path = `/repos/${repository}/actions/runs?head_sha=${sha}&per_page=50`
      return (await list<'workflow_runs', Run>(path, 'workflow_runs', signal)).toSorted((a, b) => b.id - a.id)
    },
    jobs: (repository, run, signal) => list(`/repos/${repository}/actions/runs/${run}/jobs?per_page=100`, 'jobs', signal),
  }
}

/** @see https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api */
async function refusal(answer: Response, path: string): Promise<Error> {
  const { status, headers } = answer
  const said = await messageIn(answer)
  const message = `GitHub answers ${status} to GET ${path}${said ? `: ${said}` : ''}`
  const limit = limitOf(status, headers, said)
  if (limit) return external(message, limit)
  if (status === 401) return precondition(message, 'the token is not valid: set another GITHUB_TOKEN')
  if (status === 403 || status === 404) {
    return precondition(message, 'the token needs actions: read on the repository that delivery.repository names')
  }
  return external(message, 'run it again', new Answered(status, headers.get('retry-after')))
}

/**
 * When GitHub will answer again; undefined where it is not about a limit. It says 403 or 429; a secondary limit, on too many requests
 * at a time, leaves some of the primary one.
 * @see https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
 */
function limitOf(status: number, headers: Headers, said: string | undefined): string | undefined {
  if (status !== 403 && status !== 429) return undefined
  const seconds = headers.get('retry-after')
  const reset = headers.get('x-ratelimit-reset')
  if (seconds !== null) return `GitHub wants no more requests for now: go on in ${seconds} s`
  if (headers.get('x-ratelimit-remaining') === '0' && reset !== null)
    return `the token's rate limit is used up until ${new Date(Number(reset) * 1000).toISOString()}`
  const isLimit = status === 429 || /rate limit|abuse detection/i.test(said ?? '')
  return isLimit ? 'GitHub wants no more requests for now: go on in a minute' : undefined
}

async function messageIn(answer: Response): Promise<string | undefined> {
  try {
    return ((await answer.json()) as { message?: string }).message
  } catch {
    return undefined
  }
}
