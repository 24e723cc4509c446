import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { interrupted, precondition } from '../../lib/runtime/errors.ts'
import { readIfExists, root, writeAtomically } from '../../lib/runtime/files.ts'
import { takeLock } from '../../lib/runtime/lock-file.ts'
import type { Log } from '../../lib/runtime/log.ts'
import { waitFor } from '../../lib/runtime/wait.ts'
import { labImages, pushMissing } from '../delivery/images.ts'
import { publishCheckout, publishSample } from '../delivery/repositories.ts'
import { projects } from '../google/compute/catalogue.ts'
import { checkDisks } from '../machine/disk.ts'
import { createHypervisor, recordedMachines, supervisors } from '../machine/hypervisor.ts'
import { mountsBelow, unmountBelow } from '../machine/mounts.ts'
import { removeNetworks } from '../machine/network.ts'
import { goneWithin, signal as kill, run } from '../machine/process.ts'
import { here, type Layout } from '../state/layout.ts'
import { closeLab } from '../state/private.ts'
import { startBuildInBackground } from '../tools/background.ts'
import { ensureTools } from '../tools/build.ts'
import { programs } from '../tools/catalog.ts'
import { prepareKubectl } from '../tools/kubectl.ts'
import { progressText } from '../tools/progress.ts'
import { prepareTerraform } from '../tools/terraform.ts'
import { ensureCharts } from './charts.ts'
import { type DaemonRecord, daemons, delivery, endAll, ensureDaemon, google, processesOf, stopDaemon } from './daemon.ts'
import { gsutilConfiguration } from './gsutil.ts'
import { installPackages, missingPackages, preflight } from './preflight.ts'
import { type Resting, recordResting, restingMachines } from './resting.ts'
import { machineStatuses } from './status.ts'
import { copyTerraform } from './terraform-copy.ts'

/** Needed before Terraform can start; the other missing programs are built in the meantime. */
const FIRST_PROGRAMS = ['registry']
/** How long a machine may take to shut down when the lab goes down. */
const SHUTDOWN_MS = 15_000
/** How long machines may take to boot when it comes up. */
const BOOT_MS = 60_000

interface Step {
  title: string
  /** @returns a detail worth reporting, if any */
  run(say: (detail: string) => void): Promise<string | undefined>
}

/** The lock that is held while the lab goes up or down. */
const lockOf = ({ lab }: Layout): string => join(lab, 'lifecycle.lock')

/** Starts what is not running and updates what is out of date; if the lab is up, it changes nothing. */
export async function up(log: Log, signal?: AbortSignal, layout: Layout = here): Promise<void> {
  await preflight(layout.lab)
  await using _lock = await takeLock(lockOf(layout), signal ? { signal } : {})
  const resting = await restingMachines(layout.lab)
  let started: Record<'google' | 'delivery', DaemonRecord> | undefined
  const steps: Step[] = [
    { title: 'Debian packages', run: ensurePackages },
    { title: 'First programs', run: say => ensureFirstPrograms(say, signal) },
    { title: 'Keys and token', run: () => ensureKeys(layout) },
    { title: 'Disks', run: () => checkDisks(layout.lab).then(() => undefined) },
    {
      title: 'Terraform and charts',
      run: async () => {
        await Promise.all([prepareTerraform(layout), prepareKubectl(layout)])
        await copyTerraform(layout)
        await ensureCharts(layout)
        return undefined
      },
    },
    {
      title: 'Networks',
      run: () =>
        createHypervisor({ lab: layout.lab })
          .repairNetworks()
          .then(() => undefined),
    },
    {
      title: 'Google, git and registry',
      run: async () => {
        const [first, second] = await Promise.all([ensureDaemon(layout, google), ensureDaemon(layout, delivery)])
        started = { google: first, delivery: second }
        return undefined
      },
    },
    { title: 'Sources and images', run: () => publish(layout, started?.delivery ?? {}) },
    {
      title: 'Endpoints',
      run: async () => {
        if (started) await writeEndpoints(layout, started)
        return `${relative(process.cwd(), layout.endpoints)}`
      },
    },
    ...(resting.length > 0 ? [{ title: 'Machines', run: () => bootedAgain(layout, resting, started?.google ?? {}, log) }] : []),
  ]
  for (const { title, run: work } of steps) {
    if (signal?.aborted) throw interrupted(`interrupted before: ${title}`, 'run the same command again to go on')
    const activity = log.activity(title)
    try {
      activity.done(await work(activity.update))
    } catch (error) {
      activity.failed()
      throw error
    }
  }
  // What a step has made, apart from what daemons write.
  await closeLab(layout.lab)
  const left = await startBuildInBackground(layout)
  if (left.length > 0)
    log.info(`building in the background: ${left.join(', ')}; follow it with \`./taskw lab:logs -- tools --follow\``)
}

async function ensurePackages(say: (detail: string) => void): Promise<string | undefined> {
  const missing = missingPackages()
  if (missing.length === 0) return undefined
  say(missing.join(', '))
  await installPackages(missing)
  return `installed ${missing.join(', ')}`
}

async function ensureFirstPrograms(say: (detail: string) => void, signal?: AbortSignal): Promise<string | undefined> {
  const first = programs.filter(({ name }) => FIRST_PROGRAMS.includes(name))
  const built = await ensureTools({
    programs: first,
    report: progress => say(progressText(progress)),
    ...(signal && { signal }),
  })
  return built.length > 0 ? `built ${built.join(', ')}` : undefined
}

async function ensureKeys(layout: Layout): Promise<undefined> {
  const { token, sshKey } = layout
  if (!/^[0-9a-f]{64}\n$/.test((await readIfExists(token)) ?? '')) {
    await writeAtomically(token, `${randomBytes(32).toString('hex')}\n`)
    // Running daemons accept only the old token.
    for (const daemon of daemons) await stopDaemon(layout, daemon)
  }
  await mkdir(dirname(sshKey), { recursive: true, mode: 0o700 })
  const publicKey = await publicKeyOf(sshKey)
  if (publicKey !== undefined) return void (await writeIfChanged(`${sshKey}.pub`, publicKey))
  for (const file of [sshKey, `${sshKey}.pub`]) await rm(file, { force: true })
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'threads-ops-lab', '-f', sshKey])
}

/** Undefined when the key is missing or damaged. */
const publicKeyOf = (sshKey: string): Promise<string | undefined> =>
  run('ssh-keygen', ['-y', '-P', '', '-f', sshKey]).catch(() => undefined)

const tokenOf = async ({ token }: Layout): Promise<string> => (await readFile(token, 'utf8')).trim()

async function publish(layout: Layout, { registryPort }: DaemonRecord): Promise<string> {
  const commit = await publishCheckout(root, layout.git)
  const sample = await publishSample(layout.git)
  const pushed = await pushMissing(`http://127.0.0.1:${registryPort}`, labImages(sample), await tokenOf(layout))
  return `commit ${commit.slice(0, 12)}${pushed.length > 0 ? `, ${pushed.length} images pushed` : ''}`
}

/** Waits until Google's stand-in has booted the machines that were running when the lab went down. */
async function bootedAgain(layout: Layout, resting: readonly Resting[], { port }: DaemonRecord, log: Log): Promise<string> {
  const booted = await waitFor({
    what: `${resting.map(({ name }) => name).join(', ')} to boot`,
    within: BOOT_MS,
    every: 200,
    hint: 'see `./taskw lab:status` and `./taskw lab:logs`',
    probe: async () => {
      const found = (await machineStatuses(layout, `http://127.0.0.1:${port}/compute/v1/`))?.filter(({ id }) =>
        resting.some(machine => machine.id === id),
      )
      return found?.some(({ state }) => state === 'STAGING') ? undefined : found
    },
  })
  for (const { name, state, reason } of booted) if (reason) log.warn(`${name} is ${state}: ${reason}`)
  return booted.map(({ name, state }) => `${name} ${state}`).join(', ')
}

/** Written last: when the file exists, the lab is up. */
async function writeEndpoints(layout: Layout, records: Record<'google' | 'delivery', DaemonRecord>): Promise<void> {
  const at = `127.0.0.1:${records.google.port}`
  const endpoints = {
    compute: `http://${at}/compute/v1/`,
    storage: `http://${at}`,
    iam: `http://${at}/`,
    resourceManager: `http://${at}/`,
    serviceUsage: `http://${at}/`,
    iapRelay: `ws://${at}`,
    iapRelayTls: `wss://127.0.0.1:${records.google.tlsPort}`,
    registry: `http://127.0.0.1:${records.delivery.registryPort}`,
    git: `http://127.0.0.1:${records.delivery.gitPort}`,
    github: `http://127.0.0.1:${records.delivery.githubPort}`,
    tokenFile: relative(root, layout.token),
    boto: relative(root, layout.boto),
    certificate: relative(root, layout.certificate),
  }
  await writeIfChanged(layout.boto, await gsutilConfigurationOf(layout, records.google))
  await writeIfChanged(layout.endpoints, `${JSON.stringify(endpoints, undefined, 2)}\n`)
}

const gsutilConfigurationOf = async (layout: Layout, { tlsPort = 0 }: DaemonRecord): Promise<string> =>
  gsutilConfiguration({
    tlsPort,
    certificateFile: layout.certificate,
    token: await tokenOf(layout),
    stateDirectory: layout.gsutil,
    project: projects[0].id,
  })

async function writeIfChanged(file: string, text: string): Promise<void> {
  if (text !== (await readIfExists(file))) await writeAtomically(file, text)
}

/** Removes every process, mount, namespace and interface of the lab, whatever state it is in. The disks keep their contents. */
export async function down(log: Log, layout: Layout = here): Promise<void> {
  await using _lock = await takeLock(lockOf(layout))
  const hypervisor = createHypervisor({ lab: layout.lab })
  const activity = log.activity('Lab down')
  activity.update('machines')
  // It would take the end of a spot machine for a preemption, and may be booting one.
  await stopDaemon(layout, google)
  await recordResting(layout.lab)
  const machines = await recordedMachines(layout.lab)
  await Promise.all(machines.map(({ id }) => hypervisor.powerOff(id, { graceMs: SHUTDOWN_MS })))
  activity.update('daemons')
  for (const daemon of daemons) await stopDaemon(layout, daemon)
  await endAll(processesOf(layout))
  await removeNetworks(layout.lab)
  activity.update('leftovers')
  const strays = supervisors(join(layout.run, 'machines/'))
  // `unshare` ignores every other signal.
  for (const id of strays) kill(id, 'SIGKILL')
  await goneWithin(strays, SHUTDOWN_MS)
  await unmountBelow(layout.lab)
  await rm(layout.endpoints, { force: true })
  for (const name of await readdir(layout.run).catch(() => [])) {
    if (name.endsWith('.sock')) await rm(join(layout.run, name), { force: true })
  }
  for (const name of await readdir(join(layout.run, 'machines')).catch(() => []))
    await removeRemains(join(layout.run, 'machines', name))
  activity.done()
}

/** Deletes a mount point only when it is empty: whatever is still mounted there must not be deleted. */
const removeRemains = (path: string): Promise<void> =>
  path.endsWith('.json') ? rm(path, { force: true }) : rmdir(path).catch(() => undefined)

/** Takes the lab down and deletes everything in it; the programs in the cache stay. */
export async function reset(log: Log, layout: Layout = here): Promise<void> {
  await down(log, layout)
  const left = processesOf(layout)
  if (left.length > 0)
    throw precondition(`still running: ${left.map(({ pid }) => pid).join(', ')}`, 'stop these processes and run it again')
  const mounts = await mountsBelow(layout.lab)
  if (mounts.length > 0) throw precondition(`still mounted: ${mounts.join(', ')}`, 'unmount them and run it again')
  for (const name of await readdir(layout.lab).catch(() => []))
    await rm(join(layout.lab, name), { recursive: true, force: true })
  // The user may have made it a mount point; then it stays.
  await rmdir(layout.lab).catch(() => undefined)
}
