import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { $ } from 'zx/core'
import { waitFor } from '../../lib/runtime/wait.ts'
import { type Checkout, leftovers, makeCheckout, type Ran } from './support/checkout.ts'

/** Two environments in one lab, each with its project, network, VM, state bucket and cluster. One story, in order. */
const story = suite<{ checkout: Checkout }>('two environments')

const STAGING = ['--env', 'lab-staging']

story.before(async context => {
  context.checkout = await makeCheckout()
})
story.after(async ({ checkout }) => checkout.remove())

function ended(ran: Ran, code = 0): Ran {
  assert.is(ran.code, code, `exit code ${ran.code}\n${ran.stderr}\n${ran.stdout.slice(-2000)}`)
  return ran
}
const machinesOf = async (checkout: Checkout) => (await checkout.json('lab:status')).document.machines ?? []
const serials = async (checkout: Checkout, ...env: string[]) =>
  (await checkout.json('layer:list', ...env)).document.layers?.map(({ layer, applied, serial }) => [layer, applied, serial])
const snapshots = async (checkout: Checkout, ...env: string[]) =>
  (await checkout.json('snapshot:list', ...env)).document.snapshots?.map(({ name }) => name.replace(/\d{8}-\d{6}$/, '')) ?? []

story('both come up, at the same time', async ({ checkout }) => {
  const [lab, staging] = await Promise.all([checkout.json('up'), checkout.json('up', ...STAGING)])
  for (const ran of [lab, staging]) assert.is(ended(ran).document.phases?.at(-1)?.id, 'verified')
})

story('each has what is its own', async ({ checkout }) => {
  const machines = await machinesOf(checkout)
  assert.equal(
    machines.map(({ project, name, address, state }) => [project, name, address, state]),
    [
      ['web-service-design', 'threads-lab-vm', '10.142.0.2', 'RUNNING'],
      ['web-service-staging', 'threads-lab-staging-vm', '10.150.0.2', 'RUNNING'],
    ],
  )
  assert.equal(await snapshots(checkout), ['threads-lab-vm-01-k8s-'])
  assert.equal(await snapshots(checkout, ...STAGING), ['threads-lab-staging-vm-01-k8s-'])
  const buckets = await Promise.all([[], STAGING].map(async env => (await checkout.json('status', ...env)).document.bucket))
  assert.equal(buckets, ['threads-ops-lab-tfstate', 'threads-ops-lab-staging-tfstate'])
})

story('no machine reaches the other', async ({ checkout }) => {
  for (const [from, to] of [
    ['10.142.0.2', '10.150.0.2'],
    ['10.150.0.2', '10.142.0.2'],
  ] as const) {
    const machine = (await machinesOf(checkout)).find(({ address }) => address === from)
    const reach = (address: string, seconds: number) =>
      $({
        quiet: true,
        nothrow: true,
      })`nsenter --target ${machine?.pid ?? 0} --net ssh-keyscan -T ${seconds} -t ed25519 ${address}`
    assert.match((await reach(from, 20)).stdout, 'ssh-ed25519')
    assert.is((await reach(to, 2)).stdout, '')
  }
})

story('which machine is to be preempted must be said', async ({ checkout }) => {
  const unclear = ended(await checkout.task('lab:preempt'), 2)
  assert.match(unclear.stderr, /name one: threads-lab-vm, threads-lab-staging-vm/)
  ended(await checkout.task('lab:preempt', '--', 'nobodys-vm'), 2)
})

story('one is preempted: the other does not notice, and what is gone comes back', async ({ checkout }) => {
  ended(await checkout.task('lab:preempt', '--', 'threads-lab-staging-vm'))
  assert.is(ended(await checkout.json('verify')).document.verdict, 'healthy')
  ended(await checkout.json('verify', ...STAGING), 6)
  const before = await serials(checkout)
  ended(await checkout.json('up', ...STAGING))
  assert.is(ended(await checkout.json('verify', ...STAGING)).document.verdict, 'healthy')
  assert.equal(await serials(checkout), before)
})

/**
 * Runs a script as on another machine, as far as a lock can tell: its pids are none of here, and its clock is off. Not its task, which would
 * start a lab there.
 */
const startElsewhere = ({ directory }: Checkout, skew: number, name: string, ...args: string[]) =>
  spawn('unshare', ['--pid', '--fork', '--mount-proc', '--kill-child', join(directory, 'scripts', name), ...args], {
    cwd: directory,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      CI: 'true',
      CLOCK_SKEW_MS: String(skew),
      NODE_OPTIONS: `--import=${join(directory, 'test/lab/support/skewed-clock.ts')}`,
    },
  })

/** A drill that has begun since holds the lock by the time it has a journal. */
const drillSince = async (before: string[], runs: string): Promise<true | undefined> =>
  (await readdir(runs)).some(name => name.includes('-dr-drill-') && !before.includes(name)) || undefined

for (const minutes of [5, -5]) {
  story(`two operators, one's clock ${minutes} minutes off: the other is told who holds the lock`, async ({ checkout }) => {
    const runs = join(checkout.directory, '.runs')
    const before = await readdir(runs)
    const holder = startElsewhere(checkout, minutes * 60_000, 'dr-drill.ts', '--yes')
    let said = ''
    holder.stderr.on('data', data => (said += data))
    const over = once(holder, 'close')
    const group = (signal: NodeJS.Signals) => process.kill(-(holder.pid ?? 0), signal)
    await waitFor({ what: 'the drill to begin', within: 120_000, every: 50, probe: () => drillSince(before, runs) }).catch(
      error => assert.unreachable(`${error}\n${said}`),
    )
    // It destroys nothing meanwhile.
    group('SIGSTOP')
    const refused = await checkout.json('dr-drill', '--abort').finally(() => {
      group('SIGCONT')
      group('SIGINT')
    })
    assert.equal(await over, [130, null], said)
    ended(refused, 4)
    const [, since = ''] = /locked by `dr-drill` of \S+ \(pid \d+\), since (\S+)/.exec(refused.stderr) ?? []
    const off = (Date.parse(since) - Date.now()) / 60_000
    assert.ok(Math.abs(off - minutes) < 2, `${refused.stderr}: its clock was ${off} minutes off`)
    assert.is(ended(await checkout.json('status')).document.lock, null)
  })
}

story('one goes down: the other stays', async ({ checkout }) => {
  const before = await serials(checkout)
  ended(await checkout.json('down', '--yes', ...STAGING))
  assert.equal(
    (await serials(checkout, ...STAGING))?.map(([, applied]) => applied),
    [false, false, false],
  )
  assert.equal(await serials(checkout), before)
  assert.is(ended(await checkout.json('verify')).document.verdict, 'healthy')
  const { pids = {} } = (await checkout.json('lab:status')).document as { pids?: Record<string, number> }
  assert.equal(
    Object.keys(pids).filter(name => name.startsWith('network/')),
    ['network/web-service-design/threads-lab-network'],
  )
})

story('lab:down leaves nothing of either', async ({ checkout }) => {
  ended(await checkout.task('lab:down'))
  assert.equal(await leftovers(checkout.directory), [])
})

story.run()
