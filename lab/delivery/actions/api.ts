import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { answering, targetOf } from '../../../lib/runtime/serving.ts'
import type { Job, Runs, WorkflowRun } from './runs.ts'

interface Answer {
  status: number
  body: object
}

/**
 * The part of GitHub's REST API that reports on runs; it requires the token. A repository is found under any owner.
 * https://docs.github.com/en/rest/actions/workflow-runs
 */
export function createActionsApi({ runs, token }: { runs: Runs; token: string }): Server {
  return createServer(
    answering((request, response) => {
      const { status, body } = isAllowed(request, token) ? answerTo(request, runs) : unauthorized
      const text = JSON.stringify(body)
      const etag = `"${createHash('sha256').update(text).digest('hex')}"`
      const isKnown = status === 200 && [etag, `W/${etag}`].includes(request.headers['if-none-match'] ?? '')
      response.writeHead(isKnown ? 304 : status, { 'content-type': 'application/json; charset=utf-8', etag })
      response.end(isKnown ? undefined : text)
    }),
  )
}

const unauthorized: Answer = { status: 401, body: { message: 'Bad credentials', status: '401' } }
const notFound: Answer = { status: 404, body: { message: 'Not Found', status: '404' } }

function isAllowed({ headers }: IncomingMessage, token: string): boolean {
  const given = Buffer.from(/^(?:bearer|token) (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? '')
  const wanted = Buffer.from(token)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

function answerTo(request: IncomingMessage, runs: Runs): Answer {
  const url = targetOf(request)
  const route = /^\/repos\/([^/]+\/([^/]+))\/actions\/runs(?:\/(\d+)(\/jobs)?)?$/.exec(url.pathname)
  if (request.method !== 'GET' || !route) return notFound
  const [, fullName = '', repository = '', id, jobs] = route
  const base = `http://${request.headers.host ?? 'github.lab'}/repos/${fullName}/actions/runs`
  if (id === undefined) return listing(runs.of(repository), url.searchParams, base)
  const run = runs.find(Number(id))
  if (!run || run.repository !== repository) return notFound
  if (!jobs) return { status: 200, body: runBody(run, base) }
  return { status: 200, body: { total_count: run.jobs.length, jobs: run.jobs.map(job => jobBody(job, run, base)) } }
}

function listing(runs: readonly WorkflowRun[], query: URLSearchParams, base: string): Answer {
  const wanted = (name: 'head_sha' | 'status', value: string) => !query.has(name) || query.get(name) === value
  const found = runs.filter(
    run =>
      wanted('head_sha', run.head_sha) &&
      wanted('status', run.status) &&
      (!query.has('branch') || query.get('branch') === run.head_branch),
  )
  const perPage = Number(query.get('per_page') ?? 30)
  const from = (Number(query.get('page') ?? 1) - 1) * perPage
  return {
    status: 200,
    body: {
      total_count: found.length,
      workflow_runs: found.slice(from, from + perPage).map(run => runBody(run, base)),
    },
  }
}

const runBody = ({ repository: _, jobs: __, ...run }: WorkflowRun, base: string): object => ({
  ...run,
  event: 'push',
  run_attempt: 1,
  url: `${base}/${run.id}`,
  html_url: `${base}/${run.id}`,
  jobs_url: `${base}/${run.id}/jobs`,
})

const jobBody = (job: Job, run: WorkflowRun, base: string): object => ({
  ...job,
  run_id: run.id,
  head_sha: run.head_sha,
  html_url: `${base}/${run.id}/job/${job.id}`,
})
