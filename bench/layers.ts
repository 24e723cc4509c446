import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { root } from '../lib/runtime/files.ts'
import { median, type Pair, printPairs, run, timed } from './measure.ts'

/**
 * What it costs to find that there is nothing to do: `layer:plan` of all layers against `terraform init && terraform plan` by hand
 * in each, one after the other, and `up` against that of an earlier commit. Both of a pair alternately in this very run, so that a
 * noisy machine disturbs both; what counts is the ratio. As root, with this checkout's lab up:
 * `./taskw up && ./taskw node bench/layers.ts [rounds] [commit]`; exits 1 beyond a goal.
 */
const rounds = Number(process.argv[2] ?? 5)
const commit = process.argv[3] ?? 'c78d0bb'

const LAYERS = ['00-vpc', '01-k8s', '02-argocd-app']
const lab = join(root, '.lab')

const script = (name: string, directory = root): string[] => [process.execPath, join(directory, 'scripts', name)]

/** What `eval "$(./taskw env)"` puts into a shell. */
async function shellEnvironment(): Promise<NodeJS.ProcessEnv> {
  const { exports } = JSON.parse(await run([...script('env.ts'), '--json'])) as { exports: Record<string, string> }
  return { ...process.env, ...exports, GOOGLE_OAUTH_ACCESS_TOKEN: (await readFile(join(lab, 'token'), 'utf8')).trim() }
}

/** As somebody does it by hand, with a tunnel that is open already. */
async function byHand(env: NodeJS.ProcessEnv): Promise<void> {
  const terraform = join(lab, 'bin/terraform')
  const backend = `-backend-config=${join(lab, 'terraform/backend-config.lab.hcl')}`
  for (const layer of LAYERS) {
    const cwd = join(lab, 'terraform', layer, 'envs/lab')
    await run([terraform, 'init', '-input=false', backend], { cwd, env })
    await run([terraform, 'plan', '-input=false', '-detailed-exitcode'], { cwd, env })
  }
}

/** Runs something while the Kubernetes API can be reached. */
async function withTunnel<T>(work: () => Promise<T>): Promise<T> {
  const [program = '', ...args] = script('tunnel.ts')
  const tunnel = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(tunnel, 'exit')
  try {
    for await (const text of tunnel.stderr) if (String(text).includes('reaches the Kubernetes API')) break
    return await work()
  } finally {
    tunnel.kill('SIGINT')
    await ended
  }
}

/** A checkout of an earlier commit, which works on this one's lab. */
async function earlierCheckout(folder: string): Promise<string> {
  const directory = join(folder, 'checkout')
  await run(['git', 'clone', '--quiet', '--no-checkout', root, directory])
  await run(['git', 'checkout', '--quiet', commit], { cwd: directory })
  for (const each of ['node_modules', '.tools']) await run(['cp', '-al', join(root, each), join(directory, each)])
  await symlink(lab, join(directory, '.lab'))
  // Its own keys, but the k0s that this lab has.
  const file = 'environments/lab.yaml'
  const [own, present] = await Promise.all([directory, root].map(async at => parse(await readFile(join(at, file), 'utf8'))))
  await writeFile(join(directory, file), stringify({ ...own, k0s: present.k0s }))
  return directory
}

/** @throws where there was anything to do */
async function upChangesNothing(directory: string): Promise<void> {
  const { changed } = JSON.parse(await run([...script('up.ts', directory), '--json'])) as { changed: number }
  if (changed !== 0) throw new Error(`up in ${directory} has changed ${changed}`)
}

const folder = await mkdtemp(join(tmpdir(), 'threads-ops-bench-'))
try {
  const earlier = await earlierCheckout(folder)
  const env = await shellEnvironment()
  const plans: Pair = { what: 'layer:plan', baseline: 'terraform init && plan', measured: [], base: [], goal: 0.6 }
  const ups: Pair = { what: 'up', baseline: `up of ${commit}`, measured: [], base: [], goal: 0.5 }
  // The first round fills caches, and one of the checkouts may still have something to do.
  for (let round = 0; round <= rounds; round++) {
    const took = [
      await timed(() => run(script('layer/plan.ts'))),
      await withTunnel(() => timed(() => byHand(env))),
      await timed(() => (round === 0 ? run(script('up.ts')) : upChangesNothing(root))),
      await timed(() => (round === 0 ? run(script('up.ts', earlier), { cwd: earlier }) : upChangesNothing(earlier))),
    ]
    process.stderr.write(`${took.map(ms => (ms / 1000).toFixed(2)).join('  ')} s\n`)
    if (round === 0) continue
    for (const [index, list] of [plans.measured, plans.base, ups.measured, ups.base].entries())
      list.push(took[index] ?? median([]))
  }
  printPairs([plans, ups])
} finally {
  await rm(folder, { recursive: true, force: true })
}
