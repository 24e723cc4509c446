import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isRunning } from '../../lib/runtime/processes.ts'
import { waitFor } from '../../lib/runtime/wait.ts'
import { type Checkout, makeCheckout, type Ran } from './support/checkout.ts'
import { type Cloud, cloudOf } from './support/cloud.ts'
import { bringUp } from './support/kept-lab.ts'

/** What others do to a system that is up, and what the verbs make of it. */
const story = suite<{ checkout: Checkout; cloud: Cloud }>('past the toolkit')
story.before(async context => {
  context.checkout = await makeCheckout()
  const { code, stderr } = await bringUp(context.checkout)
  assert.is(code, 0, stderr)
  context.cloud = await cloudOf(context.checkout)
})
story.after(async ({ checkout }) => checkout.remove())

function ended(ran: Ran, code = 0): Ran {
  assert.is(ran.code, code, `exit code ${ran.code}\n${ran.stderr}\n${ran.stdout.slice(-2000)}`)
  return ran
}
const NAMED_LIKE_OURS = 'threads-lab-vm-01-k8s-20251101-144736'
const made = async (checkout: Checkout) =>
  ((await checkout.json('snapshot:list')).document.snapshots ?? [])
    .filter(({ madeBy }) => madeBy === 'hand')
    .map(({ name, layer }) => [name, layer])

story('snapshots by hand are found by their disk, not by their name', async ({ checkout, cloud }) => {
  const disks = `zones/${cloud.zone}/disks`
  const make = async (collection: string, resource: { name: string } & Record<string, unknown>) => {
    await cloud.insert(collection, resource)
    const probe = async () => (await cloud.find(`${collection}/${resource.name}`))?.status === 'READY' || undefined
    await waitFor({ what: `${resource.name} to be ready`, within: 60_000, every: 200, probe })
  }
  await make(disks, { name: 'threads-lab-vm-boot-2', sizeGb: '10' })
  await make('global/snapshots', { name: NAMED_LIKE_OURS, sourceDisk: cloud.link(`${disks}/threads-lab-vm-boot-2`) })
  await make('global/snapshots', { name: 'by-hand', sourceDisk: cloud.link(`${disks}/threads-lab-vm-boot`) })
  assert.equal(await made(checkout), [['by-hand', null]])
  const status = ended(await checkout.task('status'))
  assert.match(status.stdout, /snapshots +2, 1 of them not made by this toolkit, the newest by-hand/)
})

story('a policy prunes what it does not keep; what is protected, or made by hand, stays', async ({ checkout }) => {
  const file = join(checkout.directory, 'environments/lab.yaml')
  const text = await readFile(file, 'utf8')
  const ours = async () =>
    ((await checkout.json('snapshot:list')).document.snapshots ?? []).flatMap(({ name, madeBy }) =>
      madeBy === 'toolkit' ? name : [],
    )
  assert.match(ended(await checkout.task('snapshot:prune')).stdout, 'has no `snapshots.keep`')
  ended(await checkout.task('snapshot'))
  ended(await checkout.task('snapshot'))
  const [newest = '', doomed = '', oldest = ''] = await ours()
  await writeFile(file, text.replace('after: [01-k8s]', 'after: [01-k8s]\n  keep: { last: 1 }'))

  const slip = ended(await checkout.task('snapshot:protect', '--', `${oldest}0`), 4)
  assert.match(slip.stderr, `did you mean "${oldest}"`)
  ended(await checkout.task('snapshot:protect', '--', oldest))
  assert.match(ended(await checkout.task('snapshot:prune'), 8).stdout, new RegExp(`remove +${doomed} .*last: 1 are newer`))
  ended(await checkout.task('snapshot:prune', '--', '--apply'), 4)
  assert.equal(await ours(), [newest, doomed, oldest])
  ended(await checkout.task('snapshot:prune', '--', '--apply', '--yes'))
  assert.equal(await ours(), [newest, oldest])
  assert.match(ended(await checkout.task('snapshot:prune')).stdout, '0 of 2 to be removed')
  ended(await checkout.task('snapshot:unprotect', '--', oldest))
  await writeFile(file, text)
})

story('doctor says where the lists of services differ', async ({ checkout }) => {
  const rules = async () =>
    (ended(await checkout.json('doctor')).document.findings ?? []).flatMap(({ rule }) =>
      rule.startsWith('delivery/') ? rule : [],
    )
  const annotate = async (change: string) =>
    ended(await checkout.task('kubectl', '--', '-n', 'argocd', 'annotate', '--overwrite', 'application', 'threads', change))
  assert.equal(await rules(), ['delivery/services'])
  await annotate('argocd-image-updater.argoproj.io/image-list-')
  assert.equal(await rules(), ['delivery/not-listed', 'delivery/not-listed'])
})

story('a VM that is off by its schedule is off until then; up says when it is stopped again', async ({ checkout }) => {
  const clock = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16)
  const file = join(checkout.directory, 'environments/lab.yaml')
  const schedule = (from: string, to: string) => `schedule: { on: ${to}, off: ${from}, timeZone: UTC }\naccess:\n`
  const text = await readFile(file, 'utf8')

  ended(await checkout.task('lab:preempt'))
  await writeFile(file, text.replace('access:\n', schedule(clock(2), clock(-2))))
  assert.match(ended(await checkout.json('verify'), 6).stdout, 'vm/stopped')

  const until = clock(2)
  await writeFile(file, text.replace('access:\n', schedule(clock(-2), until)))
  const verify = ended(await checkout.json('verify', '--wait', '5m'), 7)
  assert.equal([verify.document.verdict, verify.document.findings?.[0]?.rule], ['progressing', 'vm/off'])
  assert.match(ended(await checkout.task('status')).stdout, `off until ${until} (UTC)`)
  const up = ended(await checkout.json('up'))
  assert.match(up.stderr, /threads-lab-vm: its schedule has it off now, and will stop it at \d\d:\d\d \(UTC\)/)
  await writeFile(file, text)
})

story('what was made by hand outlives a purge', async ({ checkout, cloud }) => {
  ended(await checkout.task('down', '--', '--purge', '--yes'))
  assert.ok(await cloud.find('global/snapshots/by-hand'))
  assert.ok(await cloud.find(`global/snapshots/${NAMED_LIKE_OURS}`))
  assert.equal(await made(checkout), [])
})

story('the lab goes down, and the background tunnel with it', async ({ checkout }) => {
  ended(await checkout.task('up', '--', '--fresh'))
  const { pid } = ended(await checkout.json('tunnel', '--detach', 'nextjs')).document as unknown as { pid: number }
  assert.ok(isRunning(pid))
  const down = ended(await checkout.task('lab:down'))
  assert.match(down.stderr, `ended the background tunnel of lab, process ${pid}`)
  assert.not(isRunning(pid))
})
story.run()
