import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fillDisk, freeDisk } from '../../../lab/machine/faults.ts'
import { removeNetworks } from '../../../lab/machine/network.ts'
import type { PodStatus } from '../../../lab/machine/node-agent/kubernetes.ts'
import { run } from '../../../lab/machine/process.ts'
import type { MachineSpec } from '../../../lab/machine/types.ts'
import { programPath } from '../../../lab/tools/catalog.ts'
import { root } from '../../../lib/runtime/files.ts'
import { FLAGS, type Lab, startLab } from './fixture.ts'

/** One story, in order: the application on a machine, and what of it outlives its pods, its machine's power and its disk. */
const story = suite<{ lab: Lab; machine: MachineSpec }>('pods that matter')

const STORAGE_CLASS = `apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: local-path }
provisioner: rancher.io/local-path
volumeBindingMode: WaitForFirstConsumer
`
async function fails(what: () => Promise<unknown>, message: RegExp): Promise<void> {
  const thrown = await what().then(
    () => undefined,
    (error: Error) => error,
  )
  assert.ok(thrown, 'it did not fail')
  assert.match(thrown.message, message)
}

const POSTGRES = 'docker.io/library/postgres'

story.before(async context => {
  const lab = await startLab()
  const machine = lab.machine('vm', '10.142.0.2')
  Object.assign(context, { lab, machine })
  for (const name of ['nextjs', 'ml-service']) {
    await lab.push({
      repository: `web-service-design/threads/${name}`,
      tags: ['latest'],
      architecture: 'amd64',
      labels: { 'org.opencontainers.image.version': '0.1.0' },
    })
  }
  await lab.push({ repository: POSTGRES, tags: ['16.4-alpine'], architecture: 'amd64' })
  await lab.push({ repository: 'docker.io/rancher/local-path-provisioner', tags: ['v0.0.30'], architecture: 'amd64' })
  await lab.hypervisor.createDisk(machine.disk, 'x86_64')
  await lab.hypervisor.powerOn(machine)
  await lab.copyK0s(machine)
  await lab.ssh(machine, `sudo k0s install controller ${FLAGS} && sudo k0s start`)
  await lab.eventually(machine, 'get serviceaccount default -o name', output => output.includes('default'))
})
story.after(async ({ lab }) => {
  if (!lab) return
  for (const name of ['vm', 'copy']) await lab.hypervisor.powerOff(`project/zone/${name}`)
  await removeNetworks(lab.lab)
  lab.close()
})

const READY = '-n threads wait deployment --all --for=condition=Available --timeout=60s'
const psql = (statement: string) => `-n threads exec -i deploy/postgres -- psql -U threads -tAc "${statement}"`

interface FailedPod {
  status: PodStatus
}

interface Answer {
  service: string
  version: string
  image: string
  imageID: string
  pod: string
  database: string
  mlService: string
}
/** What the application answers at its node port, as anybody in the machine's network sees it. */
const front = async (lab: Lab, machine: MachineSpec, path = '/'): Promise<Answer> =>
  JSON.parse(await lab.ssh(machine, `curl -sS --max-time 10 http://${machine.address}:30000${path}`))

const RESTARTS = `-n threads get pods -o jsonpath='{range .items[*]}{.metadata.name}={.status.containerStatuses[0].restartCount}{" "}{end}'`
/** How often each pod's container was started anew, by pod; a slow machine's probes may have done so too. */
const countsIn = (output: string): Map<string, number> =>
  new Map(
    output
      .trim()
      .split(' ')
      .map(pair => pair.split('='))
      .map(([pod = '', count]) => [pod, Number(count)]),
  )
const restarts = async (lab: Lab, machine: MachineSpec) => countsIn(await lab.kubectl(machine, RESTARTS))
const allStartedAnew = (lab: Lab, machine: MachineSpec, before: Map<string, number>): Promise<string> =>
  lab.eventually(
    machine,
    RESTARTS,
    output => [...countsIn(output)].every(([pod, count]) => count > (before.get(pod) ?? Number.POSITIVE_INFINITY)),
    90_000,
  )

/** The database server's number on this host. */
async function pidOfServer(lab: Lab, machine: MachineSpec): Promise<number> {
  const inside = ['--ns', String(await lab.hypervisor.pid(machine.id)), '--nslist', 'net']
  return Number((await run('pgrep', [...inside, '--full', '^postgres -D'])).trim())
}

/** @returns what ends the watch and says whether the process was ever stopped */
function watchStops(pid: number): () => boolean {
  let stopped = false
  const timer = setInterval(() => {
    stopped ||= /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  }, 5)
  return () => {
    clearInterval(timer)
    return stopped
  }
}

story('the application starts, behind its probes', async ({ lab, machine }) => {
  const manifests = await run(programPath('kustomize'), ['build', join(root, 'k8s/overlays/lab')])
  await lab.kubectl(machine, 'create namespace threads')
  await lab.kubectl(machine, 'apply -f -', STORAGE_CLASS)
  await lab.eventually(machine, '-n threads get serviceaccount default -o name', output => output.includes('default'))
  await lab.kubectl(machine, 'run provisioner --image rancher/local-path-provisioner:v0.0.30')
  await lab.kubectl(machine, 'apply -f -', manifests)
  await lab.kubectl(machine, READY)
})

story('NodePort 30000 says which image and version answers, and that it reaches the others', async ({ lab, machine }) => {
  const answer = await front(lab, machine)
  assert.is(answer.service, 'nextjs')
  assert.is(answer.version, '0.1.0')
  assert.is(answer.image, 'us-east1-docker.pkg.dev/web-service-design/threads/nextjs:latest')
  assert.match(answer.imageID, /^us-east1-docker\.pkg\.dev\/web-service-design\/threads\/nextjs@sha256:[0-9a-f]{64}$/)
  assert.is(answer.database, 'ok')
  assert.is(answer.mlService, 'ok')
})

story('kubectl exec: output, exit code, input, and who one is', async ({ lab, machine }) => {
  assert.match(await lab.kubectl(machine, '-n threads exec deploy/nextjs -- id'), /^uid=1001\S* gid=1001\S* groups=1001\S*$/m)
  assert.is(await lab.kubectl(machine, '-n threads exec -i deploy/nextjs -- cat', 'hello'), 'hello')
  await fails(() => lab.kubectl(machine, "-n threads exec deploy/nextjs -- sh -c 'exit 7'"), /exit code 7: .*exit code 7/)
  await fails(() => lab.kubectl(machine, '-n threads exec deploy/nextjs -- touch /app/file'), /Read-only file system/)
  await fails(() => lab.kubectl(machine, 'exec provisioner -- true'), /runs no program in the lab/)
  const large = '-n threads exec deploy/nextjs -- head --bytes 5000000 /dev/zero'
  assert.is((await lab.ssh(machine, `sudo k0s kubectl ${large} | wc --bytes`)).trim(), '5000000')
})

story('a pod, be it root, has nothing of its machine', async ({ lab, machine }) => {
  const image = 'us-east1-docker.pkg.dev/web-service-design/threads/nextjs:latest'
  const pod = (name: string, path: string) => `apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  automountServiceAccountToken: false
  containers:
    - name: app
      image: ${image}
      command: [sleep, '600']
      env: [{ name: LD_PRELOAD, value: /host/none.so }]
      securityContext: { runAsUser: 0, privileged: true }
      volumeMounts: [{ name: host, mountPath: /host }]
  volumes: [{ name: host, hostPath: { path: ${path} } }]
`
  await lab.ssh(machine, 'sudo mkdir /srv/rooted')
  await lab.kubectl(machine, 'apply -f -', pod('rooted', '/srv/rooted'))
  await lab.kubectl(machine, 'apply -f -', pod('outside', '/etc'))
  await lab.kubectl(machine, 'wait pod/rooted --for=condition=Ready --timeout=30s')
  const inside = (command: string) => lab.kubectl(machine, `exec rooted -- sh -c '${command}'`)
  assert.match(await inside('grep Cap /proc/self/status'), /^(Cap\w+:\t0{16}\n){5}$/)
  assert.is((await inside('ls /usr/local/lab')).trim(), 'node')
  for (const command of [
    'mknod /host/device b 7 0',
    'v=$(cat /proc/sys/kernel/core_pattern) && echo "$v" >/proc/sys/kernel/core_pattern',
    'mount -t tmpfs tmpfs /host',
    'curl --silent --max-time 5 http://127.0.0.1:2379/health',
  ])
    await fails(() => inside(command), /exit code/)
  const reason = 'get pod outside -o jsonpath={.status.containerStatuses[0].state.waiting.message}'
  assert.match(await lab.eventually(machine, reason, output => output !== ''), 'host path "/etc" is the machine\'s own')
  await lab.kubectl(machine, 'delete pod rooted outside --grace-period=0')
})

story('the programs of some pods are enclosed as well', async ({ lab, machine }) => {
  await lab.push({ repository: 'docker.io/library/redis', tags: ['7'], architecture: 'amd64' })
  await lab.kubectl(machine, 'run redis --image redis:7 --env LD_PRELOAD=/none.so')
  await lab.kubectl(machine, 'wait pod/redis --for=condition=Ready --timeout=30s')
  assert.is((await lab.kubectl(machine, 'exec redis -- redis-cli ping')).trim(), 'PONG')
  assert.match(await lab.kubectl(machine, 'exec redis -- grep CapEff /proc/self/status'), /:\t0{15}2$/m)
  for (const path of ['/usr/local/bin/k0s', '/var/lib/k0s/pki/new', '/usr/local/lab/tools/new'])
    await fails(() => lab.kubectl(machine, `exec redis -- touch ${path}`), /Read-only file system|No such file/)
  await lab.kubectl(machine, 'delete pod redis --grace-period=0')
})

story('a secret is in the environment of its container and on no command line', async ({ lab, machine }) => {
  const commands = await lab.ssh(machine, "sudo sh -c 'cat /proc/[0-9]*/cmdline' | tr '\\0' ' '")
  assert.match(commands, 'postgres -D /var/lib/postgresql/data/pgdata')
  assert.not.match(commands, 'threads:lab@')
  assert.is(await lab.kubectl(machine, '-n threads exec deploy/nextjs -- printenv POSTGRES_PASSWORD'), 'lab')
})

story('kubectl logs: what a container says, now and before it was killed', async ({ lab, machine }) => {
  assert.match(await lab.kubectl(machine, '-n threads logs deploy/nextjs'), 'nextjs 0.1.0 listens on 10.244.0.')
  assert.match(await lab.kubectl(machine, '-n threads logs deploy/postgres --tail=1'), 'ready to accept connections')
  assert.match(await lab.kubectl(machine, 'logs provisioner'), 'the lab runs no program for this container')
  await fails(() => lab.kubectl(machine, '-n threads logs deploy/nextjs --previous'), /previous terminated container/)
  await lab.kubectl(machine, "-n threads exec deploy/nextjs -- sh -c 'kill -9 2'").catch(() => undefined)
  const count =
    '-n threads get pods -l app.kubernetes.io/name=nextjs -o jsonpath={.items[0].status.containerStatuses[0].restartCount}'
  await lab.eventually(machine, count, output => output === '1')
  await lab.kubectl(machine, READY)
  assert.match(await lab.kubectl(machine, '-n threads logs deploy/nextjs --previous'), 'nextjs 0.1.0 listens')
  const last =
    '-n threads get pods -l app.kubernetes.io/name=nextjs -o jsonpath={.items[0].status.containerStatuses[0].lastState}'
  assert.is(JSON.parse(await lab.kubectl(machine, last)).terminated.exitCode, 137)
  const followed = await lab.ssh(
    machine,
    'sudo timeout 2 k0s kubectl -n threads logs --follow --timestamps deploy/nextjs || true',
  )
  assert.match(followed, /^\d{4}-\d\d-\d\dT\S+Z nextjs 0\.1\.0 listens/m)
})

story('a row outlives the pods', async ({ lab, machine }) => {
  await lab.ssh(machine, `curl -sS --data "it's here" http://${machine.address}:30000/posts`)
  await lab.kubectl(machine, '-n threads delete pods --all')
  await lab.kubectl(machine, READY)
  assert.is(await lab.kubectl(machine, psql('SELECT body FROM posts')), "it's here")
})

story('without its database the application is not ready, and NodePort 30000 is refused', async ({ lab, machine }) => {
  await lab.kubectl(machine, '-n threads scale deployment postgres --replicas=0')
  const events = '-n threads get events --field-selector reason=Unhealthy -o jsonpath={.items[*].message}'
  await lab.kubectl(machine, '-n threads wait deployment nextjs --for=condition=Available=false --timeout=60s')
  assert.match(await lab.kubectl(machine, events), 'Readiness probe failed: HTTP probe failed with statuscode: 503')
  await fails(() => front(lab, machine), /Couldn't connect/)
  await lab.kubectl(machine, '-n threads scale deployment postgres --replicas=1')
  await lab.kubectl(machine, READY)
})

story('pods fail as their annotations ask, and look as a kubelet’s', async ({ lab, machine }) => {
  await lab.push({ repository: 'p/tests/app', tags: ['v1'], architecture: 'amd64' })
  await lab.kubectl(machine, 'apply -f -', await readFile(new URL('./failures.yaml', import.meta.url), 'utf8'))
  const pod = async (name: string, good: (pod: FailedPod) => boolean): Promise<FailedPod> =>
    JSON.parse(await lab.eventually(machine, `get pod ${name} -o json`, output => good(JSON.parse(output))))
  const container = ({ status }: FailedPod) => status.containerStatuses?.[0]
  const waiting = (reason: string) => (found: FailedPod) => container(found)?.state.waiting?.reason === reason
  const condition = ({ status }: FailedPod, type: string) => status.conditions?.find(found => found.type === type)

  const crashed = container(await pod('crash-loop', waiting('CrashLoopBackOff')))
  assert.match(crashed?.state.waiting?.message ?? '', /^back-off 10s restarting failed container=app pod=crash-loop_default\(/)
  assert.is(crashed?.lastState.terminated?.exitCode, 1)
  assert.is(crashed?.restartCount, 1)

  const killed = container(await pod('oom', waiting('CrashLoopBackOff')))
  assert.is(killed?.lastState.terminated?.reason, 'OOMKilled')
  assert.is(killed?.lastState.terminated?.exitCode, 137)

  const missing = container(await pod('image-pull', waiting('ImagePullBackOff')))
  assert.match(missing?.state.waiting?.message ?? '', /^Back-off pulling image ".*app:v1": ErrImagePull: .* not found$/)

  const evicted = await pod('evicted', ({ status }) => status.phase === 'Failed')
  assert.is(evicted.status.reason, 'Evicted')
  assert.match(evicted.status.message ?? '', /^The node was low on resource: memory.*Container app .* request is 64Mi,/)
  assert.is(condition(evicted, 'DisruptionTarget')?.reason, 'TerminationByKubelet')

  const pending = await pod('unschedulable', found => condition(found, 'PodScheduled')?.status === 'False')
  assert.is(condition(pending, 'PodScheduled')?.reason, 'Unschedulable')
  assert.match(condition(pending, 'PodScheduled')?.message ?? '', '0/1 nodes are available: 1 Insufficient memory.')

  await pod('liveness', found => (container(found)?.restartCount ?? 0) > 0)
  const unready = await pod('probe', found => condition(found, 'Ready')?.status === 'False' && !container(found)?.ready)
  assert.is(condition(unready, 'Ready')?.message, 'containers with unready status: [app]')
  assert.is(unready.status.phase, 'Running')

  const told = (name: string, reason: string) =>
    lab.kubectl(
      machine,
      `get events --field-selector involvedObject.name=${name},reason=${reason} -o jsonpath={.items[0].message}`,
    )
  assert.is(await told('probe', 'Unhealthy'), 'Readiness probe failed: HTTP probe failed with statuscode: 503')
  assert.is(await told('liveness', 'Killing'), 'Container app failed liveness probe, will be restarted')
  assert.match(await told('crash-loop', 'BackOff'), /^Back-off restarting failed container app in pod crash-loop_default\(/)
  assert.match(await told('evicted', 'Evicted'), 'The node was low on resource: memory.')
  assert.match(await told('unschedulable', 'FailedScheduling'), '1 Insufficient memory')

  // What runs can be made to fail, and be well again.
  await lab.kubectl(machine, 'annotate pod probe lab.threads-ops/fail-')
  await lab.kubectl(machine, 'wait pod/probe --for=condition=Ready --timeout=10s')
  await lab.kubectl(machine, 'annotate pod probe lab.threads-ops/fail=oom')
  await pod('probe', found => container(found)?.lastState.terminated?.reason === 'OOMKilled')
  await lab.kubectl(machine, 'delete pods crash-loop oom probe liveness image-pull evicted unschedulable')
})

story(
  'the node agent killed, every container is started anew and nothing of the earlier ones stays',
  async ({ lab, machine }) => {
    const before = await restarts(lab, machine)
    await lab.ssh(machine, 'sudo pkill --signal KILL --full [n]ode-agent/main.ts')
    assert.is(await lab.ssh(machine, 'pgrep --exact bwrap || true'), '')
    await allStartedAnew(lab, machine, before)
    await lab.kubectl(machine, READY)
  },
)

story('a row outlives the plug being pulled', async ({ lab, machine }) => {
  const before = await restarts(lab, machine)
  await lab.hypervisor.powerOff(machine.id)
  await lab.hypervisor.powerOn(machine)
  await allStartedAnew(lab, machine, before)
  await lab.kubectl(machine, READY)
  assert.is(await lab.kubectl(machine, psql('SELECT body FROM posts')), "it's here")
})

story('a disk that is nearly full: the node is under pressure, and pods are evicted', async ({ lab, machine }) => {
  await fillDisk(lab.hypervisor, machine, 400 * 2 ** 20)
  assert.match(await lab.ssh(machine, 'df --output=pcent /'), /9[5-9]%/)
  const node = 'get node node -o \'jsonpath={.status.conditions[?(@.type=="DiskPressure")].status}{.spec.taints[*].key}\''
  await lab.eventually(machine, node, output => output === 'Truenode.kubernetes.io/disk-pressure')
  const evicted = 'get pods -A --field-selector status.phase=Failed -o jsonpath={.items[*].status.message}'
  const message = await lab.eventually(machine, evicted, output => output !== '')
  assert.match(
    message,
    /The node was low on resource: ephemeral-storage\. Threshold quantity: \d+, available: \d+Ki\. Container \S+ was using/,
  )
})

story('a disk that is full: writes fail; with room again everything goes on where it was', async ({ lab, machine }) => {
  await fillDisk(lab.hypervisor, machine)
  await fails(() => lab.ssh(machine, 'cp /usr/bin/git ~'), /No space left on device/)
  await freeDisk(lab.hypervisor, machine)
  const pressed = 'get node node -o \'jsonpath={.status.conditions[?(@.type=="DiskPressure")].status}\''
  await lab.eventually(machine, pressed, output => output === 'False', 90_000)
  await lab.kubectl(machine, READY)
  assert.is(await lab.kubectl(machine, psql('SELECT body FROM posts')), "it's here")
})

story('a snapshot holds the rows of its instant, and none that came later', async ({ lab, machine }) => {
  const stopped = watchStops(await pidOfServer(lab, machine))
  await lab.hypervisor.snapshotDisk(machine.disk, join(lab.lab, 'snapshots/one'), machine.id)
  assert.ok(stopped(), 'the server stands still while its disk is copied')
  await lab.kubectl(machine, psql("INSERT INTO posts (body) VALUES ('later')"))
  await lab.hypervisor.powerOff(machine.id, { graceMs: 30_000 })
  const copy = lab.machine('copy', '10.142.0.2')
  await lab.hypervisor.createDiskFromSnapshot(copy.disk, join(lab.lab, 'snapshots/one'))
  await lab.hypervisor.powerOn(copy)
  await lab.eventually(copy, 'get --raw=/readyz', output => output === 'ok')
  await lab.eventually(copy, psql('SELECT body FROM posts'), output => output === "it's here", 60_000)
})

story.run()
