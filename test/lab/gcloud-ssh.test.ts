import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseEnvironment } from '../../lib/config/load.ts'
import { waitFor } from '../../lib/runtime/wait.ts'
import { type Checkout, makeCheckout, type Ran } from './support/checkout.ts'
import { type Cloud, cloudOf } from './support/cloud.ts'
import { bringUp } from './support/kept-lab.ts'

/** A VM as `gcloud compute ssh` finds one that Terraform gave neither keys nor guest attributes, and an operator who has only gcloud's key. */
const story = suite<{ checkout: Checkout; cloud: Cloud; home: string }>('a VM without keys')

const VM = 'zones/us-east1-b/instances/threads-lab-vm'
const ENVIRONMENT = 'environments/lab.yaml'

interface Metadata {
  fingerprint: string
  items: { key: string; value: string }[]
}

const metadataOf = async (cloud: Cloud) => ((await cloud.find(VM)) as unknown as { metadata: Metadata }).metadata
const keysOf = async (cloud: Cloud) => (await metadataOf(cloud)).items.find(({ key }) => key === 'ssh-keys')?.value

async function setMetadata(cloud: Cloud, change: (items: Metadata['items']) => Metadata['items']): Promise<void> {
  const { fingerprint, items } = await metadataOf(cloud)
  await cloud.post(`${VM}/setMetadata`, { fingerprint, items: change(items) })
  await waitFor({
    what: 'the metadata',
    within: 20_000,
    every: 200,
    probe: async () => (await metadataOf(cloud)).fingerprint !== fingerprint || undefined,
  })
}

function ended(ran: Ran, code: number): Ran {
  assert.is(ran.code, code, `exit code ${ran.code} after ${ran.ms} ms\n${ran.stderr}\n${ran.stdout.slice(-3000)}`)
  return ran
}

story.before(async context => {
  context.checkout = await makeCheckout()
  ended(await bringUp(context.checkout), 0)
  context.cloud = await cloudOf(context.checkout)
  // The operator's home, with gcloud's key in it. What has been built stays where it is.
  context.home = mkdtempSync(join(tmpdir(), 'home-'))
  process.env.XDG_CACHE_HOME ||= join(homedir(), '.cache')
  process.env.HOME = context.home
  mkdirSync(join(context.home, '.ssh'))
  execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-N', '', '-f', join(context.home, '.ssh/google_compute_engine')])
  const file = join(context.checkout.directory, ENVIRONMENT)
  const text = readFileSync(file, 'utf8').replace(/ +ssh:\n +user: ops\n +identityFile: \S+\n/, '  ssh: { user: tpo }\n')
  assert.equal(parseEnvironment(text, ENVIRONMENT, 'lab').access.ssh, { user: 'tpo' })
  writeFileSync(file, text)
  delete process.env.SSH_AUTH_SOCK
  await setMetadata(context.cloud, items =>
    items.filter(({ key }) => !['ssh-keys', 'enable-guest-attributes', 'enable-oslogin'].includes(key)),
  )
})
story.after(async ({ checkout, home }) => {
  await checkout.remove()
  rmSync(home, { recursive: true, force: true })
})

story('what only looks says that the key would be added', async ({ checkout, cloud, home }) => {
  const ran = ended(await checkout.json('kubeconfig', '--dry-run'), 8)
  assert.is(ran.document.phases?.find(({ id }) => id === 'vm/ssh-key')?.state, 'todo')
  assert.is(await keysOf(cloud), undefined)
  assert.not(existsSync(join(home, '.ssh/google_compute_known_hosts')))
})

story('OS Login is refused', async ({ checkout, cloud }) => {
  await setMetadata(cloud, items => [...items, { key: 'enable-oslogin', value: 'TRUE' }])
  for (const verb of ['ssh', 'kubeconfig']) {
    const ran = ended(await checkout.json(verb), 4)
    assert.match((ran.document.error as { hint: string }).hint, 'gcloud compute instances add-metadata threads-lab-vm')
  }
  await setMetadata(cloud, items => items.filter(({ key }) => key !== 'enable-oslogin'))
})

story('ssh adds the key, and shows the fingerprint of a host that it has never seen', async ({ checkout, cloud, home }) => {
  const ran = ended(await checkout.task('ssh', '--', 'id -un; cat /etc/ssh/ssh_host_ed25519_key.pub'), 0)
  assert.match(ran.stdout, /^tpo\n/)
  assert.match(ran.stderr, /add the public half of .*google_compute_engine .* for user tpo/)
  assert.match(ran.stderr, /first use of threads-lab-vm.*SHA256:/)
  assert.match(
    (await keysOf(cloud)) ?? '',
    /^tpo:ssh-rsa \S+ google-ssh \{"userName":"tpo","expireOn":"[\d-]+T[\d:]+\+0000"\}$/,
  )
  const { id } = (await cloud.find(VM)) as { id: string }
  const shown = ran.stdout.split('\n')[1]?.split(' ').slice(0, 2).join(' ')
  assert.is(readFileSync(join(home, '.ssh/google_compute_known_hosts'), 'utf8'), `compute.${id} ${shown}\n`)
})

story('from then on it is there, and known', async ({ checkout, cloud }) => {
  const before = await metadataOf(cloud)
  const ran = ended(await checkout.task('ssh', '--', 'true'), 0)
  assert.not.match(ran.stderr, /first use|public half/)
  ended(await checkout.json('kubeconfig'), 0)
  ended(await checkout.json('bootstrap'), 0)
  assert.equal(await metadataOf(cloud), before)
})

story('a tree that knows of no keys has nothing to undo, until one is there for good', async ({ checkout, cloud }) => {
  const file = join(checkout.directory, 'terraform/modules/vpc/compute/main.tf')
  const text = readFileSync(file, 'utf8')
  const bare = text
    .replace(/ {2}metadata = merge\([\s\S]*?\n {2}\)\n/, '  metadata = { block-project-ssh-keys = "TRUE" }\n')
    .replace(/ {2}lifecycle \{[^}]*\}\n/, '')
  assert.not.match(bare, /ignore_changes|local\.ssh_keys/)
  writeFileSync(file, bare)
  ended(await checkout.json('layer:plan', '00-vpc'), 0)
  const before = await keysOf(cloud)
  await setMetadata(cloud, items => [
    ...items.filter(({ key }) => key !== 'ssh-keys'),
    { key: 'ssh-keys', value: `${before}\neve:ssh-ed25519 AAAA` },
  ])
  const { document } = ended(await checkout.json('layer:plan', '00-vpc'), 8)
  assert.match(JSON.stringify(document.phases), 'update module.compute.google_compute_instance.this')
  writeFileSync(file, text)
})

story('another key of the same instance is refused', async ({ checkout, home }) => {
  const file = join(home, '.ssh/google_compute_known_hosts')
  const other = 'AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DPMRD6OIh65tjU2tFmJSDjjzEqsyDBU'
  writeFileSync(file, readFileSync(file, 'utf8').replace(/ssh-ed25519 \S+/, `ssh-ed25519 ${other}`))
  for (const verb of ['ssh', 'bootstrap']) {
    const { error } = ended(await checkout.json(verb), 4).document as unknown as { error: { message: string; hint: string } }
    assert.match(error.message, /another SSH host key/)
    assert.match(error.hint, /ssh-keygen -R compute\.\d+/)
  }
})
story.run()
