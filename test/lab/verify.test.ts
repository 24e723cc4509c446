import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { $ } from 'zx/core'
import { push } from '../../lab/delivery/images.ts'
import type { Finding } from '../../lib/model/health/finding.ts'
import type { KubernetesObject } from '../../lib/model/health/objects.ts'
import { waitFor } from '../../lib/runtime/wait.ts'
import { type Checkout, makeCheckout, onMachine, type Ran } from './support/checkout.ts'
import { bringUp } from './support/kept-lab.ts'

/**
 * What went wrong in the original system, made on purpose: verify names it, and the remedy that it names cures it. The tests are one
 * story, in order: each leaves the system healthy for the next.
 */
const story = suite<{ checkout: Checkout }>('verify')

story.before(async context => {
  context.checkout = await makeCheckout()
  ended(await bringUp(context.checkout), 0)
})
story.after(async ({ checkout }) => checkout.remove())

function ended(ran: Ran, code: number): Ran {
  assert.is(ran.code, code, `exit code ${ran.code}\n${ran.stderr}\n${ran.stdout.slice(-3000)}`)
  return ran
}
const findingsOf = ({ document }: Ran): Finding[] => (document.findings ?? []) as Finding[]
const errorsOf = (ran: Ran) => findingsOf(ran).filter(({ severity }) => severity === 'error')
const namesOf = (findings: readonly Finding[]) => findings.map(({ rule, object }) => `${rule} ${object}`).sort()

const kubectl = (checkout: Checkout, command: string) => onMachine(checkout, `k0s kubectl --namespace threads ${command}`)
const apply = (checkout: Checkout, ...items: object[]) =>
  onMachine(
    checkout,
    `k0s kubectl apply --filename - <<'END'\n${JSON.stringify({ apiVersion: 'v1', kind: 'List', items })}\nEND`,
  )
const listed = async (checkout: Checkout, kind: string, labels: string): Promise<KubernetesObject[]> =>
  (JSON.parse(await kubectl(checkout, `get ${kind} --selector '${labels}' --output json`)) as { items: KubernetesObject[] })
    .items

/** Runs verify until it finds the rule. */
const untilFound = (checkout: Checkout, rule: string): Promise<Ran> =>
  waitFor({
    what: `verify to find ${rule}`,
    within: 90_000,
    probe: async () => {
      const ran = await checkout.json('verify')
      return findingsOf(ran).some(finding => finding.rule === rule) ? ran : undefined
    },
  })
const isHealthy = async (checkout: Checkout) =>
  assert.is(ended(await checkout.json('verify', '--wait', '2m'), 0).document.verdict, 'healthy')

story('an image for arm64 on an amd64 node', async ({ checkout }) => {
  const endpoints = JSON.parse(await readFile(join(checkout.directory, '.lab/endpoints.json'), 'utf8')) as { registry: string }
  const token = (await readFile(join(checkout.directory, '.lab/token'), 'utf8')).trim()
  const path = 'web-service-design/threads/nextjs'
  await push(endpoints.registry, { repository: path, tags: ['from-a-laptop'], architecture: 'arm64' }, token)
  const image = `us-east1-docker.pkg.dev/${path}:from-a-laptop`
  await kubectl(checkout, `create deployment laptop --image ${image}`)
  const ran = ended(await untilFound(checkout, 'pod/architecture'), 6)
  const found = findingsOf(ran).find(({ rule }) => rule === 'pod/architecture')
  assert.match(found?.object ?? '', /^threads\/Pod\/laptop-/)
  assert.is(found?.message, `image ${image} has {linux/arm64}, the node is linux/amd64`)
  assert.match(found?.remedy ?? '', '--platform linux/amd64')
  await kubectl(checkout, 'delete deployment laptop --wait')
  await isHealthy(checkout)
})

story('the StorageClass is gone: a new claim stays pending, and layer:apply brings it back', async ({ checkout }) => {
  await kubectl(checkout, 'delete storageclass local-path')
  await apply(
    checkout,
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'more', namespace: 'threads' },
      spec: { storageClassName: 'local-path', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'more', namespace: 'threads' },
      spec: {
        containers: [{ name: 'more', image: 'docker.io/library/busybox:1.37.0', command: ['sleep', '3600'] }],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'more' } }],
      },
    },
  )
  const ran = ended(await untilFound(checkout, 'volume/class-missing'), 6)
  assert.equal(namesOf(errorsOf(ran)), [
    'storage-class/no-default StorageClass',
    'volume/class-missing threads/PersistentVolumeClaim/more',
  ])
  const missing = errorsOf(ran).find(({ rule }) => rule === 'volume/class-missing')
  assert.is(missing?.message, 'storageclass.storage.k8s.io "local-path" not found')
  assert.is(missing?.remedy, './taskw layer:apply -- 01-k8s')
  ended(await checkout.json('layer:apply', '01-k8s'), 0)
  await isHealthy(checkout)
  await kubectl(checkout, 'delete pod/more pvc/more --wait')
  await isHealthy(checkout)
})

const BOTH = 'app.kubernetes.io/name in (nextjs,ml-service)'
const podsOf = async (checkout: Checkout) => (await listed(checkout, 'pods', BOTH)).map(({ metadata }) => metadata.name).sort()

story('owners re-created over the pods of earlier ones: four pods instead of two', async ({ checkout }) => {
  const stale = await podsOf(checkout)
  const sets = (await listed(checkout, 'replicasets', BOTH)).map(({ metadata }) => metadata.name)
  assert.is(stale.length, 2)
  // Argo CD makes the Deployments again. By their former labels they would take up what is left: the original's were others.
  // In one go: between the two it would be quick enough on a busy machine to take them up all the same.
  const label = `k0s kubectl --namespace threads label replicaset ${sets.join(' ')} app.kubernetes.io/name-`
  await kubectl(checkout, `delete deployment nextjs ml-service --cascade=orphan && ${label}`)
  await waitFor({
    what: 'Argo CD to make the Deployments again',
    within: 180_000,
    probe: async () => {
      const pods = await podsOf(checkout)
      if (pods.length !== 4) throw new Error(`there are ${pods.join(', ')}`)
      return true
    },
  })
  // Until the new ones are ready they are of no use, and the old ones are.
  const settled = await waitFor({
    what: 'nothing but the duplicates to be wrong',
    within: 90_000,
    probe: async () => {
      const ran = await checkout.json('verify')
      return findingsOf(ran).every(({ rule }) => rule.startsWith('ownership/')) ? ran : undefined
    },
  })
  ended(settled, 6)
  const pods = errorsOf(settled).filter(({ object }) => object.includes('/Pod/'))
  assert.equal(namesOf(pods), stale.map(name => `ownership/orphan threads/Pod/${name}`).sort())
  for (const { message } of pods) assert.match(message, /^orphan of a re-created Deployment (nextjs|ml-service)$/)
  const live = (await podsOf(checkout)).filter(name => !stale.includes(name))

  const planned = ended(await checkout.json('verify', '--fix', '--dry-run'), 8)
  assert.is(planned.document.phases?.at(-1)?.state, 'todo')
  const unconfirmed = ended(await checkout.json('verify', '--fix'), 4)
  assert.match(unconfirmed.stderr, 'add --yes')
  assert.equal(await podsOf(checkout), [...stale, ...live].sort())

  const fixed = ended(await checkout.json('verify', '--fix', '--yes'), 0)
  assert.is(fixed.document.verdict, 'healthy')
  assert.is(fixed.document.phases?.at(-1)?.status, 'done')
  assert.equal(await podsOf(checkout), live)
  const left = (await listed(checkout, 'replicasets', 'pod-template-hash')).map(({ metadata }) => metadata.name)
  assert.equal(
    left.filter(name => sets.includes(name)),
    [],
  )

  const again = ended(await checkout.json('verify', '--fix', '--yes'), 0)
  assert.is(again.document.phases?.at(-1)?.status, 'skipped')
  assert.equal(await podsOf(checkout), live)
})

story('a stale pod that alone serves stays', async ({ checkout }) => {
  // Nobody may make another one, so that the one that is let go is all there is.
  const [serving = ''] = (await podsOf(checkout)).filter(name => name.startsWith('nextjs'))
  await kubectl(checkout, 'create quota none --hard=pods=0')
  await kubectl(checkout, `label pod ${serving} pod-template-hash=earlier --overwrite`)
  const found = await untilFound(checkout, 'ownership/unowned')
  assert.match(namesOf(errorsOf(found)).join('\n'), `ownership/unowned threads/Pod/${serving}`)
  const fix = ended(await checkout.json('verify', '--fix', '--yes'), 6)
  assert.match(fix.stderr, `threads/Pod/${serving} stays: threads/Deployment/nextjs is still replacing it`)
  assert.ok((await podsOf(checkout)).includes(serving))
  await kubectl(checkout, 'delete quota none')
  const cured = await waitFor({
    what: 'the successor to be made, and the stale pod to be removed',
    within: 180_000,
    every: 5000,
    probe: async () => {
      const ran = await checkout.json('verify', '--fix', '--yes')
      return ran.document.verdict === 'healthy' ? ran : undefined
    },
  })
  ended(cured, 0)
  assert.not.ok((await podsOf(checkout)).includes(serving))
})

story('an Application that was there before Terraform is not taken over unasked', async ({ checkout }) => {
  const uids = async () => {
    const application = await onMachine(
      checkout,
      'k0s kubectl --namespace argocd get application threads --output jsonpath={.metadata.uid}',
    )
    return [application, ...(await podsOf(checkout))]
  }
  const before = await uids()
  const exports = (await checkout.task('env')).stdout
  const resources = ['application', 'image_updater'].map(name => `module.argocd_app.kubectl_manifest.${name}`)
  // As if it had been applied by hand: the cluster has it, the state does not.
  const terraform = $({ quiet: true, cwd: checkout.directory })
  const { stdout: state } =
    await terraform`eval ${exports}; .lab/bin/terraform -chdir=.lab/terraform/02-argocd-app/envs/lab state pull`
  await terraform`eval ${exports}; .lab/bin/terraform -chdir=.lab/terraform/02-argocd-app/envs/lab state rm ${resources}`
  ended(await checkout.json('layer:plan', '02-argocd-app'), 8)
  const refused = ended(await checkout.json('layer:apply', '02-argocd-app'), 4)
  assert.match((refused.document.error as { hint: string }).hint, 'id = "argoproj.io/v1alpha1//Application//threads//argocd"')
  assert.equal(await uids(), before)
  const restoring = $({ quiet: true, cwd: checkout.directory, input: state })
  await restoring`eval ${exports}; .lab/bin/terraform -chdir=.lab/terraform/02-argocd-app/envs/lab state push -force -`
  ended(await checkout.json('layer:plan', '02-argocd-app'), 0)
  await isHealthy(checkout)
})

story('a dead tunnel holds the port', async ({ checkout }) => {
  const config = await readFile(join(checkout.directory, '.lab/kube/threads-lab.yaml'), 'utf8')
  const port = Number(/server: https:\/\/127\.0\.0\.1:(\d+)/.exec(config)?.[1])
  const server = createServer(socket => socket.destroy())
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  try {
    const ran = ended(await checkout.json('verify'), 6)
    assert.equal(namesOf(errorsOf(ran)), [`tunnel/dead Tunnel/127.0.0.1:${port}`])
  } finally {
    await new Promise(resolve => server.close(resolve))
  }
  await isHealthy(checkout)
})

story('the VM’s disk is full, and etcd with it', async ({ checkout }) => {
  ended(await checkout.task('lab:fault', '--', 'disk-full'), 0)
  const found = await waitFor({
    what: 'verify to find it',
    within: 180_000,
    probe: async () => {
      const ran = await checkout.json('verify')
      return ran.code === 6 ? ran : undefined
    },
  })
  assert.equal(namesOf(errorsOf(found)), ['vm/disk-full VM/threads-lab-vm'])
  ended(await checkout.task('lab:fault', '--', '--clear'), 0)
})

story('k0s is down', async ({ checkout }) => {
  await onMachine(checkout, 'systemctl stop k0scontroller')
  const ran = ended(await checkout.json('verify'), 6)
  assert.equal(namesOf(errorsOf(ran)), ['api/down VM/threads-lab-vm'])
})

story('the VM is preempted, too; up brings both back', async ({ checkout }) => {
  ended(await checkout.task('lab:preempt'), 0)
  const ran = ended(await checkout.json('verify'), 6)
  assert.equal(namesOf(errorsOf(ran)), ['vm/stopped VM/threads-lab-vm'])
  assert.is(errorsOf(ran)[0]?.remedy, './taskw up')
  ended(await checkout.json('up'), 0)
  await isHealthy(checkout)
})

story.run()
