import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { $ } from 'zx/core'
import { waitFor } from '../../lib/runtime/wait.ts'
import { type Checkout, interrupted, killDuring, leftovers, makeCheckout, onMachine, type Ran } from './support/checkout.ts'

/**
 * The main job, once through, as a newcomer does it. The tests are one story, in order: the system that one leaves is what the next
 * begins with, and bringing it up from nothing for each would cost minutes.
 */
const story = suite<{ checkout: Checkout }>('first light')

story.before(async context => {
  context.checkout = await makeCheckout()
})
story.after(async ({ checkout }) => checkout.remove())

const succeeded = (ran: Ran) => assert.is(ran.code, 0, `exit code ${ran.code}\n${ran.stderr}\n${ran.stdout.slice(-2000)}`)
const facts = async (checkout: Checkout) => {
  const [layers, snapshots, dryRun] = [
    await checkout.json('layer:list'),
    await checkout.json('snapshot:list'),
    await checkout.json('bootstrap'),
  ]
  const running = dryRun.document.phases?.find(({ id }) => id === 'k0s/running')
  return {
    serials: layers.document.layers?.map(({ layer, serial }) => `${layer} ${serial}`),
    snapshots: snapshots.document.snapshots?.map(({ name }) => name),
    k0s: running?.evidence?.pid,
  }
}

story('kill -9 while 00-vpc is applied', async ({ checkout }) => {
  await killDuring(checkout, 'Layer 00-vpc', ['up'], 4000)
})

story('kill -9 while k0s is bootstrapped', async ({ checkout }) => {
  await killDuring(checkout, 'k0s running', ['up'], 500)
})

story('kill -9 while 01-k8s is applied', async ({ checkout }) => {
  await killDuring(checkout, 'Layer 01-k8s', ['up'], 8000)
})

story('up goes on from there, until everything is verified', async ({ checkout }) => {
  const up = await checkout.json('up')
  succeeded(up)
  assert.is(up.document.phases?.at(-1)?.id, 'verified')
})

story('the lab is for its user alone, with all that is directly in it', async ({ checkout }) => {
  const open = await $({ quiet: true, cwd: checkout.directory })`find .lab -maxdepth 1 -perm /077 ! -type l`
  assert.is(open.stdout, '')
  const disks = await $({ quiet: true, cwd: checkout.directory })`find .lab/disks -maxdepth 3 -printf ${'%m\n'}`
  assert.equal([...new Set(disks.stdout.trim().split('\n'))], ['700'])
})

story('the lab roots are formatted and valid', async ({ checkout }) => {
  const terraform = $({ quiet: true, cwd: join(checkout.directory, '.lab/terraform') })
  const program = join(checkout.directory, '.lab/bin/terraform')
  await terraform`${program} fmt -check -recursive .`
  for (const layer of ['00-vpc', '01-k8s', '02-argocd-app']) await terraform`${program} -chdir=${layer}/envs/lab validate`
})

story('doctor and status agree with what was done', async ({ checkout }) => {
  succeeded(await checkout.json('doctor'))
  const { layers = [], lock, vm } = (await checkout.json('status')).document
  assert.equal(
    layers.map(({ applied }) => applied),
    [true, true, true],
  )
  assert.is(lock, null)
  assert.is((vm as { status: string }).status, 'RUNNING')
})

story('plain terraform and kubectl work with what `env` exports', async ({ checkout }) => {
  const exports = (await checkout.task('env')).stdout
  const shell = $({ quiet: true, cwd: checkout.directory })
  const addresses = await shell`eval ${exports}; .lab/bin/terraform -chdir=.lab/terraform/00-vpc/envs/lab state list`
  assert.match(addresses.stdout, 'module.compute.google_compute_instance.this')
  const tunnel = checkout.start('tunnel')
  try {
    const nodes = await waitFor({
      what: 'kubectl through the tunnel',
      within: 30_000,
      probe: async () => (await shell`eval ${exports}; kubectl get nodes --output name`).stdout,
    })
    assert.is(nodes.trim(), 'node/threads-lab-vm')
  } finally {
    await interrupted(tunnel)
  }
})

story('verify agrees', async ({ checkout }) => {
  const verify = await checkout.json('verify')
  succeeded(verify)
  assert.is(verify.document.verdict, 'healthy')
})

story('what asks for the host is refused, and the Application is in a project of its own', async ({ checkout }) => {
  const pod = JSON.stringify({ spec: { hostNetwork: true } })
  for (const namespace of ['argocd', 'external-secrets-system', 'threads']) {
    const ran = `k0s kubectl --namespace ${namespace} run host --image docker.io/library/busybox:1.37.0 --overrides '${pod}'`
    assert.match(await onMachine(checkout, `${ran} 2>&1 || true`), 'violates PodSecurity', namespace)
  }
  const project = 'k0s kubectl --namespace argocd get application threads --output jsonpath={.spec.project}'
  assert.is((await onMachine(checkout, project)).trim(), 'threads')
})

story('the snapshot of 01-k8s is named and labelled', async ({ checkout }) => {
  const { snapshots = [] } = (await checkout.json('snapshot:list', '--layer', '01-k8s')).document
  assert.is(snapshots.length, 1)
  const [snapshot] = snapshots
  assert.match(snapshot?.name ?? '', /^threads-lab-vm-01-k8s-\d{8}-\d{6}$/)
  assert.is(snapshot?.status, 'READY')
  assert.is(snapshot?.diskSizeGb, 50)
  assert.is(snapshot?.labels.layer, '01-k8s')
  assert.is(snapshot?.labels['managed-by'], 'threads-ops')
})

story('up again changes nothing', async ({ checkout }) => {
  const before = await facts(checkout)
  assert.ok(before.k0s, 'k0s has a pid')
  const again = await checkout.json('up')
  succeeded(again)
  assert.is(again.document.changed, 0)
  console.log(`    up on a healthy system: ${(again.ms / 1000).toFixed(1)} s`)
  assert.equal(await facts(checkout), before)
})

story('a dry run on a healthy system finds nothing to do', async ({ checkout }) =>
  succeeded(await checkout.json('up', '--dry-run')),
)

story('a preempted VM is brought back, with its cluster', async ({ checkout }) => {
  succeeded(await checkout.task('lab:preempt'))
  const broken = await checkout.json('verify')
  assert.is.not(broken.code, 0)
  const up = await checkout.json('up')
  succeeded(up)
  assert.is(up.document.phases?.find(({ id }) => id === 'vm/running')?.status, 'done')
  assert.is((await checkout.json('verify')).document.verdict, 'healthy')
})

story('preempted in the middle of `up`: it ends soon and says why, and the next one heals', async ({ checkout }) => {
  // With nothing to do there the phase would be over before it is met.
  await onMachine(checkout, 'k0s kubectl delete storageclass local-path')
  succeeded(await checkout.task('lab:fault', '--', 'preempt', '--phase', 'layer/01-k8s', '--times', '1'))
  const up = await checkout.json('up')
  assert.ok(up.code === 5 || up.code === 6, `exit code ${up.code}\n${up.stderr}`)
  assert.ok(up.ms < 120_000, `it took ${up.ms} ms`)
  assert.equal((await checkout.json('lab:fault', '--list')).document.faults, [])
  succeeded(await checkout.json('up'))
  assert.is((await checkout.json('verify')).document.verdict, 'healthy')
})

story('a machine that was up is up again after lab:down and lab:up', async ({ checkout }) => {
  succeeded(await checkout.task('lab:down'))
  const machines = async () => (await checkout.json('lab:status')).document.machines ?? []
  assert.match((await machines())[0]?.reason ?? '', 'lab:up` boots it again')
  succeeded(await checkout.task('lab:up'))
  assert.equal(
    (await machines()).map(({ state, reason }) => [state, reason]),
    [['RUNNING', null]],
  )
  const up = await checkout.json('up')
  succeeded(up)
  assert.is(up.document.phases?.find(({ id }) => id === 'vm/running')?.status, 'skipped')
})

story('bad usage is refused with its code', async ({ checkout }) => {
  assert.is((await checkout.task('up', '--', '--enw', 'lab')).code, 2)
  assert.is((await checkout.task('layer:plan', '--', '07-none')).code, 2)
  assert.is((await checkout.task('down')).code, 4)
})

story('down destroys every layer and keeps the snapshots', async ({ checkout }) => {
  const down = await checkout.json('down', '--yes')
  succeeded(down)
  const { layers = [] } = (await checkout.json('layer:list')).document
  assert.equal(
    layers.map(({ applied }) => applied),
    [false, false, false],
  )
  assert.ok(((await checkout.json('snapshot:list')).document.snapshots?.length ?? 0) > 0)
})

story('lab:down leaves nothing behind', async ({ checkout }) => {
  succeeded(await checkout.task('lab:down'))
  assert.equal(await leftovers(checkout.directory), [])
})

story.run()
