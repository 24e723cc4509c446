import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { OpsError } from '../../lib/runtime/errors.ts'
import type { Plan, Terraform } from '../../lib/terraform/terraform.ts'
import { PROJECT, TestLab } from './support/lab.ts'
import { failure, Layers } from './support/layers.ts'
import { ensureTerraform, killTerraform } from './support/terraform.ts'

interface Context {
  lab: TestLab
  layers: Layers
}

const root = (prefix: string, more = '') => `
terraform {
  backend "gcs" { prefix = "${prefix}" }
}
variable "serial" { default = "1" }
resource "terraform_data" "it" {
  input            = var.serial
  triggers_replace = var.serial
}
output "serial" { value = var.serial }
${more}`

const reading = (prefix: string, name = 'lower') => `
data "terraform_remote_state" "${name}" {
  backend = "gcs"
  config  = { bucket = "state", prefix = "${prefix}" }
}
`

const remember = async (context: Context) => {
  const { lab } = context
  context.lab = lab
  context.layers = new Layers(`${lab.directory}/terraform`)
  await context.layers.write({ 'backend.hcl': 'bucket = "state"\n', '00-vpc/main.tf': root('00-vpc/state') })
}

const makeBucket = (lab: TestLab) =>
  lab.request('POST', `/storage/v1/b?project=${PROJECT}`, { name: 'state', versioning: { enabled: true } })

/** Every object of the bucket with its generation. */
async function objects(lab: TestLab): Promise<Record<string, string>> {
  const answer = await lab.request('GET', '/storage/v1/b/state/o')
  const { items = [] } = (await answer.json()) as { items?: { name: string; generation: string }[] }
  return Object.fromEntries(items.map(({ name, generation }) => [name, generation]))
}

const STATE = '00-vpc/state/default.tfstate'
const LOCK = '00-vpc/state/default.tflock'

const put = (lab: TestLab, name: string, content: object) =>
  lab.request('POST', `/upload/storage/v1/b/state/o?uploadType=media&name=${encodeURIComponent(name)}`, content)

const stored = async (lab: TestLab, name = STATE) =>
  (await (await lab.request('GET', `/storage/v1/b/state/o/${encodeURIComponent(name)}?alt=media`)).json()) as {
    serial: number
    lineage: string
  }

const applied = async (terraform: Terraform, layer = '00-vpc'): Promise<Plan> => {
  const plan = await terraform.plan(layer)
  await terraform.apply(plan)
  return plan
}

const withBucket = async (context: Context) => {
  context.lab = await TestLab.start()
  await makeBucket(context.lab)
  await remember(context)
}
const stop = ({ lab }: Context) => {
  killTerraform()
  return lab.stop()
}

const look = suite<Context>('a look')
look.before(() => ensureTerraform())
look.before.each(withBucket)
look.after.each(stop)

look('at a layer that was never applied writes nothing, and what it planned can be applied', async ({ lab, layers }) => {
  const terraform = await layers.before(lab)
  assert.is((await terraform.state('00-vpc')).applied, false)
  const plan = await terraform.plan('00-vpc', { lock: false })
  assert.equal(
    plan.resources.map(({ address, actions }) => `${actions} ${address}`),
    ['create terraform_data.it'],
  )
  assert.equal(await objects(lab), {})
  await terraform.apply(plan)
  const state = await terraform.state('00-vpc')
  assert.equal([state.applied, state.lineage], [true, plan.lineage])
  assert.equal(Object.keys(await objects(lab)), [STATE])
})

look('before there is a bucket shows what there will be', async ({ lab, layers }) => {
  await lab.request('DELETE', '/storage/v1/b/state')
  const terraform = await layers.before(lab)
  assert.is((await terraform.state('00-vpc')).applied, false)
  const plan = await terraform.plan('00-vpc', { lock: false })
  assert.is(plan.changes.length, 1)
  await makeBucket(lab)
  await terraform.apply(plan)
  assert.is((await terraform.state('00-vpc')).applied, true)
})

look('neither takes nor waits for nor frees a lock', async ({ lab, layers }) => {
  await applied(await layers.before(lab))
  await put(lab, LOCK, { ID: '1', Who: 'somebody@elsewhere', Operation: 'OperationTypeApply' })
  const before = await objects(lab)
  const terraform = await layers.before(lab)
  await terraform.state('00-vpc')
  assert.is((await terraform.plan('00-vpc', { lock: false })).empty, true)
  assert.equal(await objects(lab), before)
  assert.match((await failure(terraform.plan('00-vpc', { lockTimeout: 0 }))).message, 'Error acquiring the state lock')
})

look('for whose lock a run waits, that wait is ended by Ctrl-C', async ({ lab, layers }) => {
  await applied(await layers.before(lab))
  await put(lab, LOCK, { ID: '1', Who: 'somebody@elsewhere', Operation: 'OperationTypeApply' })
  const stop = new AbortController()
  const terraform = await layers.before(lab, { signal: stop.signal, lockDeadline: 600_000 })
  await failure(terraform.plan('00-vpc', { lockTimeout: 0 }))
  const ended = failure(terraform.plan('00-vpc'))
  // It tries the lock again and again by then.
  await new Promise(resolve => setTimeout(resolve, 4000))
  const began = performance.now()
  stop.abort()
  const { code, message } = (await ended) as OpsError
  assert.is(code, 130, message)
  assert.ok(performance.now() - began < 8000, `${performance.now() - began} ms`)
})

look('is followed by an apply that says at once who holds the lock', async ({ lab, layers }) => {
  const terraform = await layers.before(lab)
  const plan = await terraform.plan('00-vpc', { lock: false })
  await put(lab, LOCK, { ID: '1', Who: 'somebody@elsewhere', Operation: 'OperationTypeApply' })
  const began = performance.now()
  assert.match((await failure(terraform.apply(plan))).message, 'Error acquiring the state lock')
  assert.ok(performance.now() - began < 50_000)
})

look('makes no state of a layer that is only read', async ({ lab, layers }) => {
  await layers.write({ '01-k8s/main.tf': root('01-k8s/state', reading('00-vpc/state')) })
  const terraform = await layers.before(lab, { layers: ['00-vpc', '01-k8s'] })
  await terraform.plan('01-k8s', { lock: false })
  assert.equal(await objects(lab), {})
})

look('sees the states that are there', async ({ lab, layers }) => {
  const value = 'output "of_lower" { value = data.terraform_remote_state.lower.outputs.serial }'
  await layers.write({ '01-k8s/main.tf': root('01-k8s/state', `${reading('00-vpc/state')}\n${value}`) })
  const terraform = await layers.before(lab, { layers: ['00-vpc', '01-k8s'] })
  await applied(terraform)
  await terraform.apply(await terraform.plan('01-k8s', { lock: false }))
  assert.is((await terraform.state('01-k8s')).outputs.of_lower, '1')
})

look('at a bucket that cannot be read says why, and is not remembered', async ({ lab, layers }) => {
  let broken = true
  const read = async () => {
    if (broken) throw new Error('the network is down')
    return undefined
  }
  const terraform = await layers.before(lab, { objects: { read, create: async () => true } })
  for (const attempt of [() => terraform.state('00-vpc'), () => terraform.plan('00-vpc', { lock: false })]) {
    const message = await attempt().then(
      () => '',
      (error: Error) => error.message,
    )
    assert.is(message, 'the network is down')
  }
  broken = false
  assert.is((await terraform.state('00-vpc')).applied, false)
  assert.is((await terraform.plan('00-vpc', { lock: false })).empty, false)
})
look.run()

const facts = suite<Context>('what a plan says')
facts.before(() => ensureTerraform())
facts.before.each(withBucket)
facts.after.each(stop)

facts('of a replacement, with the state that it was made on', async ({ lab, layers }) => {
  const terraform = await layers.before(lab)
  await applied(terraform)
  await layers.write({ '00-vpc/terraform.tfvars': 'serial = "2"' })
  for (const plan of [await terraform.plan('00-vpc'), await terraform.plan('00-vpc', { lock: false })]) {
    const { lineage, serial } = await stored(lab)
    assert.equal([plan.lineage, plan.serial], [lineage, serial])
    const [it] = plan.resources
    assert.equal(it?.actions, ['delete', 'create'])
    assert.is(it?.before?.input, '1')
    assert.equal(await terraform.planned(plan, 'terraform_data.it'), { input: '2', triggers_replace: '2' })
    assert.equal(plan.variables, { serial: '2' })
  }
})

facts('without what is sensitive', async ({ lab, layers }) => {
  const secret = `
variable "token" {
  sensitive = true
  default   = "hush-hush"
}
resource "terraform_data" "secret" { input = { a = var.token, b = 1 } }`
  await layers.write({ '00-vpc/main.tf': root('00-vpc/state', secret) })
  const terraform = await layers.before(lab)
  const plan = await applied(terraform)
  assert.equal(plan.resources.find(({ name }) => name === 'secret')?.after?.input, { a: '(sensitive value)', b: 1 })
  assert.not.match(JSON.stringify(plan), 'hush')
  const kept = (await terraform.resources('00-vpc')).find(({ address }) => address === 'terraform_data.secret')
  assert.is(kept?.attributes.input, '(sensitive value)')
})

facts('of what is moved, imported, forgotten', async ({ lab, layers }) => {
  await applied(await layers.before(lab))
  const changed = `
terraform {
  backend "gcs" { prefix = "00-vpc/state" }
}
moved {
  from = terraform_data.it
  to   = terraform_data.new
}
import {
  to = terraform_data.taken
  id = "an-id"
}
resource "terraform_data" "new" {
  input            = "1"
  triggers_replace = "1"
}
resource "terraform_data" "taken" {}`
  await layers.write({ '00-vpc/main.tf': changed })
  const { resources } = await (await layers.before(lab)).plan('00-vpc')
  const found = Object.fromEntries(resources.map(resource => [resource.name, resource]))
  assert.equal([found.new?.actions, found.new?.previousAddress], [['no-op'], 'terraform_data.it'])
  assert.equal(found.taken?.importing, { id: 'an-id' })
})

facts('addresses of a state are those that Terraform prints', async ({ lab, layers }) => {
  const keyed = `resource "terraform_data" "keyed" { for_each = toset(["a\\"b", "c.d", "$$\u007be}", "f\\\\g"]) }
resource "terraform_data" "counted" { count = 2 }`
  await layers.write({ '00-vpc/main.tf': root('00-vpc/state', keyed) })
  const terraform = await layers.before(lab)
  const { resources } = await applied(terraform)
  const addresses = (await terraform.resources('00-vpc')).map(({ address }) => address).sort()
  assert.equal(addresses, resources.map(({ address }) => address).sort())
})
facts.run()

const bound = suite<Context>('a plan is applied to what it was made for, or not at all')
bound.before(() => ensureTerraform())
bound.before.each(withBucket)
bound.after.each(stop)

for (const [what, message, spoil] of [
  [
    'the state has moved on',
    /from serial \d+ to \d+/,
    async (context, plan) => {
      await applied(await context.layers.before(context.lab))
      return plan
    },
  ],
  [
    'another state is there',
    /is another one than was planned on/,
    async ({ lab }, plan) => {
      await put(lab, STATE, { ...(await stored(lab)), lineage: 'of-another-tree' })
      return plan
    },
  ],
  [
    'the state is gone',
    /that was planned on is gone/,
    async ({ lab }, plan) => {
      await lab.request('DELETE', `/storage/v1/b/state/o/${encodeURIComponent(STATE)}`)
      return plan
    },
  ],
  ['another layer', /is of layer 09-other, which is none/, async (_, plan) => ({ ...plan, layer: '09-other' })],
  ['another environment', /is for prod, not lab/, async (_, plan) => ({ ...plan, env: 'prod' })],
  ['another commit', /was made at commit old, this is new/, async (_, plan) => ({ ...plan, gitSha: 'old' })],
  [
    'the run has ended',
    /is gone/,
    async (_, plan, terraform) => {
      await terraform.dispose()
      return plan
    },
  ],
] as [string, RegExp, (context: Context, plan: Plan, terraform: Terraform) => Promise<Plan>][]) {
  bound(what, async context => {
    const { lab, layers } = context
    await applied(await layers.before(lab))
    await layers.write({ '00-vpc/terraform.tfvars': 'serial = "2"' })
    const terraform = await layers.before(lab, { gitSha: async () => 'new', plans: `${layers.plans}-bound` })
    const plan = await spoil(context, await terraform.plan('00-vpc', { lock: false }), terraform)
    const before = await objects(lab)
    const { code, message: said, hint } = await failure(terraform.apply(plan))
    assert.is(code, 4)
    assert.match(said, message)
    assert.match(hint, 'plan again')
    assert.equal(await objects(lab), before)
  })
}

bound('a state that somebody made meanwhile is not the one that was kept back', async ({ lab, layers }) => {
  const terraform = await layers.before(lab, { plans: `${layers.plans}-first` })
  const plan = await terraform.plan('00-vpc', { lock: false })
  await applied(await layers.before(lab))
  const { code, message } = await failure(terraform.apply(plan))
  assert.is(code, 4)
  assert.match(message, 'is another one than was planned on')
})

bound('the state that was kept back is not written for a plan that is refused', async ({ lab, layers }) => {
  const terraform = await layers.before(lab)
  const plan = await terraform.plan('00-vpc', { lock: false })
  await failure(terraform.apply({ ...plan, gitSha: 'old' }))
  assert.equal(await objects(lab), {})
})

bound('a later plan is not applied for an earlier one', async ({ lab, layers }) => {
  const terraform = await layers.before(lab)
  await applied(terraform)
  await layers.write({ '00-vpc/terraform.tfvars': 'serial = "2"' })
  const earlier = await terraform.plan('00-vpc', { lock: false })
  await layers.write({ '00-vpc/terraform.tfvars': 'serial = "3"' })
  await terraform.plan('00-vpc', { lock: false })
  await terraform.apply(earlier)
  assert.is((await terraform.state('00-vpc')).outputs.serial, '2')
})

bound('saved plans and scratch folders go with the run', async ({ lab, layers }) => {
  const terraform = await layers.before(lab)
  await terraform.plan('00-vpc', { lock: false })
  assert.equal(await layers.left(), ['1-00-vpc.tfplan'])
  await terraform.dispose()
  assert.equal(await layers.left(), [])
})
bound.run()

const order = suite<Context>('the order of the layers')
order.before(() => ensureTerraform())
order.before.each(withBucket)
order.after.each(stop)

const reads = 'layers out of order: 00-vpc reads the state of 01-k8s'
const both = ['00-vpc', '01-k8s']
const upper = { '01-k8s/main.tf': root('elsewhere') }

for (const [what, files] of [
  ['in a file of its own', { '00-vpc/data.tf': reading('elsewhere') }],
  [
    'with variables and locals',
    {
      '00-vpc/data.tf': `
data "terraform_remote_state" "up" {
  backend = "gcs"
  config  = { bucket = var.bucket, prefix = local.prefix }
}`,
      '00-vpc/variables.tf': 'variable "bucket" {}',
      '00-vpc/locals.tf': 'locals { prefix = join("", ["else", "where"]) }',
      '00-vpc/terraform.tfvars': 'bucket = "state"',
    },
  ],
] as [string, Record<string, string>][]) {
  order(`contradicted ${what}, nothing is applied, of no layer`, async ({ lab, layers }) => {
    await layers.write({ ...upper, ...files })
    for (const options of [{ lock: false }, {}]) {
      for (const layer of both) {
        const { code, message } = await failure((await layers.before(lab, { layers: both })).plan(layer, options))
        assert.equal([code, message], [3, reads])
      }
    }
    assert.equal(await objects(lab), {})
  })
}

for (const [what, more] of [
  ['beside resources', reading('elsewhere')],
  [
    'and by an output that is not there yet',
    `${reading('elsewhere')}\noutput "x" { value = data.terraform_remote_state.lower.outputs.no }`,
  ],
] as const) {
  order(`contradicted ${what}, the layer's own plan is refused`, async ({ lab, layers }) => {
    await layers.write({ ...upper, '00-vpc/main.tf': root('00-vpc/state', more) })
    const terraform = await layers.before(lab, { layers: both })
    const { code, message } = await failure(terraform.plan('00-vpc', { lock: false }))
    assert.equal([code, message], [3, reads])
  })
}

order('is not contradicted by a comment', async ({ lab, layers }) => {
  const comment = `/*${reading('elsewhere')}*/\n${reading('elsewhere').trim().replaceAll(/^/gm, '# ')}\n`
  await layers.write({ ...upper, '00-vpc/data.tf': comment })
  assert.is((await (await layers.before(lab, { layers: both })).plan('00-vpc', { lock: false })).empty, false)
})

order('a layer that reads another bucket than the backend’s is not planned', async ({ lab, layers }) => {
  const variable = 'variable "backend_bucket" {}'
  await layers.write({ '00-vpc/variables.tf': variable, '00-vpc/x.auto.tfvars': 'backend_bucket = "other"' })
  const terraform = await layers.before(lab)
  const { code, message } = await failure(terraform.plan('00-vpc', { lock: false }))
  assert.is(code, 3)
  assert.match(message, 'backend_bucket is "other", but the state is kept in "state"')
  await layers.write({ '00-vpc/x.auto.tfvars': 'backend_bucket = "state"' })
  const again = await layers.before(lab)
  assert.is((await again.plan('00-vpc', { lock: false })).empty, false)
})

order('without a view of the bucket, a failed init is not remembered', async ({ lab, layers }) => {
  await lab.request('DELETE', '/storage/v1/b/state')
  const terraform = layers.terraform({ variables: (await layers.before(lab)).variables })
  assert.match((await failure(terraform.state('00-vpc'))).message, 'terraform init of 00-vpc failed')
  await makeBucket(lab)
  assert.is((await terraform.state('00-vpc')).applied, false)
})
order.run()
