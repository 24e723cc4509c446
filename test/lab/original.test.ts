import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from '../../lib/runtime/wait.ts'
import { type Checkout, makeCheckout, type Ran } from './support/checkout.ts'
import { type Cloud, cloudOf } from './support/cloud.ts'
import { makeOriginal, type Original, PLACE, VM } from './support/original.ts'

/**
 * A system of the original's shape, made by its own Terraform tree with plain Terraform and k0s by a startup script, and the toolkit on it, as
 * it is. One story, in order.
 */
const story = suite<{ checkout: Checkout; original: Original; cloud: Cloud }>('the original system')

/** The name that its owner gives it; this repository's own file of that name is moved away first, as `init` says. */
const ENV = ['--env', 'prod']
const INSTANCE = `zones/${PLACE.zone}/instances/${VM}`
const REGISTRY = 'us-east1-docker.pkg.dev/web-service-design/threads'

interface Metadata {
  fingerprint: string
  items: { key: string; value: string }[]
}
const metadataOf = async (cloud: Cloud) => ((await cloud.find(INSTANCE)) as unknown as { metadata: Metadata }).metadata
const keysOf = async (cloud: Cloud) => (await metadataOf(cloud)).items.find(({ key }) => key === 'ssh-keys')?.value

/** As `gcloud compute ssh` writes it there, or as a plain apply, which knows of no keys, takes it out. */
async function setKeys(cloud: Cloud, keys?: string): Promise<void> {
  const { fingerprint, items } = await metadataOf(cloud)
  const others = items.filter(({ key }) => key !== 'ssh-keys')
  await cloud.post(`${INSTANCE}/setMetadata`, {
    fingerprint,
    items: [...others, ...(keys === undefined ? [] : [{ key: 'ssh-keys', value: keys }])],
  })
  await waitFor({
    what: 'the metadata',
    within: 20_000,
    every: 200,
    probe: async () => (await metadataOf(cloud)).fingerprint !== fingerprint || undefined,
  })
}

function ended(ran: Ran, code = 0): Ran {
  assert.is(ran.code, code, `exit code ${ran.code}\n${ran.stderr}\n${ran.stdout.slice(-3000)}`)
  return ran
}

type Object = { kind: string; metadata: { uid: string; name: string; generation?: number } }

/** The tree, the states and all else of the project, and what runs: each object by its identity and what is wanted of it. */
async function footprint({ original, cloud }: { original: Original; cloud: Cloud }) {
  const kinds = 'namespaces,deployments,statefulsets,pods,persistentvolumeclaims,services,secrets,applications'
  const { items } = JSON.parse(await original.kubectl('get', kinds, '--all-namespaces', '-o', 'json')) as { items: Object[] }
  return {
    tree: await original.changes(),
    google: await cloud.footprint(),
    cluster: items
      .filter(({ kind }) => kind !== 'Application')
      .map(({ kind, metadata: { uid, name, generation } }) => `${kind} ${name} ${uid} ${generation}`)
      .sort(),
  }
}

story.before(async context => {
  context.checkout = await makeCheckout()
  ended(await context.checkout.task('lab:up'))
  context.original = await makeOriginal(context.checkout).catch(error => {
    // uvu says nothing of what fails before the first test.
    process.stderr.write(`making the original failed: ${error}\n`)
    throw error
  })
  context.cloud = await cloudOf(context.checkout, PLACE)
})
story.after(async ({ checkout, original }) => {
  await checkout.remove()
  await original?.remove()
})

story('a first draft has all but what the lab has in another place', async context => {
  const { checkout, original, cloud } = context
  // The owner has logged in already.
  const key = await readFile(join(original.home, '.ssh/google_compute_engine.pub'), 'utf8')
  await setKeys(cloud, `tpo:${key.trim()}`)
  const before = await footprint(context)
  const services = {
    nextjs: { folder: 'nextjs', versionFile: 'package.json', image: `${REGISTRY}/nextjs` },
    'ml-service': { folder: 'ml-service', versionFile: 'pyproject.toml', image: `${REGISTRY}/ml-service` },
  }
  const application = { application: 'argocd/threads', namespace: 'threads' }
  const lines = {
    endpoints: '.lab/endpoints.json',
    'terraform.program': '.lab/bin/terraform',
    'terraform.cliConfig': '.lab/terraform.rc',
    'access.kubectl': '.lab/bin/kubectl',
    'access.ssh.user': 'tpo',
    delivery: JSON.stringify({ repository: 'unknowntpo/threads-nextjs', branch: 'master', ...application, services }),
    guards: '{ confirm: none, destroy: false, drills: true }',
  }
  const tree = ['--from', join(original.repository, 'terraform')]
  await rm(join(checkout.directory, 'environments/prod.yaml'))
  const { document } = ended(
    await checkout.json(
      'init',
      ...ENV,
      ...tree,
      ...Object.entries(lines).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
    ),
  )
  const { content } = document as unknown as { content: Record<string, Record<string, unknown>> }
  assert.equal(document.missing, [])
  assert.equal(content.terraform?.layers, ['00-vpc', '01-k8s', '02-argocd-app', '03-cloudflare'])
  assert.equal([content.terraform?.root, content.terraform?.backendConfig], [undefined, undefined])
  assert.is(content.k0s?.version, 'v1.34.0+k0s.0')
  assert.equal(content.verify?.volumes, ['threads/postgres-pvc'])
  assert.match(JSON.stringify(content.verify?.namespaces), '"threads":{"pods":5}')
  assert.equal(await footprint(context), before)
  await setKeys(cloud)
})

story(
  'kubeconfig: the key is added for hours, and the context beside the owner’s, at the same port',
  async ({ checkout, original, cloud }) => {
    const planned = ended(await checkout.json('kubeconfig', ...ENV, '--dry-run'), 8)
    assert.is(planned.document.phases?.find(({ id }) => id === 'vm/ssh-key')?.state, 'todo')
    assert.is(await keysOf(cloud), undefined)
    ended(await checkout.json('kubeconfig', ...ENV))
    assert.match((await keysOf(cloud)) ?? '', /^tpo:ssh-rsa \S+ google-ssh \{.*"expireOn"/)
    const text = await readFile(join(original.home, '.kube/config-threads-k0s'), 'utf8')
    assert.match(text, 'current-context: Default')
    assert.match(text, `https://localhost:${original.port}`)
    assert.match(text, `https://127.0.0.1:${original.port}`)
  },
)

const looks: [verb: string, args: string[], code: number, expected?: RegExp][] = [
  ['status', [], 0, /"storage": "kine"/],
  ['layer:list', [], 0],
  ['layer:plan', [], 0],
  ['doctor', [], 0, /installed by somebody else/],
  ['verify', [], 0, /"healthy"/],
  ['verify', ['--fix'], 0],
  ['bootstrap', ['--dry-run'], 0],
  ['up', ['--dry-run'], 0],
  ['snapshot:list', [], 0],
  ['image:check', [], 0],
  ['image:bump', ['--dry-run', '--service', 'ml-service', '--to', '0.1.1'], 8],
  ['dr-drill', ['--dry-run'], 8],
]
/** They wait some seconds for each service, and then go on without. */
const BRIEF = ['status', 'doctor']
story('what only looks changes nothing', async context => {
  const { checkout } = context
  const before = await footprint(context)
  for (const [verb, args, code, expected = /./] of looks) {
    let ran = await checkout.json(verb, ...ENV, ...args)
    // On a busy machine an answer may come too late for what waits seconds only.
    for (let more = 3; BRIEF.includes(verb) && !(ran.code === code && expected.test(ran.stdout)) && more > 0; more--)
      ran = await checkout.json(verb, ...ENV, ...args)
    assert.match(ended(ran, code).stdout, expected, verb)
    if (verb === 'dr-drill')
      assert.match(
        ran.stderr,
        '01-k8s: its destruction takes along namespace threads, and with it the data of its claim postgres-pvc',
      )
  }
  const pods = ended(await checkout.task('kubectl', 'ENV=prod', '--', '-n', 'threads', 'get', 'pods', '-o', 'name'))
  assert.match(pods.stdout, /^pod\/cloudflared-/m)
  assert.match(ended(await checkout.task('logs', 'ENV=prod', '--', 'nextjs')).stdout, /nextjs \S+ listens on/)
  const shell = ended(await checkout.task('ssh', 'ENV=prod', '--', 'id -un; hostname; exit 3'), 3)
  assert.equal(shell.stdout.trim().split('\n'), ['tpo', VM])
  assert.equal(await footprint(context), before)
})

story('tunnel: the owner’s own Terraform and a service reach the cluster through it', async ({ checkout, original }) => {
  ended(await checkout.json('tunnel', ...ENV, '--detach', 'nextjs'))
  const page = await waitFor({
    what: 'nextjs',
    within: 30_000,
    every: 300,
    probe: async () => {
      const answer = await fetch('http://127.0.0.1:3000/', { headers: { connection: 'close' } }).catch(() => undefined)
      return answer?.ok ? ((await answer.json()) as { service: string }) : undefined
    },
  })
  assert.is(page.service, 'nextjs')
  await original.terraform('01-k8s', 'plan', '-input=false', '-lock=false', '-detailed-exitcode')
  ended(await checkout.json('tunnel', ...ENV, '--stop'))
})

story('another tree on its states: nothing is destroyed, and why', async context => {
  const { checkout } = context
  const before = await footprint(context)
  const edit = async (path: string, change: (text: string) => string) =>
    writeFile(join(checkout.directory, path), change(await readFile(join(checkout.directory, path), 'utf8')))
  const inBucket = (text: string) => text.replace('threads-ops-lab-staging-tfstate', PLACE.bucket)
  // Its paths lead to the lab's folder above it.
  await cp(join(checkout.directory, '.lab/terraform'), join(checkout.directory, '.lab/shipped'), { recursive: true })
  await edit('.lab/shipped/backend-config.lab-staging.hcl', inBucket)
  for (const layer of ['01-k8s', '02-argocd-app'])
    await edit(`.lab/shipped/${layer}/envs/lab-staging/terraform.tfvars`, inBucket)
  await edit('environments/lab-staging.yaml', text => text.replace('.lab/terraform\n', '.lab/shipped\n'))

  const ran = ended(await checkout.json('up', '--env', 'lab-staging', '--yes'), 4)
  assert.match(ran.stderr, '00-vpc would destroy 25 objects; nothing has been applied')
  assert.match(ran.stderr, `delete module.vpc.module.compute.google_compute_instance.vm · ${VM} · VM`)
  assert.equal(await footprint(context), before)
  await rm(join(checkout.directory, '.lab/shipped'), { recursive: true })
})

story('snapshots: its own, and those that were made by hand', async context => {
  const { checkout, cloud } = context
  const sourceDisk = cloud.link(`zones/${PLACE.zone}/disks/${VM}`)
  for (const [name, labels] of [
    [`${VM}-01-k8s-20251101-144736`, { layer: '01-k8s', environment: 'prod', component: 'k0s-cluster' }],
    ['snapshot-00-vpc-20251031-151137', {}],
  ] as const)
    await cloud.insert('global/snapshots', { name, sourceDisk, labels })
  const before = await footprint(context)
  ended(await checkout.json('snapshot', ...ENV, '03-cloudflare'))
  const { snapshots = [] } = ended(await checkout.json('snapshot:list', ...ENV)).document
  const listed = snapshots as unknown as { name: string; layer: string; madeBy: string }[]
  assert.equal(listed.map(({ name, layer, madeBy }) => [name.replace(/\d{8}-\d{6}$/, ''), layer, madeBy]).sort(), [
    ['snapshot-00-vpc-', '00-vpc', 'hand'],
    [`${VM}-01-k8s-`, '01-k8s', 'hand'],
    [`${VM}-03-cloudflare-`, '03-cloudflare', 'toolkit'],
  ])
  const after = await footprint(context)
  const isSnapshot = ([path]: [string, unknown]) => /\/global\/snapshots\//.test(path)
  const others = ({ google: { resources, objects }, ...rest }: typeof before) => ({
    ...rest,
    resources: Object.fromEntries(Object.entries(resources).filter(entry => !isSnapshot(entry))),
    states: Object.entries(objects).filter(([name]) => name.includes('.tfstate')),
  })
  assert.equal(others(after), others(before))
})

story.run()
