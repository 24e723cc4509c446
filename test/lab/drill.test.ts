import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { $ } from 'zx/core'
import type { Check, Verdict } from '../../lib/model/drill/check.ts'
import { type Checkout, during, killDuring, makeCheckout, onMachine, type Ran } from './support/checkout.ts'
import { cloudOf } from './support/cloud.ts'
import { bringUp } from './support/kept-lab.ts'

/**
 * Drills end to end. The tests are one story, in order: a drill leaves the system healthy, which is what the next one wants; where it
 * can't, the test mends what it has broken.
 */
const story = suite<{ checkout: Checkout }>('drills')

story.before(async context => {
  context.checkout = await makeCheckout()
  succeeded(await bringUp(context.checkout))
  // More drills than anybody has in an hour: Google takes six snapshots of a disk then.
  const cloud = await cloudOf(context.checkout)
  await cloud.limit({ snapshotsPerDiskAndHour: 60 })
})
story.after(async ({ checkout }) => checkout.remove())

const DRILL = ['dr-drill', '--', '--json', '--yes']
const MARKER = '/var/lib/threads-ops/dr-drill'

interface Drilled {
  run: string
  verdict: Verdict
  reasons: string[]
  checks: Check[]
  rto: Record<'ms' | 'detect' | 'decide' | 'restore' | 'verify' | 'paused', number> | null
  rpo: { ms: number | null } | null
}

const drilled = ({ document }: Ran): Drilled => document as unknown as Drilled
const succeeded = (ran: Ran) => ended(ran, 0)
const ended = (ran: Ran, code: number) =>
  assert.is(ran.code, code, `exit code ${ran.code}\n${ran.stderr}\n${ran.stdout.slice(-2000)}`)
const serials = async (checkout: Checkout) =>
  (await checkout.json('layer:list')).document.layers?.map(({ layer, serial }) => `${layer} ${serial}`)
const isHealthy = async (checkout: Checkout) => assert.is((await checkout.json('verify')).document.verdict, 'healthy')
/** What keeps a drill from a pass, and nothing else does. */
const failedBy = (ran: Ran, ...expected: RegExp[]) => {
  const { verdict, reasons } = drilled(ran)
  ended(ran, 6)
  assert.is(verdict, 'fail')
  assert.is(reasons.length, expected.length, reasons.join('\n'))
  for (const [index, pattern] of expected.entries()) assert.match(reasons[index] ?? '', pattern)
}

story('it wants to be confirmed, and something to abort', async ({ checkout }) => {
  ended(await checkout.task('dr-drill'), 4)
  ended(await checkout.task('dr-drill', '--', '--abort'), 4)
  ended(await checkout.task('dr-drill', '--', '--scenario', 'flood'), 2)
})

story('an environment that does not allow drills has none', async ({ checkout }) => {
  const refused = await checkout.task('dr-drill', 'ENV=prod', '--', '--confirm=prod')
  ended(refused, 4)
  assert.match(refused.stderr, 'guards.drills')
})

story('a dry run changes nothing', async ({ checkout }) => {
  const before = await serials(checkout)
  const planned = await checkout.json('dr-drill', '--dry-run')
  ended(planned, 8)
  assert.is(planned.document.phases?.find(({ id }) => id === '01-k8s/applied')?.state, 'unknown')
  assert.equal(await serials(checkout), before)
})

story('a system that is not healthy is not drilled', async ({ checkout }) => {
  const setDefault = (value: boolean) =>
    onMachine(
      checkout,
      `k0s kubectl annotate storageclass local-path storageclass.kubernetes.io/is-default-class=${value} --overwrite`,
    )
  const before = await serials(checkout)
  await setDefault(false)
  const refused = await checkout.task(...DRILL)
  await setDefault(true)
  ended(refused, 7)
  assert.is(drilled(refused).verdict, 'inconclusive')
  assert.match(drilled(refused).reasons[0] ?? '', 'no default class')
  assert.equal(await serials(checkout), before)
})

story('a drill that passes', async ({ checkout }) => {
  const ran = await checkout.task(...DRILL)
  succeeded(ran)
  const { verdict, reasons, checks, rto, rpo, run } = drilled(ran)
  assert.is(verdict, 'pass')
  assert.equal(reasons, [])
  assert.ok(checks.length > 12 && checks.every(({ outcome }) => outcome === 'pass'))
  assert.ok(rto && rto.detect + rto.decide + rto.restore + rto.verify === rto.ms)
  assert.ok(rpo?.ms && rpo.ms > 0 && rpo.ms < 60_000)
  await isHealthy(checkout)

  const page = (name: string) => readFile(join(checkout.directory, '.runs', run, name), 'utf8')
  const [journal, markdown, html] = await Promise.all(['journal.json', 'report.md', 'report.html'].map(page))
  assert.is(JSON.parse(journal ?? '').facts.conclusion.verdict, 'pass')
  assert.match(markdown ?? '', '# Drill layer-rebuild of lab: pass')
  assert.match(html ?? '', '<svg class="timeline"')
  assert.not.match(html ?? '', /https?:/)
  const traces =
    'ls /var/lib/threads-ops /var/backups/threads-ops; k0s kubectl --namespace default get configmaps --output name'
  assert.not.match(await onMachine(checkout, traces), 'dr-drill')
})

story('the snapshot is named, labelled and described', async ({ checkout }) => {
  const { snapshots = [] } = (await checkout.json('snapshot:list', '--layer', '01-k8s')).document
  assert.is(snapshots.length, 2)
  assert.match(snapshots[0]?.name ?? '', /^threads-lab-vm-01-k8s-\d{8}-\d{6}$/)
  assert.is(snapshots[0]?.status, 'READY')
  assert.is(snapshots[0]?.labels.layer, '01-k8s')
  assert.is(snapshots[0]?.description, 'Snapshot after 01-k8s layer applied (ArgoCD, External Secrets, Local Path Provisioner)')
})

story('a marker that is gone fails it', async ({ checkout }) => {
  const ran = await during(checkout, '01-k8s destroyed', DRILL, () => onMachine(checkout, `rm ${MARKER}`))
  failedBy(ran, /^Marker disk: lost, but should have been kept/)
  await isHealthy(checkout)
})

story('00-vpc touched meanwhile fails it', async ({ checkout }) => {
  const touch = async () => {
    const { exports = {} } = (await checkout.json('env')).document
    const GOOGLE_OAUTH_ACCESS_TOKEN = (await readFile(join(checkout.directory, '.lab/token'), 'utf8')).trim()
    const env = { ...process.env, ...exports, GOOGLE_OAUTH_ACCESS_TOKEN }
    const terraform = { quiet: true, cwd: join(checkout.directory, '.lab/terraform/00-vpc/envs/lab'), env }
    const program = join(checkout.directory, '.lab/bin/terraform')
    const state = JSON.parse((await $(terraform)`${program} state pull`).stdout)
    // The same content under the next serial: nothing is changed but that it was written.
    const input = JSON.stringify({ ...state, serial: state.serial + 1 })
    await $({ ...terraform, input })`${program} state push -`
  }
  const ran = await during(checkout, '01-k8s destroyed', DRILL, touch)
  failedBy(
    ran,
    /^00-vpc untouched after the destruction: its state was written: generation \d+ → \d+, MD5 differs, serial \d+ → \d+/,
    /^00-vpc untouched at the end: its state was written/,
  )
  await isHealthy(checkout)
})

story('a pod that never becomes healthy fails it', async ({ checkout }) => {
  const quota = (what: string) => onMachine(checkout, `k0s kubectl --namespace threads ${what}`)
  const ran = await during(checkout, '01-k8s destroyed', [...DRILL, '--deadline', '20s'], () =>
    quota('create quota drill --hard=pods=0'),
  )
  await quota('delete quota drill')
  failedBy(ran, /^Every pod healthy: unhealthy: .*threads/, /^Application Synced and Healthy: argocd\/threads is Synced \w+/)
  assert.is(drilled(ran).rto, null)
  succeeded(await checkout.json('up'))
})

story('kill -9 in mid-destroy, and the next run goes on', async ({ checkout }) => {
  await killDuring(checkout, '01-k8s destroyed', DRILL, 5000)
  const [unfinished] = (await checkout.json('dr-drill:report')).document.drills as { id: string; verdict: string }[]
  assert.is(unfinished?.verdict, 'unfinished')
  const ran = await checkout.task(...DRILL)
  succeeded(ran)
  assert.match(ran.stderr, `resuming drill ${unfinished?.id}`)
  assert.is(drilled(ran).run, unfinished?.id)
  assert.is(drilled(ran).verdict, 'pass')
  assert.ok((drilled(ran).rto?.paused ?? 0) > 0)
  await isHealthy(checkout)
})

story('Ctrl-C in mid-destroy, and an abort brings the system back', async ({ checkout }) => {
  const stopped = await during(checkout, '01-k8s destroyed', DRILL, async child => {
    await sleep(5000)
    process.kill(-(child.pid ?? 0), 'SIGINT')
  })
  ended(stopped, 130)
  // Task puts a line of its own on stdout.
  assert.match(stopped.stdout, '"verdict": "unfinished"')
  const ran = await checkout.task('dr-drill', '--', '--json', '--abort')
  ended(ran, 7)
  assert.is(drilled(ran).verdict, 'inconclusive')
  assert.match(drilled(ran).reasons[0] ?? '', /^aborted by /)
  await isHealthy(checkout)
  assert.not.match(await onMachine(checkout, 'ls /var/lib/threads-ops /var/backups/threads-ops'), 'dr-drill')
  ended(await checkout.task('dr-drill', '--', '--abort'), 4)
})

story('the report lists them all, newest first', async ({ checkout }) => {
  const { drills } = (await checkout.json('dr-drill:report')).document as unknown as {
    drills: { id: string; verdict: string }[]
  }
  assert.equal(
    drills.map(({ verdict }) => verdict),
    ['inconclusive', 'pass', 'fail', 'fail', 'fail', 'pass', 'inconclusive'],
  )
  const { drill } = (await checkout.json('dr-drill:report', '--run', drills[1]?.id ?? '')).document as unknown as {
    drill: { verdict: string }
  }
  assert.is(drill.verdict, 'pass')
  ended(await checkout.task('dr-drill:report', '--', '--run', 'none'), 2)
})

story.run()
