import { readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { skewClock } from '../../../lab/machine/faults.ts'
import { namespacePrefix, removeNetworks } from '../../../lab/machine/network.ts'
import { run } from '../../../lab/machine/process.ts'
import type { MachineSpec } from '../../../lab/machine/types.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'
import { FLAGS, type Lab, mountsOf, NETWORK, processesIn, startLab } from './fixture.ts'

/** One story, in order: a machine from its power switch to a cluster, its disk's copy, and nothing left of either. */
const story = suite<{ lab: Lab; machine: MachineSpec }>('a machine')

story.before(async context => {
  context.lab = await startLab()
  context.machine = context.lab.machine('vm', '10.142.0.2')
})
story.after(async ({ lab }) => {
  if (!lab) return
  for (const name of ['vm', 'copy', 'other', 'neighbour']) await lab.hypervisor.powerOff(`project/zone/${name}`)
  await removeNetworks(lab.lab)
  lab.close()
})

async function fails(what: () => Promise<unknown>, message: RegExp): Promise<void> {
  const thrown = await what().then(
    () => undefined,
    (error: Error) => error,
  )
  assert.ok(thrown, 'it did not fail')
  assert.match(thrown.message, message)
}

story('a disk of another architecture does not boot', async ({ lab, machine }) => {
  await lab.hypervisor.createDisk(machine.disk, 'arm64')
  await fails(() => lab.hypervisor.powerOn(machine), /no bootable device/)
  await lab.hypervisor.deleteDisk(machine.disk)
})

story('boots, with accounts and host keys from its metadata', async ({ lab, machine }) => {
  await lab.hypervisor.createDisk(machine.disk, 'x86_64')
  await lab.hypervisor.powerOn(machine)
  assert.is(await lab.hypervisor.isRunning(machine.id), true)
  assert.is((await lab.ssh(machine, 'hostname && sudo id -u')).trim(), 'vm\n0')
  const keys = await lab.ssh(machine, 'cat /etc/ssh/ssh_host_ed25519_key.pub')
  assert.is(lab.metadata.guestAttributes.get('hostkeys/ssh-ed25519'), keys.split(' ')[1])
  assert.equal([...lab.metadata.sources], [`${lab.hypervisor.namespaceOf(NETWORK)} ${machine.address}`])
})

story('a machine of another network has the same address, and neither sees the other', async ({ lab, machine }) => {
  const network = 'projects/another/global/networks/network'
  const other = lab.machine('other', machine.address, { network })
  const neighbour = lab.machine('neighbour', '10.142.0.3', { network })
  for (const one of [other, neighbour]) {
    await lab.hypervisor.createDisk(one.disk, 'x86_64')
    await lab.hypervisor.powerOn(one)
  }
  const reach = `ssh-keyscan -T 2 -t ed25519 ${neighbour.address} 2>/dev/null || true`
  assert.is((await lab.ssh(other, 'hostname')).trim(), 'other')
  assert.is((await lab.ssh(machine, 'hostname')).trim(), 'vm')
  // One that has only just booted refuses for a moment.
  assert.is((await lab.ssh(neighbour, 'hostname')).trim(), 'neighbour')
  assert.match(await lab.ssh(other, reach), 'ssh-ed25519')
  assert.is(await lab.ssh(machine, reach), '')
  assert.ok(lab.metadata.sources.has(`${lab.hypervisor.namespaceOf(network)} ${machine.address}`))
  for (const { id } of [other, neighbour]) await lab.hypervisor.powerOff(id)
  await lab.hypervisor.removeNetwork(network)
  assert.is((await lab.ssh(machine, 'hostname')).trim(), 'vm')
})

story('its clock can be wrong', async ({ lab, machine }) => {
  const ahead = async () => Math.round((Number(await lab.ssh(machine, 'date +%s%3N')) - Date.now()) / 60_000)
  await skewClock(lab.hypervisor, machine, 3600)
  assert.is(await ahead(), 60)
  assert.match(await lab.ssh(machine, 'sudo date --date=@0 --utc'), '1970')
  await skewClock(lab.hypervisor, machine, 0)
  assert.is(await ahead(), 0)
})

story('sees nothing of the host user, and not the network either', async ({ lab, machine }) => {
  const seen = await lab.ssh(machine, 'sudo find /root /home /opt /srv /mnt -mindepth 1 -maxdepth 1')
  assert.is(seen.trim(), '/home/ops')
  await fails(() => lab.ssh(machine, 'ls /usr/local/lab/checkout/.lab/*'), /No such file|Permission denied/)
  assert.is((await run('ip', ['-json', 'link', 'show', 'type', 'bridge'])).trim(), '[]')
})

story('its root makes no device, has no use of one, and sets no clock', async ({ lab, machine }) => {
  await fails(() => lab.ssh(machine, 'sudo mknod /root/device b 7 0'), /Operation not permitted/)
  await fails(() => lab.ssh(machine, 'sudo date --set=@$(date +%s)'), /Operation not permitted/)
  assert.match(await lab.ssh(machine, 'awk \'$2 == "/" { print $4 }\' /proc/mounts'), /\bnodev\b/)
})

story('a key lets in until it expires, and no longer', async ({ lab, machine }) => {
  // Behind a comment it would be no expiry.
  const key = lab.authorizedKey.split(':')[1]?.split(' ').slice(0, 2).join(' ')
  const expireOn = new Date(Date.now() + 20_000).toISOString().replace(/\.\d+Z$/, '+0000')
  const expires = `brief:${key} google-ssh {"userName":"brief","expireOn":"${expireOn}"}`
  const keys = async () => (await lab.ssh(machine, 'sudo cat /home/brief/.ssh/authorized_keys || echo none')).trim()
  lab.metadata.update({ attributes: { 'ssh-keys': `${lab.authorizedKey}\n${expires}` } })
  await waitFor({ what: 'the key', within: 15_000, every: 300, probe: async () => (await keys()) !== 'none' || undefined })
  // Google's agent looks once a minute, too.
  await waitFor({ what: 'its end', within: 100_000, every: 1000, probe: async () => (await keys()) === 'none' || undefined })
})

story('k0s is installed and started as on any machine', async ({ lab, machine }) => {
  await lab.copyK0s(machine)
  await fails(() => lab.ssh(machine, `k0s install controller ${FLAGS}`), /must be run as root/)
  await lab.ssh(machine, `sudo k0s install controller ${FLAGS}`)
  await fails(() => lab.ssh(machine, `sudo k0s install controller ${FLAGS}`), /Init already exists/)
  await fails(() => lab.ssh(machine, 'sudo k0s status'), /can't get "status" via/)
  await lab.ssh(machine, 'sudo k0s start')
  assert.is(await lab.eventually(machine, 'get --raw=/readyz', output => output === 'ok'), 'ok')
  const status = JSON.parse(await lab.ssh(machine, 'sudo k0s status -o json'))
  assert.is(status.SingleNode, true)
  assert.ok(status.Args.includes('--kubelet-extra-args=--hostname-override=node'))
  const ready = 'wait node/node --for=condition=Ready --timeout=30s'
  await lab.eventually(machine, 'get nodes -o name', output => output.includes('node/node'))
  await lab.kubectl(machine, ready)
})

story('pods pull from the registry, for this platform', async ({ lab, machine }) => {
  await lab.push({ repository: 'p/tests/app', tags: ['v1'], architecture: 'amd64' })
  await lab.push({ repository: 'p/tests/app', tags: ['arm'], architecture: 'arm64' })
  // The controller manager makes it a moment after the API server is ready, and pods want it.
  await lab.eventually(machine, 'get serviceaccount default -o name', output => output.includes('default'))
  for (const tag of ['v1', 'arm', 'none']) {
    await lab.kubectl(machine, `run ${tag} --image us-east1-docker.pkg.dev/p/tests/app:${tag}`)
  }
  await lab.kubectl(machine, 'wait pod/v1 --for=condition=Ready --timeout=20s')
  const waiting = '-o jsonpath="{.status.containerStatuses[0].state.waiting}"'
  const arm = await lab.eventually(machine, `get pod arm ${waiting}`, output => output.includes('ImagePullBackOff'))
  assert.match(arm, 'no match for platform in manifest')
  const none = await lab.eventually(machine, `get pod none ${waiting}`, output => output.includes('ImagePullBackOff'))
  assert.match(none, 'app:none: not found')
  await lab.kubectl(machine, 'delete pod arm none --timeout=20s')
})

story('a claim is bound once the provisioner is there', async ({ lab, machine }) => {
  await lab.push({ repository: 'docker.io/rancher/local-path-provisioner', tags: ['v0.0.30'], architecture: 'amd64' })
  await lab.kubectl(machine, 'apply -f -', await readFile(new URL('./claim.yaml', import.meta.url), 'utf8'))
  await lab.eventually(machine, 'get pod consumer -o jsonpath={.spec.nodeName}{.status.phase}', output => output === 'Pending')
  await lab.kubectl(machine, 'run provisioner --image rancher/local-path-provisioner:v0.0.30')
  await lab.kubectl(machine, 'wait pod/consumer --for=condition=Ready --timeout=30s')
  assert.match(await lab.ssh(machine, 'ls /opt/local-path-provisioner'), /^pvc-[-0-9a-f]+_default_data$/m)
})

story('a snapshot is of one instant, and takes a running machine along', async ({ lab, machine }) => {
  await lab.kubectl(machine, 'create configmap before')
  const bytes = await lab.hypervisor.snapshotDisk(machine.disk, join(lab.lab, 'snapshots/one'), machine.id)
  assert.ok(bytes > 1_000_000, `${bytes} bytes`)
  await lab.kubectl(machine, 'create configmap after')
})

story('switched off and on again, k0s and its pods are back', async ({ lab, machine }) => {
  await lab.hypervisor.powerOff(machine.id, { graceMs: 30_000 })
  assert.is(await lab.hypervisor.isRunning(machine.id), false)
  assert.match(await lab.hypervisor.consoleOutput(machine.id), 'powering off: the power button was pressed')
  await lab.hypervisor.powerOn({ ...machine, diskBytes: 12 * 2 ** 30 })
  assert.is((await lab.ssh(machine, 'df --output=size --block-size=1G / | tail -n 1')).trim(), '12')
  await lab.eventually(machine, 'get pod v1 -o jsonpath={.status.containerStatuses[0].restartCount}', output => output === '1')
  await lab.kubectl(machine, 'wait pod/v1 --for=condition=Ready --timeout=20s')
})

story('another machine boots from the copy: the same cluster as it was then', async ({ lab, machine }) => {
  const uid = await lab.kubectl(machine, 'get namespace kube-system -o jsonpath={.metadata.uid}')
  await lab.hypervisor.powerOff(machine.id)
  const copy = lab.machine('copy', '10.142.0.2')
  await lab.hypervisor.createDiskFromSnapshot(copy.disk, join(lab.lab, 'snapshots/one'))
  await lab.hypervisor.powerOn(copy)
  const names = await lab.eventually(copy, 'get configmap -o name', output => output.includes('before'))
  assert.not.match(names, 'after')
  assert.is(await lab.kubectl(copy, 'get namespace kube-system -o jsonpath={.metadata.uid}'), uid)
})

story('killed from outside, nothing of it is left', async ({ lab }) => {
  const id = 'project/zone/copy'
  const pid = await lab.hypervisor.pid(id)
  assert.ok(pid)
  const namespace = readlinkSync(`/proc/${pid}/ns/pid`)
  assert.ok(processesIn(namespace).length > 5)
  const record = JSON.parse(await readFile(await recordOf(lab), 'utf8')) as { supervisor: { pid: number } }
  process.kill(record.supervisor.pid, 'SIGKILL')
  await waitFor({
    what: 'the end of the processes',
    within: 5000,
    every: 50,
    probe: async () => (processesIn(namespace).length === 0 ? true : undefined),
  })
  assert.equal(mountsOf(lab.lab), [])
  assert.is(await lab.hypervisor.isRunning(id), false)
  await lab.hypervisor.powerOff(id)
})

story('follows its metadata: another account, then a preemption', async ({ lab }) => {
  const copy = lab.machine('copy', '10.142.0.2')
  await lab.hypervisor.powerOn(copy)
  await lab.ssh(copy, 'true')
  lab.metadata.update({ attributes: { 'ssh-keys': `${lab.authorizedKey}\nanother:${lab.authorizedKey.split(':')[1]}` } })
  await waitFor({
    what: 'the account',
    within: 5000,
    every: 100,
    probe: async () => (await lab.ssh(copy, 'id -nG another')).includes('google-sudoers') || undefined,
  })
  lab.metadata.update({ preempted: 'TRUE' })
  await waitFor({
    what: 'the machine to power itself off',
    within: 10_000,
    every: 100,
    probe: async () => ((await lab.hypervisor.isRunning(copy.id)) ? undefined : true),
  })
})

story('without its network nothing of the lab is left', async ({ lab }) => {
  await removeNetworks(lab.lab)
  await removeNetworks(lab.lab)
  assert.not.match(await run('ip', ['netns', 'list']), namespacePrefix(lab.lab))
})

async function recordOf({ lab }: Lab): Promise<string> {
  const [file = ''] = (await run('find', [join(lab, 'run/machines'), '-name', '*.json'])).trim().split('\n')
  return file
}

story.run()
