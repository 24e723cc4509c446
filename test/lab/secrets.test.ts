import { generateKeyPairSync } from 'node:crypto'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse, stringify } from 'yaml'
import { type Checkout, makeCheckout, type Ran } from './support/checkout.ts'
import { throughTunnel } from './support/cluster.ts'
import { bringUp } from './support/kept-lab.ts'
import { filesWith, Planted, watchCommandLines } from './support/planted.ts'

/**
 * Credentials are planted wherever a run may meet one; none of them is in what the verbs write: output, logs, journals, reports, plans,
 * command lines, what others can read.
 */
interface Context {
  checkout: Checkout
  planted: Planted
  /** For the files of the shell's credentials, and for whatever the verbs leave in the folder for temporary files. */
  folder: string
  /** Since the lab is up. */
  commandLines?: () => Promise<string[]>
  written: [string, string][]
}
const story = suite<Context>('secrets in what is written')

/** Where a secret belongs: by its path in the checkout, and why. Others can read none of them. */
const BELONGS: [RegExp, string][] = [
  [/^\.lab\/token$/, "the lab's own token"],
  [/^\.lab\/boto\.cfg$/, 'the token, as gsutil wants it'],
  [/^\.lab\/ssh\/id_ed25519$/, "the operator's SSH key"],
  [/^\.lab\/kube\//, 'the kubeconfig, with the entries of others'],
  [/^\.lab\/google\/contents\//, "the bucket's objects: Terraform's states hold what they manage"],
  [/^\.lab\/disks\/|^\.lab\/snapshots\//, "the VM's disk: etcd keeps the cluster's Secrets"],
  [/^terraform\/02-argocd-app\/envs\/lab\/planted\./, 'where it was planted'],
  [/^\.lab\/terraform\/02-argocd-app\/envs\/lab\/planted\./, "the lab's copy of the layer"],
  [/^\.git\/config$/, "a remote's address, as its user wrote it"],
]

const VERBS: string[][] = [
  ['up'],
  ['verify'],
  ['status'],
  ['doctor'],
  ['layer:plan'],
  ['layer:list'],
  ['image:check'],
  ['image:bump', '--service', 'ml-service', '--to', 'patch', '--dry-run'],
  ['snapshot:create', '--dry-run'],
  ['snapshot:list'],
  ['kubeconfig'],
  ['bootstrap', '--dry-run'],
  ['dr-drill', '--dry-run'],
]

const shell: Record<string, string> = {}
const PLANTED_LAYER = `variable "planted" {
  description = "A secret."
  type        = string
  sensitive   = true
}

variable "from_shell" {
  description = "Another one."
  type        = string
  sensitive   = true
  default     = ""
}

resource "terraform_data" "planted" {
  input = var.planted
}

output "planted" {
  description = "The first."
  value       = var.planted
  sensitive   = true
}
`

story.before(async context => {
  context.checkout = await makeCheckout()
  context.planted = new Planted()
  context.written = []
  context.folder = await mkdtemp(join(tmpdir(), 'threads-ops-secrets-'))
  succeeded(await bringUp(context.checkout))
  context.commandLines = watchCommandLines(context.planted)
})
story.after(async ({ checkout, folder, commandLines }) => {
  for (const name of Object.keys(shell)) delete process.env[name]
  await commandLines?.()
  await checkout.remove()
  await rm(folder, { recursive: true })
})

const succeeded = (ran: Ran): Ran => {
  assert.is(ran.code, 0, `exit code ${ran.code}\n${ran.stderr}`)
  return ran
}

const pem = () =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

story('credentials are planted', async ({ checkout, planted, folder }) => {
  const inLab = (path: string) => readFile(join(checkout.directory, '.lab', path), 'utf8')
  planted.add("the lab's token", (await inLab('token')).trim())
  planted.add('the SSH key', await inLab('ssh/id_ed25519'), await inLab('ssh/id_ed25519.pub'))

  const privateKey = pem()
  planted.add("a service account's key", privateKey)
  const account = join(folder, 'account.json')
  const content = { type: 'service_account', client_email: 'a@b', private_key: privateKey, project_id: 'p' }
  await writeFile(account, JSON.stringify(content), { mode: 0o600 })
  Object.assign(shell, {
    GITHUB_TOKEN: planted.makeToken('GITHUB_TOKEN'),
    GOOGLE_OAUTH_ACCESS_TOKEN: planted.makeToken('GOOGLE_OAUTH_ACCESS_TOKEN'),
    GOOGLE_APPLICATION_CREDENTIALS: account,
    TF_VAR_from_shell: planted.make('TF_VAR_from_shell'),
    TF_TOKEN_app_terraform_io: planted.makeToken('TF_TOKEN_…'),
    KUBE_TOKEN: planted.makeToken('KUBE_TOKEN'),
  })
  Object.assign(process.env, shell)

  const kubeconfig = join(checkout.directory, '.lab/kube/threads-lab.yaml')
  const config = parse(await readFile(kubeconfig, 'utf8')) as { users: { name: string; user: { [field: string]: string } }[] }
  for (const { user } of config.users) {
    if (user['client-key-data']) planted.add("the kubeconfig's key", Buffer.from(user['client-key-data'], 'base64').toString())
  }
  config.users.push({ name: 'somebody', user: { token: planted.makeToken("somebody's token in the kubeconfig") } })
  await writeFile(kubeconfig, stringify(config))

  const layer = join(checkout.directory, 'terraform/02-argocd-app/envs/lab')
  await writeFile(join(layer, 'planted.tf'), PLANTED_LAYER)
  await writeFile(join(layer, 'planted.auto.tfvars.json'), JSON.stringify({ planted: planted.make('a sensitive variable') }), {
    mode: 0o600,
  })

  const password = encodeURIComponent(planted.makeToken("a password in git's remote"))
  // Not by git, on whose command line it would be.
  const gitConfig = join(checkout.directory, '.git/config')
  await appendFile(gitConfig, `[remote "origin"]\n\turl = https://user:${password}@git.invalid/o/r.git\n`)

  await throughTunnel(checkout, async (_, rest) => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'planted' },
      stringData: { a: planted.make("a Secret's value") },
    }
    await rest.json('/api/v1/namespaces/threads/secrets', { method: 'POST', body: secret })
  })
})

for (const [verb = '', ...args] of VERBS) {
  story(`${[verb, ...args].join(' ')} writes none`, async ({ checkout, planted, written }) => {
    for (const form of [['--json'], ['--debug']]) {
      const ran = await checkout.task(verb, '--', ...args, ...form)
      assert.ok([0, 6, 7, 8].includes(ran.code ?? -1), `exit code ${ran.code}\n${ran.stderr}`)
      written.push([`${verb} ${form}`, `${ran.stdout}${ran.stderr}`])
      assert.equal(planted.in(ran.stdout), [], ran.stdout)
      assert.equal(planted.in(ran.stderr), [], ran.stderr)
    }
  })
}

story('no command line had one', async ({ commandLines }) => assert.equal(await commandLines?.(), []))

story('a file with one is where it belongs, and its owner’s alone', async ({ checkout, planted, folder }) => {
  const { directory } = checkout
  const skips = (path: string) => /\/(node_modules|\.tools)$|\.git\/objects$/.test(path)
  const found = await filesWith(planted, directory, skips)
  const elsewhere = found.filter(({ path }) => !BELONGS.some(([place]) => place.test(relative(directory, path))))
  assert.equal(elsewhere, [])
  // Git makes its configuration for all; what a user writes there is their own to guard.
  const open = found.filter(({ path, isOpen }) => isOpen && !path.endsWith('/.git/config'))
  assert.equal(open, [])
  // What verbs leave in the folder for temporary files; the checkout itself is in it.
  const left = await filesWith(
    planted,
    tmpdir(),
    path => path === directory || path === folder || /threads-ops-(kept|test|ci)/.test(path),
  )
  assert.equal(left, [])
})

story('no object in the bucket has one, but states', async ({ checkout, planted }) => {
  const { storage } = JSON.parse(await readFile(join(checkout.directory, '.lab/endpoints.json'), 'utf8')) as { storage: string }
  const headers = { authorization: `Bearer ${(await readFile(join(checkout.directory, '.lab/token'), 'utf8')).trim()}` }
  const bucket = `${storage}/storage/v1/b/threads-ops-lab-tfstate/o`
  const { items = [] } = (await (await fetch(`${bucket}?versions=true`, { headers })).json()) as {
    items?: { name: string; generation: string }[]
  }
  assert.ok(items.some(({ name }) => name.endsWith('.tfstate')))
  for (const { name, generation } of items.filter(({ name }) => !name.endsWith('.tfstate'))) {
    const url = `${bucket}/${encodeURIComponent(name)}?alt=media&generation=${generation}`
    assert.equal(planted.in(await (await fetch(url, { headers })).text()), [], name)
  }
})
story.run()
