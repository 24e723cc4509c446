import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { k0sBinary } from '../../../lab/machine/k0s/shim.ts'
import { removeNetworks } from '../../../lab/machine/network.ts'
import type { MachineSpec } from '../../../lab/machine/types.ts'
import { type Host, openHost } from '../../../lib/host/ssh.ts'
import type { Context } from '../../../lib/operation/context.ts'
import { describePlan } from '../../../lib/operation/verb.ts'
import { bootstrap } from '../../../lib/phases/k0s/bootstrap.ts'
import { k0sFindings } from '../../../lib/phases/k0s/findings.ts'
import { survey } from '../../../lib/phases/k0s/survey.ts'
import { type Lab, startLab, USER } from './fixture.ts'

/** One story: k0s as a VM's startup script installs it, kept as it is until it is taken over; its data stays all the while. */
const story = suite<{ lab: Lab; machine: MachineSpec; host: Host; folder: string }>('k0s that a script has installed')

const VERSION = 'v1.34.0+k0s.0'
const SCRIPT = 'k0s install controller --single\nk0s start\n'

story.before(async context => {
  context.lab = await startLab()
  context.machine = context.lab.machine('vm', '10.142.0.2')
  context.folder = await mkdtemp(join(tmpdir(), 'scripted-k0s-'))
  await writeFile(join(context.folder, 'k0s'), k0sBinary(VERSION))
})
story.after(async ({ lab, machine, host, folder }) => {
  await host?.close()
  if (!lab) return
  await lab.hypervisor.powerOff(machine.id)
  await removeNetworks(lab.lab)
  lab.close()
  await rm(folder, { recursive: true })
})

const quiet = { activity: () => ({ update() {}, done() {}, skipped() {}, failed() {}, cleared() {} }), debug() {} }

/** What the phases need of an environment whose VM this machine is. */
function contextOn({ host, folder, spec = {} }: { host: Host; folder: string; spec?: object }): Context {
  const sha256 = createHash('sha256').update(k0sBinary(VERSION)).digest('hex')
  const outputs: Record<string, string> = { vm_name: 'vm', vm_internal_ip: '10.142.0.2' }
  return {
    environment: { k0s: { version: VERSION, binary: { file: join(folder, 'k0s'), sha256 }, spec, deadline: 120_000 } },
    baseLayer: '00-vpc',
    output: async (_layer: string, name: string) => outputs[name],
    host: async () => host,
    signal: new AbortController().signal,
    progress: () => undefined,
    log: quiet,
  } as unknown as Context
}

/** As a verb runs phases, without a journal. @returns the ids of those that had something to do */
async function run(context: Context, options = {}): Promise<string[]> {
  const done: string[] = []
  for (const phase of bootstrap(options)) {
    const { state } = await phase.check(context)
    if (state === 'done') continue
    await phase.run(context)
    done.push(phase.id)
  }
  return done
}

const pid = async (context: Context) => (await survey(context, { fresh: true })).facts.k0s.process?.pid

story('its script runs as root, without a configuration file', async context => {
  const { lab, machine } = context
  await lab.hypervisor.createDisk(machine.disk, 'x86_64')
  await lab.hypervisor.powerOn(machine)
  await lab.ssh(machine, 'sudo install -m 755 /dev/stdin /usr/local/bin/k0s', k0sBinary(VERSION))
  await lab.ssh(machine, 'sudo sh -eu', SCRIPT)
  await lab.eventually(machine, 'get nodes', output => / Ready /.test(output), 60_000)
  await lab.kubectl(machine, 'create configmap kept --from-literal=a=b')
  const hostKey = await lab.ssh(machine, 'cat /etc/ssh/ssh_host_ed25519_key.pub')
  context.host = await openHost({
    name: 'vm',
    dial: async () => (await lab.hypervisor.dial(machine, 22)) as Duplex,
    user: USER,
    identityFile: join(lab.lab, 'key'),
    hostKeys: [hostKey.trim()],
    signal: new AbortController().signal,
    log: quiet,
  })
})

story('is read as it runs', async ({ host, folder }) => {
  const { facts } = await survey(contextOn({ host, folder }))
  const { storage, config, unit, status } = facts.k0s
  assert.equal([storage, config, status?.version], ['kine', undefined, VERSION])
  assert.equal(unit?.args, ['controller', '--single=true'])
})

story('is kept: each difference is told, nothing changes, and nothing restarts', async ({ host, folder }) => {
  const context = contextOn({ host, folder })
  const before = await pid(context)
  const { exitCode, text = '' } = await describePlan(bootstrap(), context)
  assert.is(exitCode, 0, text)
  assert.match(text, '≠ there is no configuration file')
  assert.match(text, '≠ the data is in SQLite')
  assert.match(text, '≠ the flag --config is not given')
  assert.equal(await run(context), [])
  assert.ok((await k0sFindings(context)).some(({ rule }) => rule === 'k0s/kept'))
  assert.is(await pid(context), before)
})

story('stopped, it is started as it is', async ({ lab, machine, host, folder }) => {
  await lab.ssh(machine, 'sudo k0s stop')
  const context = contextOn({ host, folder })
  await survey(context, { fresh: true })
  assert.equal(await run(context), ['k0s/running'])
  assert.is((await survey(context)).facts.k0s.storage, 'kine')
  assert.is(await lab.kubectl(machine, 'get configmap kept -o jsonpath={.data.a}'), 'b')
})

story('its storage is never another one: exit code 4', async ({ host, folder }) => {
  const context = contextOn({ host, folder, spec: { storage: { type: 'etcd' } } })
  for (const options of [{}, { takeOver: true }]) {
    const error = await survey(context, options).then(
      () => undefined,
      thrown => thrown,
    )
    assert.is(error?.code, 4)
    assert.match(error.message, 'stores its data in kine, but the configuration says etcd')
  }
})

story('taken over, it restarts once with what is configured, and its data is there', async ({ lab, machine, host, folder }) => {
  const context = contextOn({ host, folder })
  const before = await pid(context)
  const { text = '' } = await describePlan(bootstrap({ takeOver: true }), context)
  assert.match(text, 'restart k0s: its configuration and its service change')
  assert.equal(await run(context, { takeOver: true }), ['k0s/config', 'k0s/installed', 'k0s/running'])
  assert.is.not(await pid(context), before)
  assert.match(await lab.ssh(machine, 'sudo cat /etc/k0s/k0s.yaml'), /storage:\n +type: kine\n/)
  assert.is(await lab.kubectl(machine, 'get configmap kept -o jsonpath={.data.a}'), 'b')
  assert.is((await survey(context)).facts.k0s.storage, 'kine')
})

story('then it is our own, and nothing is left to do', async ({ host, folder }) => {
  const context = contextOn({ host, folder })
  const { exitCode, text = '' } = await describePlan(bootstrap(), context)
  assert.is(exitCode, 0, text)
  assert.not.match(text, '≠')
})
story.run()
