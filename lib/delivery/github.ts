import type { Job, Run } from '../model/image/world.ts'
import { external, messageOf, precondition } from '../runtime/errors.ts'

/** GitHub's workflow runs, through its REST API. */
export interface Github {
  /** The runs of a commit, newest first. */
  runs(repository: string, sha: string, signal?: AbortSignal): Promise<Run[]>
  /** The jobs of a run's latest attempt. */
  jobs(repository: string, run: number, signal?: AbortSignal): Promise<Job[]>
}

const GITHUB = 'https://api.github.com'
const REQUEST_MS = 20_000

/**
 * @param token with `actions: read`
 * @throws from its methods: OpsError 4 when GitHub refuses the token or does not know the repository, 5 when it can't be reached
 */
export function openGithub(token: string, endpoint = GITHUB): Github {
  /** By URL: GitHub neither sends an unchanged answer again nor counts it against the token's limit. */
  const known = new Map<string, { etag: string; body: unknown }>()

  async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
    const url = `${endpoint.replace(/\/$/, '')}${path}`
    const before = known.get(url)
    const deadline = AbortSignal.timeout(REQUEST_MS)
    let answer: Response
    try {
      answer = await fetch(url, {
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
        headers: {
          accept: 'application/vnd.github+json',
          authorization: `Bearer ${token}`,
          'user-agent': 'threads-ops',
          'x-github-api-version': '2022-11-28',
          ...(before && { 'if-none-match': before.etag }),
        },
      })
    } catch (error) {
      throw external(`can't reach GitHub: ${messageOf(error)}`, 'check the network and run it again', error)
    }
    if (answer.status === 304 && before) return before.body as T
    if (!answer.ok) throw await refusal(answer, path)
    const body = await answer.json()
    const etag = answer.headers.get('etag')
    if (etag) known.set(url, { etag, body })
    return body as T
  }

  return {
    async runs(repository, sha, signal) {
      const path = `/repos/${repository}/actions/runs?head_sha=${sha}&per_page=50`
      return (await get<{ workflow_runs: Run[] }>(path, signal)).workflow_runs.toSorted((a, b) => b.id - a.id)
    },
    async jobs(repository, run, signal) {
      return (await get<{ jobs: Job[] }>(`/repos/${repository}/actions/runs/${run}/jobs?per_page=100`, signal)).jobs
    },
  }
}

/** @see https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api */
async function refusal(answer: Response, path: string): Promise<Error> {
  const { status, headers } = answer
  const said = await messageIn(answer)
  const message = `GitHub answers ${status} to GET ${path}${said ? `: ${said}` : ''}`
  if (headers.get('x-ratelimit-remaining') === '0' || status === 429) {
    const until = new Date(Number(headers.get('x-ratelimit-reset') ?? 0) * 1000).toISOString()
    return external(message, `the token's rate limit is used up until ${until}`)
  }
  if (status === 401) return precondition(message, 'the token is not valid: set another GITHUB_TOKEN')
  if (status === 403 || status === 404) {
    return precondition(message, 'the token needs actions: read on the repository that delivery.repository names')
  }
  return external(message, 'run it again')
}

async function messageIn(answer: Response): Promise<string | undefined> {
  try {
    return ((await answer.json()) as { message?: string }).message
  } catch {
    return undefined
  }
}
