import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { prepareCharts } from '../../../lab/delivery/charts/prepare.ts'
import { labImages, push, pushMissing } from '../../../lab/delivery/images.ts'
import { publishSample } from '../../../lab/delivery/repositories.ts'
import { outageFaults } from '../../../lab/faults/outage.ts'
import { parseImage, repositoryIn } from '../../../lab/machine/node-agent/images.ts'
import { goneWithin } from '../../../lab/machine/process.ts'
import { socketPath } from '../../../lab/machine/sockets.ts'
import { layoutOf } from '../../../lab/state/layout.ts'
import { ensureTools } from '../../../lab/tools/build.ts'
import { programs } from '../../../lab/tools/catalog.ts'
import { moduleDirectory } from '../../../lab/tools/sources.ts'
import { root } from '../../../lib/runtime/files.ts'
import { identify } from '../../../lib/runtime/processes.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'

interface Delivery {
  pid: number
  startTime: string
  gitPort: number
  registryPort: number
  githubPort: number
}

interface Run {
  id: number
  head_sha: string
  status: string
  conclusion: string | null
  created_at: string
}

const lab = mkdtempSync(join(tmpdir(), 'delivery-'))
const record = join(lab, 'run/delivery.json')
const token = 'a-token-of-this-test-only'

async function start(): Promise<Delivery> {
  const child = spawn(process.execPath, [join(root, 'lab/delivery/main.ts'), '--lab', lab], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  child.unref()
  return waitFor({
    what: 'delivery',
    within: 10_000,
    every: 50,
    probe: async () => {
      const found = JSON.parse(readFileSync(record, 'utf8')) as Delivery
      return found.pid === child.pid ? found : undefined
    },
  })
}

async function stop(delivery: Delivery, signal: NodeJS.Signals): Promise<void> {
  process.kill(delivery.pid, signal)
  assert.ok(await goneWithin([delivery], 5000))
}

const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()

const delivers = suite('lab/delivery')
let delivery: Delivery
let commit: string

delivers.before(async () => {
  writeFileSync(join(lab, 'token'), token, { mode: 0o600 })
  await ensureTools({ programs: programs.filter(({ name }) => name === 'registry') })
  commit = await publishSample(join(lab, 'git'))
  delivery = await start()
})

delivers.after(async () => {
  if (identify(delivery.pid)) await stop(delivery, 'SIGTERM')
  rmSync(lab, { recursive: true })
})

delivers('the sample commit is the same each time', async () => {
  assert.match(commit, /^[0-9a-f]{40}$/)
  assert.is(await publishSample(join(lab, 'again')), commit)
  assert.is(await publishSample(join(lab, 'git')), commit)
})

delivers('clones over HTTP; a push wants the token', () => {
  const url = `http://127.0.0.1:${delivery.gitPort}/threads-nextjs.git`
  const clone = join(lab, 'clone')
  git('clone', '--quiet', url, clone)
  assert.is(git('-C', clone, 'rev-parse', 'origin/master'), commit)
  git('-C', clone, '-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '--quiet', '--allow-empty', '-m', 'next')
  assert.throws(
    () => git('-C', clone, '-c', 'credential.helper=', '-c', 'core.askPass=true', 'push', '--quiet', 'origin', 'master'),
    /fatal/,
  )
  execFileSync('git', ['-C', clone, 'push', '--quiet', 'origin', 'master'], { env: withToken, stdio: 'pipe' })
  assert.is.not(git('ls-remote', url, 'refs/heads/master').split('\t')[0], commit)
})

/** A commit in the clone, pushed with the token; the token goes by the environment: arguments are for all to see. */
function pushed(message: string, change: (directory: string) => void): string {
  const clone = join(lab, 'clone')
  change(clone)
  git('-C', clone, 'add', '--all')
  git('-C', clone, '-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '--quiet', '-m', message)
  execFileSync('git', ['-C', clone, 'push', '--quiet', 'origin', 'master'], { env: withToken, stdio: 'pipe' })
  return git('-C', clone, 'rev-parse', 'HEAD')
}

const withToken = {
  ...process.env,
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'http.extraHeader',
  GIT_CONFIG_VALUE_0: `Authorization: Bearer ${token}`,
}

const edit = (file: string, from: string, to: string) => (directory: string) => {
  const path = join(directory, file)
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to))
}
const WORKFLOW = '.github/workflows/deploy-gcp.yml'

const actions = (path: string, headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${delivery.githubPort}/repos/anyone/threads-nextjs/actions/runs${path}`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
  })

const runsOf = async (sha: string) =>
  ((await (await actions(`?head_sha=${sha}`)).json()) as { workflow_runs: Run[] }).workflow_runs

const finishedRun = (sha: string): Promise<Run> =>
  waitFor({
    what: `the run for ${sha}`,
    within: 10_000,
    every: 50,
    probe: async () => (await runsOf(sha)).find(({ status }) => status === 'completed'),
  })

interface Platform {
  os: string
  architecture: string
}

/** The image behind a tag: its digest, its platforms and the configuration of the first. */
async function imageOf(service: string, tag: string) {
  const base = `http://127.0.0.1:${delivery.registryPort}/v2/web-service-design/threads/${service}`
  const answer = await fetch(`${base}/manifests/${tag}`)
  if (!answer.ok) return undefined
  const { manifests } = (await answer.json()) as { manifests: { digest: string; platform: Platform }[] }
  const child = await fetch(`${base}/manifests/${manifests[0]?.digest}`)
  const { config } = (await child.json()) as { config: { digest: string } }
  const blob = await fetch(`${base}/blobs/${config.digest}`)
  return {
    digest: answer.headers.get('docker-content-digest'),
    platforms: manifests.map(({ platform }) => `${platform.os}/${platform.architecture}`),
    config: (await blob.json()) as Platform & {
      created: string
      rootfs: { diff_ids: string[] }
      config: { Labels: Record<string, string> }
    },
  }
}

delivers('a commit on top of the sample survives publishing it again', async () => {
  const url = `http://127.0.0.1:${delivery.gitPort}/threads-nextjs.git`
  const before = git('ls-remote', url, 'refs/heads/master')
  await publishSample(join(lab, 'git'))
  assert.is(git('ls-remote', url, 'refs/heads/master'), before)
})

delivers('images are pushed once, and are for linux/amd64', async () => {
  const registry = `http://127.0.0.1:${delivery.registryPort}`
  const images = labImages(commit)
  const references = images.flatMap(image => image.tags)
  assert.is((await pushMissing(registry, images, token)).length, references.length)
  assert.equal(await pushMissing(registry, images, token), [])

  const base = `${registry}/v2/web-service-design/threads/nextjs`
  const head = await fetch(`${base}/manifests/${commit}`, { method: 'HEAD' })
  assert.is(head.status, 200)
  assert.match(head.headers.get('docker-content-digest') ?? '', /^sha256:/)
  const manifest = (await (await fetch(`${base}/manifests/latest`)).json()) as { config: { digest: string } }
  const config = (await (await fetch(`${base}/blobs/${manifest.config.digest}`)).json()) as Record<string, string>
  assert.is(`${config.os}/${config.architecture}`, 'linux/amd64')
})

delivers('the registry has every image that charts and manifests ask for', async () => {
  const charts = join(lab, 'charts')
  await prepareCharts(charts, moduleDirectory)
  const read = (...path: string[]) => readFileSync(join(charts, ...path), 'utf8')
  const named = (text: string) => [...text.matchAll(/\bimage: *"?([\w./-]+:[\w.-]+)/g)].map(([, image = '']) => image)
  const ofChart = (chart: string) =>
    `${parse(read(chart, 'values.yaml')).image.repository}:${parse(read(chart, 'Chart.yaml')).appVersion}`
  const manifests = ['k8s/base', 'terraform/modules/local-path-provisioner/manifests'].flatMap(folder =>
    readdirSync(join(root, folder)).map(file => readFileSync(join(root, folder, file), 'utf8')),
  )
  const wanted = [
    ...named(read('argo-cd/files/install.yaml')),
    ofChart('argocd-image-updater'),
    ofChart('external-secrets'),
    ...manifests.flatMap(named),
  ]
  const held = labImages(commit).flatMap(({ repository, tags }) => tags.map(tag => `${repository}:${tag}`))
  const missing = wanted.filter(image => {
    const reference = parseImage(image)
    return !reference || !held.includes(`${repositoryIn(reference)}:${reference.version}`)
  })
  assert.ok(wanted.length > 10)
  assert.equal(missing, [])
})

delivers('runs want the token', async () => {
  assert.is((await actions('', { authorization: 'Bearer wrong' })).status, 401)
  assert.is((await actions('')).status, 200)
})

delivers('a push that no workflow is there for makes no run', async () => {
  const other = pushed('docs: more', edit('README.md', '# threads', '# Threads'))
  const bump = pushed('chore: bump', edit('ml-service/pyproject.toml', '0.1.0', '0.1.1'))
  await finishedRun(bump)
  assert.equal(await runsOf(other), [])
})

delivers('a push is built as its workflow says, under an index with an attestation', async () => {
  const before = await imageOf('ml-service', git('-C', join(lab, 'clone'), 'rev-parse', 'HEAD'))
  const sha = pushed('chore: bump', edit('ml-service/pyproject.toml', '0.1.1', '0.1.2'))
  const run = await finishedRun(sha)
  assert.is(run.conclusion, 'success')
  const image = await imageOf('ml-service', sha)
  assert.equal(image?.platforms, ['linux/amd64', 'unknown/unknown'])
  assert.is(`${image?.config.os}/${image?.config.architecture}`, 'linux/amd64')
  assert.is(image?.config.config.Labels['org.opencontainers.image.revision'], sha)
  assert.ok(Date.now() - Date.parse(image?.config.created ?? '') < 30_000)
  assert.is((await imageOf('ml-service', 'latest'))?.digest, image?.digest)
  // Its content has changed, the other service's has not.
  assert.is.not(image?.config.rootfs.diff_ids[0], before?.config.rootfs.diff_ids[0])
  const [one, other] = [
    await imageOf('nextjs', sha),
    await imageOf('nextjs', git('-C', join(lab, 'clone'), 'rev-parse', 'HEAD~')),
  ]
  assert.is(one?.config.rootfs.diff_ids[0], other?.config.rootfs.diff_ids[0])
})

delivers('jobs and steps are told, and what has not changed is not sent again', async () => {
  const [run] = await runsOf(git('-C', join(lab, 'clone'), 'rev-parse', 'HEAD'))
  const jobs = await actions(`/${run?.id}/jobs`)
  const body = (await jobs.json()) as { jobs: { name: string; conclusion: string; completed_at: string; steps: object[] }[] }
  assert.equal(
    body.jobs.map(({ name, conclusion }) => `${name} ${conclusion}`),
    ['build (nextjs) success', 'build (ml-service) success'],
  )
  assert.is(body.jobs[0]?.steps.length, 5)
  const etag = jobs.headers.get('etag') ?? ''
  assert.is((await actions(`/${run?.id}/jobs`, { 'if-none-match': etag })).status, 304)
  assert.is((await actions('/4711')).status, 404)
})

delivers('an outage: what is down answers nobody, and a push waits for its run', async () => {
  const layout = layoutOf(lab)
  const faults = outageFaults(layout)
  const url = `http://127.0.0.1:${delivery.gitPort}/threads-nextjs.git`
  const registry = `http://127.0.0.1:${delivery.registryPort}/v2/`
  await faults.add({ kind: 'actions-down' })
  const sha = pushed('chore: bump', edit('ml-service/pyproject.toml', '0.1.2', '0.1.3'))
  assert.is((await actions('')).status, 503)
  await faults.add({ kind: 'git-down' })
  assert.throws(() => git('ls-remote', url), /503/)
  await faults.add({ kind: 'registry-down' })
  assert.is((await fetch(registry)).status, 503)
  assert.equal(
    (await faults.list()).map(({ id }) => id),
    ['git-down', 'registry-down', 'actions-down'],
  )
  await faults.clear('registry-down')
  assert.is((await fetch(registry, { headers: { authorization: `Bearer ${token}` } })).status, 200)
  await faults.clear()
  assert.is((await finishedRun(sha)).conclusion, 'success')
  assert.match(git('ls-remote', url), sha)
})

delivers('a workflow for arm64 makes images for arm64 alone', async () => {
  const sha = pushed('ci: arm', edit(WORKFLOW, 'platforms: linux/amd64', 'platforms: linux/arm64'))
  assert.is((await finishedRun(sha)).conclusion, 'success')
  const image = await imageOf('ml-service', sha)
  assert.equal(image?.platforms, ['linux/arm64', 'unknown/unknown'])
  assert.is(image?.config.architecture, 'arm64')
})

delivers('a job that may not ask for its identity fails at signing in', async () => {
  const sha = pushed('ci: less', edit(WORKFLOW, 'id-token: write', 'id-token: none'))
  assert.is((await finishedRun(sha)).conclusion, 'failure')
  assert.is(await imageOf('ml-service', sha), undefined)
})

delivers('a workflow that is none fails at once', async () => {
  const sha = pushed('ci: broken', directory => {
    mkdirSync(join(directory, '.github/workflows'), { recursive: true })
    writeFileSync(join(directory, '.github/workflows/other.yml'), 'jobs: [')
  })
  assert.is((await finishedRun(sha)).conclusion, 'startup_failure')
  pushed('ci: mended', directory => rmSync(join(directory, '.github/workflows/other.yml')))
})

delivers('runs survive kill -9: what was queued is run by the next one', async () => {
  await stop(delivery, 'SIGKILL')
  const sha = git('-C', join(lab, 'clone'), 'rev-parse', 'HEAD')
  const now = new Date().toISOString()
  const queued = {
    ...{ id: 4000, run_number: 1, repository: 'threads-nextjs', name: 'deploy-gcp', path: WORKFLOW, display_title: 'x' },
    ...{ head_branch: 'master', head_sha: sha, status: 'in_progress', conclusion: null },
    ...{ created_at: now, run_started_at: now, updated_at: now, jobs: [] },
  }
  writeFileSync(join(lab, 'actions/runs/4000.json'), JSON.stringify(queued))
  // A push that nobody heard.
  writeFileSync(join(lab, 'actions/pushes/1'), `threads-nextjs ${sha}~ ${sha} refs/heads/other\n`)
  delivery = await start()
  const run = await waitFor({
    what: 'the run that was left',
    within: 10_000,
    every: 50,
    probe: async () => {
      const found = (await (await actions('/4000')).json()) as Run
      return found.status === 'completed' ? found : undefined
    },
  })
  assert.is(run.conclusion, 'failure')
  assert.is(run.created_at, now)
  assert.throws(() => readFileSync(join(lab, 'actions/pushes/1')), /ENOENT/)
})

delivers('the Unix socket leads to the same registry', async () => {
  const status = await new Promise<number | undefined>((resolve, reject) => {
    request({ socketPath: socketPath(join(lab, 'run'), 'registry.sock'), path: '/v2/' }, answer => {
      answer.resume()
      resolve(answer.statusCode)
    })
      .on('error', reject)
      .end()
  })
  assert.is(status, 200)
})

delivers('every port and socket answers only who knows what it is called', async () => {
  const { gitPort, registryPort, githubPort } = delivery
  const sockets = ['git.sock', 'registry.sock'].map(name => ({ socketPath: socketPath(join(lab, 'run'), name) }))
  for (const to of [...[gitPort, registryPort, githubPort].map(port => ({ port })), ...sockets]) {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: 'evil.example', authorization: `Bearer ${token}` }
      request({ ...to, path: '/threads-nextjs.git/info/refs?service=git-upload-pack', headers }, answer => {
        answer.resume()
        resolve(answer.statusCode)
      })
        .on('error', reject)
        .end()
    })
    assert.is(status, 421, JSON.stringify(to))
  }
})

delivers('what was pushed survives kill -9, and the backend does not', async () => {
  await push(`http://127.0.0.1:${delivery.registryPort}`, { repository: 'a/b', tags: ['1'], architecture: 'arm64' }, token)
  const children = readFileSync(`/proc/${delivery.pid}/task/${delivery.pid}/children`, 'utf8').trim().split(' ').map(Number)
  const backend = children.map(identify).filter(found => found !== undefined)
  assert.is(backend.length, 1)
  await stop(delivery, 'SIGKILL')
  assert.ok(await goneWithin(backend, 5000))
  delivery = await start()
  const registry = `http://127.0.0.1:${delivery.registryPort}`
  assert.is((await fetch(`${registry}/v2/a/b/manifests/1`, { method: 'HEAD' })).status, 200)
  assert.equal(await pushMissing(registry, labImages(commit), token), [])
})

delivers.run()
