import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { runInDisk } from '../lab/machine/disk.ts'
import { removeNetworks } from '../lab/machine/network.ts'
import { table } from '../lib/runtime/table.ts'
import { startSshd } from '../test/clients/host/sshd.ts'
import { PROJECT, TestLab, TOKEN } from '../test/clients/support/lab.ts'
import { FLAGS, startLab } from '../test/lab/machine/fixture.ts'

/**
 * What the lab costs beside the plainest thing that does as much, both in this very run, so that a noisy machine disturbs both; what
 * counts is the ratio. As root, with the programs built: `node bench/lab.ts`
 */
interface Row {
  what: string
  baseline: string
  /** Milliseconds, or requests per second. */
  measured: number
  base: number
  unit: 'ms' | '/s'
}

const SNAPSHOT_MIB = 200
const SNAPSHOTS = 10_000
const REQUESTS = 2000

async function milliseconds(what: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await what()
  return performance.now() - started
}

/** A machine's boot, Kubernetes on it, and a copy of its disk. */
async function machineRows(): Promise<Row[]> {
  const lab = await startLab()
  const machine = lab.machine('vm', '10.142.0.2')
  try {
    await lab.hypervisor.createDisk(machine.disk, 'x86_64')
    const boot = await milliseconds(async () => {
      await lab.hypervisor.powerOn(machine)
      await lab.ssh(machine, 'true')
    })
    const sshd = await milliseconds(async () => (await startSshd()).stop())

    await lab.copyK0s(machine)
    await lab.ssh(machine, `sudo k0s install controller ${FLAGS}`)
    const ready = async () => {
      await lab.ssh(machine, 'sudo k0s start')
      await lab.eventually(machine, 'get --raw=/readyz', text => text.trim() === 'ok', 60_000)
    }
    const first = await milliseconds(ready)
    await lab.ssh(machine, 'sudo k0s stop')
    const again = await milliseconds(ready)

    await lab.ssh(machine, `sudo dd if=/dev/urandom of=/var/lib/ballast bs=1M count=${SNAPSHOT_MIB} status=none`)
    const snapshot = join(lab.lab, 'snapshots', 'one')
    const taken = await milliseconds(() => lab.hypervisor.snapshotDisk(machine.disk, snapshot, machine.id))
    const copied = await milliseconds(() => runInDisk(machine.disk, ['cp', '-a', 'upper', join(lab.lab, 'copy')]))
    return [
      { what: 'machine on, until ssh answers', baseline: 'sshd on this host', measured: boot, base: sshd, unit: 'ms' },
      {
        what: 'k0s start on a new disk, until /readyz',
        baseline: 'the second start',
        measured: first,
        base: again,
        unit: 'ms',
      },
      { what: `snapshot of ${SNAPSHOT_MIB} MiB`, baseline: 'cp -a of the disk', measured: taken, base: copied, unit: 'ms' },
    ]
  } finally {
    await lab.hypervisor.powerOff(machine.id)
    await removeNetworks(lab.lab)
    lab.close()
  }
}

/** Google's stand-in: single requests, and a list of many pages. */
async function googleRows(): Promise<Row[]> {
  const lab = await TestLab.start()
  try {
    // Google's own limit would be what is measured.
    await lab.request('PATCH', '/lab/limits', { requestsPerMinute: Number.MAX_SAFE_INTEGER })
    await lab.makeInstance()
    const path = `/compute/v1/projects/${PROJECT}/zones/us-east1-b/instances/threads-lab-vm`
    const answer = await (await lab.request('GET', path)).text()
    const plain = createServer((_, response) => response.end(answer)).listen(0, '127.0.0.1')
    await once(plain, 'listening')
    const rate = await perSecond(`${lab.url}${path}`)
    const plainRate = await perSecond(`http://127.0.0.1:${(plain.address() as AddressInfo).port}/`)
    plain.closeAllConnections()
    plain.close()

    await lab.done('POST', 'zones/us-east1-b/disks/threads-lab-vm/createSnapshot', { name: 'snapshot-0' })
    const one = await milliseconds(() => listed(lab))
    await multiply(lab)
    let count = 0
    const many = await milliseconds(async () => {
      count = await listed(lab)
    })
    if (count !== SNAPSHOTS) throw new Error(`${count} snapshots were listed instead of ${SNAPSHOTS}`)
    return [
      { what: 'requests, one at a time', baseline: 'a plain Node server', measured: rate, base: plainRate, unit: '/s' },
      {
        what: `${SNAPSHOTS} snapshots listed in pages of 500`,
        baseline: 'one snapshot listed',
        measured: many,
        base: one,
        unit: 'ms',
      },
    ]
  } finally {
    await lab.stop()
  }
}

async function perSecond(url: string): Promise<number> {
  const headers = { authorization: `Bearer ${TOKEN}` }
  const spent = await milliseconds(async () => {
    for (let i = 0; i < REQUESTS; i++) await (await fetch(url, { headers })).text()
  })
  return (REQUESTS * 1000) / spent
}

/** Puts copies of the one snapshot into the stand-in's state, which it reads when it starts. */
async function multiply(lab: TestLab): Promise<void> {
  const folder = join(lab.directory, 'google', 'snapshots')
  const [file = ''] = await readdir(folder)
  const text = await readFile(join(folder, file), 'utf8')
  for (let i = 1; i < SNAPSHOTS; i++) {
    const name = `snapshot-${i}`
    await writeFile(join(folder, file.replace('snapshot-0', name)), text.replaceAll('snapshot-0', name))
  }
  await lab.restart()
}

async function listed(lab: TestLab): Promise<number> {
  let count = 0
  let token = ''
  do {
    const page = await lab.compute<{ items?: unknown[]; nextPageToken?: string }>(
      'GET',
      `global/snapshots?maxResults=500${token && `&pageToken=${encodeURIComponent(token)}`}`,
    )
    count += page.items?.length ?? 0
    token = page.nextPageToken ?? ''
  } while (token)
  return count
}

const rows = [...(await googleRows()), ...(await machineRows())]
process.stdout.write(
  `${table(
    ['WHAT', 'MEASURED', 'BASELINE', '', 'RATIO'],
    rows.map(({ what, baseline, measured, base, unit }) => [
      what,
      `${measured.toFixed(0)} ${unit}`,
      `${base.toFixed(0)} ${unit}`,
      baseline,
      `${(measured / base).toFixed(2)} ×`,
    ]),
  )}\n`,
)
