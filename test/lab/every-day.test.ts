import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseEnvironment } from '../../lib/config/load.ts'
import { waitFor } from '../../lib/runtime/wait.ts'
import { freePort } from '../unit/support/server.ts'
import { type Checkout, makeCheckout } from './support/checkout.ts'
import { bringUp } from './support/kept-lab.ts'

/** What an operator does every day, each verb with whatever tunnel it needs. */
const story = suite<{ checkout: Checkout }>('every day')
const ports = new Map<string, number>()
story.before(async context => {
  context.checkout = await makeCheckout()
  const { code, stderr } = await bringUp(context.checkout)
  assert.is(code, 0, stderr)
  // Another checkout's lab may have its services open.
  const file = join(context.checkout.directory, 'environments/lab.yaml')
  let text = await readFile(file, 'utf8')
  for (const [line] of text.matchAll(/localPort: \d+/g)) text = text.replace(line, `localPort: ${await freePort()}`)
  await writeFile(file, text)
  const { services } = parseEnvironment(text, file, 'lab').access
  for (const [name, { localPort }] of Object.entries(services)) ports.set(name, localPort)
})
story.after(async ({ checkout }) => checkout.remove())

const portOf = (name: string): number => ports.get(name) ?? 0

const eventually = <T>(what: string, probe: () => Promise<T | undefined>): Promise<T> =>
  waitFor({ what, within: 60_000, every: 300, probe })

/** The page at nextjs's local port, if it answers. */
const front = async (): Promise<{ service: string; pod?: string } | undefined> => {
  const answer = await fetch(`http://127.0.0.1:${portOf('nextjs')}/`, { headers: { connection: 'close' } }).catch(
    () => undefined,
  )
  return answer?.ok ? ((await answer.json()) as { service: string }) : undefined
}

story('kubectl: its output, input and exit code, without a tunnel', async ({ checkout }) => {
  const pods = await checkout.task('kubectl', '--', '-n', 'threads', 'get', 'pods', '-o', 'name')
  assert.is(pods.code, 0, pods.stderr)
  assert.match(pods.stdout, /^pod\/nextjs-/m)
  const exit = await checkout.task('kubectl', '--', '-n', 'threads', 'exec', 'deploy/nextjs', '--', 'sh', '-c', 'exit 7')
  assert.is(exit.code, 7, exit.stderr)
  const child = spawn(
    join(checkout.directory, 'taskw'),
    ['kubectl', '--', 'create', '--dry-run=client', '-o', 'name', '-f', '-'],
    {
      cwd: checkout.directory,
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  child.stdin.end('{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "from-stdin"}}')
  assert.match(await text(child.stdout), 'configmap/from-stdin')
})

story('ssh: a command’s output and exit code', async ({ checkout }) => {
  const ran = await checkout.task('ssh', '--', 'hostname; exit 3')
  assert.equal([ran.code, ran.stdout.trim()], [3, 'threads-lab-vm'], ran.stderr)
})

story('logs of a service', async ({ checkout }) => {
  const ran = await checkout.task('logs', '--', 'nextjs')
  assert.is(ran.code, 0, ran.stderr)
  assert.match(ran.stdout, /nextjs \S+ listens on/)
  assert.is((await checkout.task('logs', '--', 'nextj')).code, 2)
})

story('a first draft of an environment is enough to verify it', async ({ checkout }) => {
  const lines = {
    endpoints: '.lab/endpoints.json',
    'terraform.program': '.lab/bin/terraform',
    'terraform.cliConfig': '.lab/terraform.rc',
    'terraform.backendConfig': 'backend-config.lab.hcl',
    'access.ssh': '{ user: ops, identityFile: .lab/ssh/id_ed25519 }',
  }
  const known = Object.entries(lines).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const tree = ['--env', 'lab-draft', '--from', '.lab/terraform', '--root', 'envs/lab']
  const drafted = await checkout.json('init', ...tree, ...known)
  assert.is(drafted.code, 0, drafted.stderr)
  assert.equal(
    (drafted.document.missing as { key: string }[]).map(({ key }) => key),
    ['delivery'],
    "the lab's sources are not on GitHub",
  )
  const verified = await checkout.json('verify', '--env', 'lab-draft')
  assert.equal([verified.code, verified.document.verdict], [0, 'healthy'], verified.stderr)
  assert.is((await checkout.json('init', ...tree, ...known)).code, 4, 'a file that is there stays')
})

story('services in the background: reached, also after their pods were replaced, told, and ended', async ({ checkout }) => {
  const opened = await checkout.json('tunnel', '--detach', 'nextjs', 'postgres')
  assert.is(opened.code, 0, opened.stderr)
  assert.is((await eventually('nextjs', front)).service, 'nextjs')
  const again = await checkout.json('tunnel', '--detach', 'nextjs')
  assert.equal([again.code, again.document.pid], [0, opened.document.pid], again.stderr)

  const replaced = await checkout.task(
    'kubectl',
    '--',
    '-n',
    'threads',
    'rollout',
    'restart',
    'deployment',
    'nextjs',
    'postgres',
  )
  assert.is(replaced.code, 0, replaced.stderr)
  await checkout.task('kubectl', '--', '-n', 'threads', 'rollout', 'status', 'deployment', 'nextjs')
  assert.is((await eventually('nextjs in its new pod', front)).service, 'nextjs')

  const status = await checkout.json('tunnel', '--status')
  const services = status.document.services as { name: string; open: boolean }[]
  assert.equal(
    services.filter(({ open }) => open).map(({ name }) => name),
    ['nextjs', 'postgres'],
  )
  const stopped = await checkout.json('tunnel', '--stop')
  assert.equal(stopped.document.stopped, [opened.document.pid])
  assert.is(await front(), undefined)
})

story('in a terminal: open until it is interrupted, and only one may have the port', async ({ checkout }) => {
  const tunnel = checkout.start('tunnel', '--', 'nextjs')
  await eventually('nextjs', front)
  const stranger = spawn(process.execPath, ['-e', `require('net').createServer().listen(${portOf('ml-service')}, '127.0.0.1')`])
  const refused = await eventually('the port to be taken', async () => {
    const ran = await checkout.json('tunnel', '--detach', 'ml-service')
    if (ran.code === 4) return ran
    await checkout.json('tunnel', '--stop')
    return undefined
  })
  assert.match(refused.stderr, `port ${portOf('ml-service')} is in use by process ${stranger.pid}`)
  assert.is(stranger.exitCode, null)
  stranger.kill()
  const ended = once(tunnel, 'exit')
  // Ctrl-C, as a terminal sends it.
  process.kill(-(tunnel.pid ?? 0), 'SIGINT')
  await ended
  await eventually('the port to be free', async () => ((await front()) ? undefined : true))
})
story.run()
