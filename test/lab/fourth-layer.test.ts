import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { configMaps } from '../../lib/cluster/kinds.ts'
import type { KubernetesObject } from '../../lib/model/health/objects.ts'
import { type Checkout, makeCheckout, type Ran } from './support/checkout.ts'
import { throughTunnel } from './support/cluster.ts'
import { bringUp } from './support/kept-lab.ts'

/** A layer more, as a user adds one: a folder and a word in the environment's file. One story, in order. */
const story = suite<{ checkout: Checkout }>('a fourth layer')

const LAYER = '03-extra'
const ENVIRONMENT = 'environments/lab.yaml'
const WHERE = { namespace: 'default', name: 'extra' }

const files = {
  'main.tf': `terraform {
  required_version = ">= 1.5"

  backend "gcs" {
    prefix = "03-extra/state"
  }

  required_providers {
    kubectl = {
      source  = "gavinbunney/kubectl"
      version = "1.19.0"
    }
  }
}

variable "backend_bucket" {
  description = "Bucket of the layers' states."
  type        = string
}

data "terraform_remote_state" "k8s" {
  backend = "gcs"

  config = {
    bucket = var.backend_bucket
    prefix = "01-k8s/state"
  }
}

provider "kubectl" {
  config_path      = pathexpand(data.terraform_remote_state.k8s.outputs.kubeconfig_path)
  config_context   = data.terraform_remote_state.k8s.outputs.kube_context
  load_config_file = true
}

resource "kubectl_manifest" "extra" {
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = { name = "${WHERE.name}", namespace = "${WHERE.namespace}" }
    data       = { environment = data.terraform_remote_state.k8s.outputs.env }
  })
}

output "name" {
  description = "Name of the ConfigMap."
  value       = kubectl_manifest.extra.name
}
`,
  'terraform.tfvars': 'backend_bucket = "threads-ops-lab-tfstate"\n',
}

story.before(async context => {
  context.checkout = await makeCheckout()
  ended(await bringUp(context.checkout))
})
story.after(async ({ checkout }) => checkout.remove())

function ended(ran: Ran, code = 0): Ran {
  assert.is(ran.code, code, `exit code ${ran.code}\n${ran.stderr}\n${ran.stdout.slice(-3000)}`)
  return ran
}

async function configure({ directory }: Checkout, from: string, to: string): Promise<void> {
  const file = join(directory, ENVIRONMENT)
  const before = await readFile(file, 'utf8')
  assert.ok(before.includes(from), `${ENVIRONMENT} has "${from}"`)
  await writeFile(file, before.replace(from, to))
}

/** What its object in the cluster holds; undefined where there is none. */
const extra = (checkout: Checkout) =>
  throughTunnel(checkout, async cluster => {
    const found = await cluster.get<KubernetesObject & { data: Record<string, string> }>(configMaps, WHERE)
    return found?.data
  })

const phasesOf = ({ document }: Ran, end: string, status = 'done'): string[] =>
  (document.phases ?? []).filter(phase => phase.status === status && phase.id.endsWith(end)).map(({ id }) => id)

story('a folder and a word: up applies it after the others, and nothing else', async ({ checkout }) => {
  const folder = join(checkout.directory, 'terraform', LAYER, 'envs/lab')
  await mkdir(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  await configure(checkout, '02-argocd-app]', `02-argocd-app, ${LAYER}]`)

  const up = ended(await checkout.json('up'))
  const layers = (up.document.phases ?? []).filter(({ id }) => id.startsWith('layer/'))
  assert.equal(
    layers.map(({ id, status }) => `${id} ${status}`),
    ['layer/00-vpc skipped', 'layer/01-k8s skipped', 'layer/02-argocd-app skipped', `layer/${LAYER} done`],
  )
  assert.equal(await extra(checkout), { environment: 'lab' })
})

story('layer:list shows it', async ({ checkout }) => {
  const { layers = [] } = ended(await checkout.json('layer:list')).document
  const { applied, resources, ...more } = layers.find(({ layer }) => layer === LAYER) ?? {}
  assert.equal([applied, resources], [true, 1])
  assert.equal((more as { outputs?: string[] }).outputs, ['name'])
})

story('one word more: snapshots follow it', async ({ checkout }) => {
  await configure(checkout, 'after: [01-k8s]', `after: [01-k8s, ${LAYER}]`)
  const planned = ended(await checkout.json('up', '--dry-run'), 8)
  assert.equal(
    planned.document.phases?.filter(({ state }) => state !== 'done').map(({ id }) => id),
    [`snapshot/${LAYER}`],
  )
  ended(await checkout.json('snapshot'))
  const { snapshots = [] } = ended(await checkout.json('snapshot:list')).document
  assert.equal(snapshots.map(({ labels }) => labels.layer).sort(), ['01-k8s', LAYER])
  assert.is(ended(await checkout.json('up')).document.changed, 0)
})

story('a drill destroys it first and applies it last', async ({ checkout }) => {
  const drill = ended(await checkout.json('dr-drill', '--yes'))
  assert.is(drill.document.verdict, 'pass')
  assert.equal(phasesOf(drill, '/destroyed'), [`${LAYER}/destroyed`, '02-argocd-app/destroyed', '01-k8s/destroyed'])
  assert.equal(phasesOf(drill, '/applied'), ['01-k8s/applied', '02-argocd-app/applied', `${LAYER}/applied`])
  assert.equal(await extra(checkout), { environment: 'lab' })
})

story('down destroys it first', async ({ checkout }) => {
  const down = ended(await checkout.json('down', '--yes'))
  assert.equal(phasesOf(down, '/destroyed'), [
    `layer/${LAYER}/destroyed`,
    'layer/02-argocd-app/destroyed',
    'layer/01-k8s/destroyed',
    'layer/00-vpc/destroyed',
  ])
})

story.run()
