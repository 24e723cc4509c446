import { existsSync } from 'node:fs'
import { glob, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { $ } from 'zx/core'
import { roomLeft } from '../../lab/state/disk-space.ts'
import { identify, isAlive } from '../../lib/runtime/processes.ts'
import { waitFor } from '../../lib/runtime/wait.ts'
import { type Checkout, during, leftovers, makeCheckout, onMachine, type Ran } from './support/checkout.ts'
import { type MachineProcess, machineProcesses } from './support/processes.ts'

/**
 * Whatever is killed, torn or full: the next verb goes on, or says what is wrong and what cures it. The tests are one story, in order:
 * each leaves the system healthy for the next. The lab's folder is a file system of its own, so that it can be full.
 */
const story = suite<{ checkout: Checkout; lab: string }>('hygiene')
const root = $({ quiet: true })

story.before(async context => {
  context.checkout = await makeCheckout()
  context.lab = join(context.checkout.directory, '.lab')
  await mkdir(context.lab)
  await root`mount -t tmpfs -o size=8m tmpfs ${context.lab}`
})
story.after(async ({ checkout, lab }) => {
  await checkout.task('lab:down')
  await root`umount --lazy ${lab}`
  await checkout.remove()
})

function ended(ran: Ran, ...codes: number[]): Ran {
  assert.ok(codes.includes(ran.code ?? -1), `exit code ${ran.code}\n${ran.stderr}\n${ran.stdout.slice(-2000)}`)
  return ran
}
const succeeded = (ran: Ran) => ended(ran, 0)
const isHealthy = async (checkout: Checkout) =>
  assert.is(succeeded(await checkout.json('verify', '--wait', '3m')).document.verdict, 'healthy')

/** A line of a stack trace. */
const STACK = /^\s+at .+:\d+:\d+\)?$/m

/** It ended as documented, in words that name the full disk, and with no stack trace. */
function saysFull(ran: Ran, folder: string): void {
  ended(ran, 4, 5)
  // Terraform breaks lines where they are long.
  const text = ran.stderr.replaceAll(/\n[\d: ]*[│╷╵|]*\s*/g, ' ')
  assert.ok(/no space left on device/i.test(text), ran.stderr)
  assert.ok(text.includes(folder), ran.stderr)
  assert.not.match(ran.stderr, STACK)
}

const resize = (lab: string, size: string) => root`mount -o remount,size=${size} ${lab}`
const LITTLE = 2 ** 21
/** Takes nearly all room while something is done: a file that grew on would also take what the lab holds back for itself. */
async function whileFull(lab: string, work: () => Promise<void>): Promise<void> {
  const filler = join(lab, 'filler')
  await writeFile(filler, '')
  // All of it or nothing: it fails when others take some meanwhile.
  for (let left = await roomLeft(lab); left > LITTLE; left = await roomLeft(lab))
    await root`fallocate --offset ${(await stat(filler)).size} --length ${left - LITTLE / 2} ${filler}`.nothrow()
  try {
    await work()
  } finally {
    await rm(filler, { force: true })
  }
}

const recordsOf = async (lab: string) => {
  const folder = join(lab, 'run/machines')
  const names = (await readdir(folder)).filter(name => name.endsWith('.json'))
  return names.map(name => join(folder, name))
}
async function supervisorOf(lab: string): Promise<number> {
  const [record = ''] = await recordsOf(lab)
  return (JSON.parse(await readFile(record, 'utf8')) as { supervisor: { pid: number } }).supervisor.pid
}
async function labPids(checkout: Checkout): Promise<Record<string, number>> {
  return (await checkout.json('lab:status')).document.pids as Record<string, number>
}
const FORWARDER = 'network/web-service-design/threads-lab-network'

story('the disk is full before anything begins: lab:up says so', async ({ checkout, lab }) => {
  saysFull(await checkout.task('lab:up'), lab)
})

story('the disk is full for what is made of it: nothing is begun, and the same command goes on', async ({ checkout, lab }) => {
  await resize(lab, '32m')
  succeeded(await checkout.task('lab:up'))
  saysFull(await checkout.task('up'), lab)
  await resize(lab, '2g')
})

story('the disk is full in the middle of `up`: it says so, and the same command goes on', async ({ checkout, lab }) => {
  const began = Promise.withResolvers<void>()
  const up = during(checkout, 'Layer 00-vpc', ['up'], async () => began.resolve())
  await began.promise
  await waitFor({ what: 'a disk', within: 60_000, every: 5, probe: async () => existsSync(join(lab, 'disks')) || undefined })
  await whileFull(lab, async () => saysFull(await up, lab))
  succeeded(await checkout.json('up'))
  await isHealthy(checkout)
})

story(
  'the disk is full while the lab runs: what is refused was never there, what was there stays',
  async ({ checkout, lab }) => {
    const endpoints = JSON.parse(await readFile(join(lab, 'endpoints.json'), 'utf8')) as { compute: string; storage: string }
    const headers = { authorization: `Bearer ${(await readFile(join(lab, 'token'), 'utf8')).trim()}` }
    const bucket = `${endpoints.storage}/storage/v1/b`
    const objects = `${endpoints.storage}/upload/storage/v1/b/hygiene/o?uploadType=media`
    const put = (name: string, body: string) => fetch(`${objects}&name=${name}`, { method: 'POST', headers, body })
    const get = async (name: string) => (await fetch(`${bucket}/hygiene/o/${name}?alt=media`, { headers })).text()
    const made = await fetch(`${bucket}?project=web-service-design`, {
      ...{ method: 'POST', body: '{"name":"hygiene"}' },
      headers: { ...headers, 'content-type': 'application/json' },
    })
    assert.is(made.status, 200)
    assert.is((await put('before', 'old')).status, 200)
    const written = await writeRows(checkout)
    const vm = `${endpoints.compute}projects/web-service-design/zones/us-east1-b/instances/threads-lab-vm`

    await whileFull(lab, async () => {
      // Before it loses what it believes to be written, the machine is ended, as one whose host fails.
      const { statusMessage } = await waitFor({
        what: 'the end of the machine',
        within: 30_000,
        every: 100,
        probe: async () => {
          const found = (await (await fetch(vm, { headers })).json()) as { status: string; statusMessage?: string }
          return found.status === 'TERMINATED' ? found : undefined
        },
      })
      assert.is(statusMessage, `${lab}/google: no space left on device`)
      const refused = await put('before', 'n'.repeat(2 ** 27))
      assert.is(refused.status, 403)
      assert.match(await refused.text(), `${lab}/google`)
      assert.is(await get('before'), 'old')
      for (const verb of ['snapshot:create', 'up']) saysFull(await checkout.task(verb), lab)
    })

    const { google } = await labPids(checkout)
    process.kill(google ?? Number.NaN, 'SIGKILL')
    succeeded(await checkout.json('up'))
    assert.is(await get('before'), 'old')
    assert.equal(await written.lost(), [])
    const snapshot = await checkout.json('snapshot:create')
    succeeded(snapshot)
    assert.equal(
      snapshot.document.phases?.flatMap(({ id }) => (id.startsWith('snapshot/') ? id : [])),
      ['snapshot/01-k8s'],
      'without a layer it is of one',
    )
    assert.equal(
      (await readdir(join(lab, 'google'), { recursive: true })).filter(name => name.endsWith('.tmp')),
      [],
    )
    await isHealthy(checkout)
  },
)

story('kill -9 of the registry, then of every other process of the lab’s on this host', async ({ checkout }) => {
  const { delivery = 0 } = await labPids(checkout)
  const children = (await root`ps -o pid= --ppid ${delivery}`).stdout.trim().split(/\s+/).map(Number)
  for (const pid of children) process.kill(pid, 'SIGKILL')
  succeeded(await checkout.json('verify'))
  const pids = await labPids(checkout)
  for (const name of ['google', 'delivery', FORWARDER]) process.kill(pids[name] ?? Number.NaN, 'SIGKILL')
  assert.is(succeeded(await checkout.json('verify')).document.verdict, 'healthy')
})

/** Who has a process of a machine that was killed come back. */
const comesBack: Readonly<Record<string, 'the node agent' | 'k0s' | 'the service manager' | 'up'>> = {
  'Argo CD application controller': 'the node agent',
  'Argo CD repo server': 'the node agent',
  redis: 'the node agent',
  'image updater': 'the node agent',
  container: 'the node agent',
  postgres: 'the node agent',
  'worker of postgres': 'the node agent',
  application: 'the node agent',
  etcd: 'k0s',
  'kube-apiserver': 'k0s',
  'kube-controller-manager': 'k0s',
  'kube-scheduler': 'k0s',
  kwok: 'k0s',
  'node agent': 'k0s',
  k0s: 'the service manager',
  sshd: 'the service manager',
  'service manager': 'up',
  'process 1': 'up',
  supervisor: 'up',
}
const namesOf = (processes: readonly MachineProcess[]) => [...new Set(processes.map(({ name }) => name))].sort()

story('every process of a machine is known, and all are there', async ({ checkout, lab }) => {
  await isHealthy(checkout)
  assert.equal(namesOf(await machineProcesses(await supervisorOf(lab))), Object.keys(comesBack).sort())
})

for (const [by, within] of [
  ['the node agent', 60_000],
  ['k0s', 60_000],
  ['the service manager', 90_000],
] as const) {
  story(`kill -9 of all that ${by} keeps alive: they come back by themselves`, async ({ checkout, lab }) => {
    const supervisor = await supervisorOf(lab)
    const victims = (await machineProcesses(supervisor)).filter(({ name }) => comesBack[name] === by)
    for (const { pid } of victims) killHard(pid)
    const began = performance.now()
    await waitFor({
      what: 'every process to be there again',
      within,
      probe: async () => {
        const alive = await machineProcesses(supervisor)
        const missing = Object.keys(comesBack).filter(name => !alive.some(one => one.name === name))
        if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`)
        return true
      },
    })
    assert.ok(!victims.some(isAlive))
    await isHealthy(checkout)
    console.log(`    ${victims.length} processes, healthy after ${seconds(began)}`)
  })
}

for (const name of Object.keys(comesBack).filter(each => comesBack[each] === 'up' && each !== 'supervisor')) {
  story(`kill -9 of a machine’s ${name}: up boots it`, async ({ checkout, lab }) => {
    const [victim] = (await machineProcesses(await supervisorOf(lab))).filter(process => process.name === name)
    process.kill(victim?.pid ?? Number.NaN, 'SIGKILL')
    succeeded(await checkout.json('up'))
    await isHealthy(checkout)
  })
}

story('everything loses power while rows are written: what was acknowledged is there', async ({ checkout, lab }) => {
  const supervisor = await supervisorOf(lab)
  const pids = await labPids(checkout)
  const written = await writeRows(checkout)
  for (const pid of [supervisor, pids.google, pids.delivery, pids[FORWARDER]]) process.kill(pid ?? Number.NaN, 'SIGKILL')
  succeeded(await checkout.json('up'))
  await isHealthy(checkout)
  assert.equal(await written.lost(), [])
})

story('a machine’s full disk is found, and is well again with room', async ({ checkout }) => {
  succeeded(await checkout.task('lab:fault', '--', 'disk-full', '--leave-mb', '512'))
  const found = await waitFor({
    what: 'verify to find it',
    within: 90_000,
    probe: async () => {
      const ran = await checkout.json('verify')
      return ran.document.findings?.some(({ rule }) => rule === 'node/pressure') ? ran : undefined
    },
  })
  ended(found, 6, 7)
  succeeded(await checkout.task('lab:fault', '--', '--clear'))
  await isHealthy(checkout)
})

/** Files that are only records, by what is left of them. */
const torn: Readonly<Record<string, string>> = {
  'run/google.json': '{"port":4',
  'run/delivery.json': '',
  'run/machines/*.json': '{"id":"web-service-design/us-ea',
  'run/networks/*/network.json': '\0\0\0\0',
  'endpoints.json': '{}',
  'terraform/*/envs/lab/lab.auto.tfvars.json': '{"api_local_port":',
  token: '',
  'lifecycle.lock': '',
}

story('records that are torn are made anew', async ({ checkout, lab }) => {
  const stray = await supervisorOf(lab)
  const id = identify(stray)
  await writeFile(join(lab, 'lifecycle.lock'), 'x')
  for (const [pattern, text] of Object.entries(torn)) {
    const files = await Array.fromAsync(glob(pattern, { cwd: lab }))
    assert.ok(files.length > 0, pattern)
    for (const file of files) await writeFile(join(lab, file), text)
  }
  await rm(join(lab, 'ssh/id_ed25519.pub'))
  const key = await readFile(join(lab, 'ssh/id_ed25519'), 'utf8')
  succeeded(await checkout.json('up'))
  await isHealthy(checkout)
  assert.not.ok(id && isAlive(id), 'the machine whose record was torn is not there twice')
  assert.is(await readFile(join(lab, 'ssh/id_ed25519'), 'utf8'), key)
})

story('data that is torn: lab:up names the file and what cures it', async ({ checkout, lab }) => {
  for (const pattern of [
    'google/instances/*.json',
    'disks/*/*/*/disk.json',
    'actions/runs/1.json',
    'registry/manifests/*.json',
  ]) {
    succeeded(await checkout.task('lab:down'))
    const [found = pattern] = await Array.fromAsync(glob(pattern, { cwd: lab }))
    const file = join(lab, found)
    const whole = existsSync(file) ? await readFile(file) : undefined
    await writeFile(file, whole?.subarray(0, whole.length / 2) ?? '')
    const { code, stderr } = await checkout.task('lab:up')
    assert.is(code, 4, `${file}\n${stderr}`)
    assert.ok(stderr.includes(`${file} is damaged`), stderr)
    assert.match(stderr, '`./taskw lab:reset`')
    assert.not.match(stderr, STACK)
    if (whole) await writeFile(file, whole)
    else await rm(file)
  }
})

story('lab:reset cures it, and leaves nothing behind', async ({ checkout, lab }) => {
  succeeded(await checkout.task('lab:reset', '--', '--yes'))
  assert.equal(await readdir(lab), [])
  succeeded(await checkout.task('lab:up'))
  succeeded(await checkout.task('lab:down'))
  assert.equal(
    (await leftovers(checkout.directory)).filter(line => !line.startsWith(`tmpfs ${lab} `)),
    [],
  )
})

story.run()

/** Rows that the application is given and acknowledges, one after the other, until the machine is away; there are some when it returns. */
async function writeRows(checkout: Checkout): Promise<{ lost: () => Promise<number[]> }> {
  const init = (await labPids(checkout))['machine/threads-lab-vm'] ?? Number.NaN
  const address = (await checkout.json('lab:status')).document.machines?.[0]?.address ?? ''
  const rows = `http://${address}:30000/posts`
  const script = `for (;;) {
    const answer = await fetch('${rows}', { method: 'POST', body: 'hygiene', signal: AbortSignal.timeout(5000) })
    if (!answer.ok) continue
    console.log((await answer.json()).id)
  }`
  const writer = root`nsenter --target ${init} --net ${process.execPath} --input-type=module --eval ${script}`.nothrow()
  const acknowledged: number[] = []
  writer.stdout.on('data', data => acknowledged.push(...String(data).trim().split('\n').map(Number)))
  await waitFor({ what: 'rows', within: 30_000, every: 100, probe: async () => acknowledged.length > 50 || undefined })
  return {
    async lost() {
      await writer
      const kept = JSON.parse(await onMachine(checkout, `curl -fsS ${rows}`)) as { id: number }[]
      const lost = acknowledged.filter(id => !kept.some(row => row.id === id))
      console.log(`    ${acknowledged.length} rows were acknowledged, ${lost.length} lost`)
      return lost
    },
  }
}

/** It may have gone with one that was killed before it. */
function killHard(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {}
}

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(0)} s`
