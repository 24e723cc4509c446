import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { prepareCharts } from '../../../lab/delivery/charts/prepare.ts'
import { labImages, push, pushMissing } from '../../../lab/delivery/images.ts'
import { publishSample } from '../../../lab/delivery/repositories.ts'
import { parseImage, repositoryIn } from '../../../lab/machine/node-agent/images.ts'
import { goneWithin, identify } from '../../../lab/machine/process.ts'
import { socketPath } from '../../../lab/machine/sockets.ts'
import { ensureTools } from '../../../lab/tools/build.ts'
import { programs } from '../../../lab/tools/catalog.ts'
import { moduleDirectory } from '../../../lab/tools/sources.ts'
import { root } from '../../../lib/runtime/files.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'

interface Delivery {
  pid: number
  startTime: string
  gitPort: number
  registryPort: number
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
  await ensureTools({ programs: programs.filter(({ name }) => name === 'crane') })
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
  // The token goes by the environment: arguments are for all to see.
  const environment = {
    ...process.env,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'http.extraHeader',
    GIT_CONFIG_VALUE_0: `Authorization: Bearer ${token}`,
  }
  execFileSync('git', ['-C', clone, 'push', '--quiet', 'origin', 'master'], { env: environment, stdio: 'pipe' })
  assert.is.not(git('ls-remote', url, 'refs/heads/master').split('\t')[0], commit)
})

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
  assert.is((await pushMissing(registry, images)).length, references.length)
  assert.equal(await pushMissing(registry, images), [])

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

delivers('what was pushed survives kill -9, and crane does not', async () => {
  await push(`http://127.0.0.1:${delivery.registryPort}`, { repository: 'a/b', tags: ['1'], architecture: 'arm64' })
  const children = readFileSync(`/proc/${delivery.pid}/task/${delivery.pid}/children`, 'utf8').trim().split(' ').map(Number)
  const crane = children.map(identify).filter(found => found !== undefined)
  assert.is(crane.length, 1)
  await stop(delivery, 'SIGKILL')
  assert.ok(await goneWithin(crane, 5000))
  delivery = await start()
  const registry = `http://127.0.0.1:${delivery.registryPort}`
  assert.is((await fetch(`${registry}/v2/a/b/manifests/1`, { method: 'HEAD' })).status, 200)
  assert.equal(await pushMissing(registry, labImages(commit)), [])
})

delivers.run()
