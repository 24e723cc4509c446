import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { configuration } from '../../lib/runtime/errors.ts'
import { PROJECT, TestLab } from './support/lab.ts'
import { failure, Layers } from './support/layers.ts'
import { ensureTerraform, killTerraform } from './support/terraform.ts'

interface Context {
  lab: TestLab
  layers: Layers
}

const LAYERS = ['network', 'K8s_base', 'app']

/** A root as somebody else writes one: the backend says what it says, and nothing is called main.tf. */
const rootWith = (backend: string, more = '') => `
terraform {
  backend "gcs" {
    ${backend}
  }
}
variable "serial" { default = "1" }
resource "terraform_data" "it" { input = var.serial }
output "serial" { value = terraform_data.it.output }
${more}`

const reading = (prefix: string) => `
data "terraform_remote_state" "lower" {
  backend = "gcs"
  config  = { bucket = "state", prefix = "${prefix}" }
}
output "of_lower" { value = data.terraform_remote_state.lower.outputs.serial }
`

const start = async (context: Context, root: string, files: Record<string, string>) => {
  context.lab = await TestLab.start()
  await context.lab.request('POST', `/storage/v1/b?project=${PROJECT}`, { name: 'state', versioning: { enabled: true } })
  context.layers = new Layers(`${context.lab.directory}/terraform`, root)
  await context.layers.write(files)
}

/** Names of the states in the bucket. */
async function states(lab: TestLab): Promise<string[]> {
  const answer = await lab.request('GET', '/storage/v1/b/state/o')
  const { items = [] } = (await answer.json()) as { items?: { name: string }[] }
  return items.map(({ name }) => name).sort()
}

const trees = suite<Context>('a tree of another layout')
trees.before(() => ensureTerraform())
trees.after.each(async ({ lab }) => {
  killTerraform()
  await lab.stop()
})

for (const [what, template, root, files] of [
  [
    'backend files in the roots',
    'live/{env}',
    'live/lab',
    {
      'network/backend.hcl': 'bucket = "state"',
      'network/network.tf': rootWith('prefix = "network"'),
      'K8s_base/backend.hcl': 'bucket = "state"',
      'K8s_base/cluster.tf': rootWith('prefix = "K8s_base"', reading('network')),
      'app/backend.hcl': 'bucket = "state"\nprefix = "app"',
      'app/app.tf': rootWith('', reading('K8s_base')),
    },
  ],
  [
    'backends all in code, and the layers themselves as roots',
    '.',
    '.',
    {
      'network/network.tf': rootWith('bucket = "state"\nprefix = "network"'),
      'K8s_base/cluster.tf': rootWith('bucket = "state"\nprefix = "K8s_base"', reading('network')),
      'app/app.tf': rootWith('bucket = "state"\nprefix = "app"', reading('K8s_base')),
    },
  ],
  [
    'one in each way, and a file for the rest',
    '{env}',
    'lab',
    {
      'backend.hcl': 'bucket = "state"',
      'network/network.tf': rootWith('prefix = "network"'),
      'K8s_base/backend.hcl': 'bucket = "state"\nprefix = "K8s_base"',
      'K8s_base/cluster.tf': rootWith('', reading('network')),
      'app/app.tf': rootWith('bucket = "state"\nprefix = "app"', reading('K8s_base')),
    },
  ],
] as [string, string, string, Record<string, string>][]) {
  trees(`is planned and applied in the order of the list: ${what}`, async context => {
    await start(context, root, files)
    const { lab, layers } = context
    const terraform = await layers.before(lab, { layers: LAYERS, root: template, backendConfig: 'backend.hcl' })
    assert.equal(terraform.layers, LAYERS)
    assert.is(await terraform.bucket(), 'state')
    assert.is(terraform.root('app'), join(layers.directory, 'app', root))
    for (const layer of LAYERS) {
      assert.is((await terraform.state(layer)).applied, false)
      await terraform.apply(await terraform.plan(layer, { lock: false }))
    }
    assert.equal(await states(lab), ['K8s_base/default.tfstate', 'app/default.tfstate', 'network/default.tfstate'])
    const again = await layers.before(lab, { layers: LAYERS, root: template, backendConfig: 'backend.hcl' })
    for (const layer of LAYERS) assert.is((await again.plan(layer, { lock: false })).empty, true)
    assert.is((await again.state('app')).outputs.of_lower, '1')
  })
}

trees('a backend file that comes, changes or goes is taken in', async context => {
  await start(context, 'live/lab', { 'network/network.tf': rootWith('prefix = "one"'), 'backend.hcl': 'bucket = "state"' })
  const { lab, layers } = context
  const terraform = () => layers.before(lab, { layers: ['network'], root: 'live/{env}', backendConfig: 'backend.hcl' })
  const objects: string[] = []
  const look = async () => {
    const now = await terraform()
    await now.plan('network', { lock: false })
    objects.push(await now.stateObject('network'))
  }
  await look()
  await layers.write({ 'network/backend.hcl': 'bucket = "state"\nprefix = "two"' })
  await look()
  await layers.write({ 'network/backend.hcl': 'bucket = "state"\nprefix = "three"' })
  await look()
  await rm(join(layers.directory, 'network/live/lab/backend.hcl'))
  await look()
  assert.equal(
    objects,
    ['one', 'two', 'three', 'one'].map(prefix => `${prefix}/default.tfstate`),
  )
  await rm(join(layers.directory, 'backend.hcl'))
  const { code, message } = await failure((await terraform()).plan('network', { lock: false }))
  assert.is(code, 4)
  assert.match(message, 'nothing names the bucket of network')
})

trees('a module beside the tree that changes is taken in', async context => {
  const module = 'module "it" { source = "../../../../modules/it" }'
  await start(context, 'live/lab', { 'network/network.tf': rootWith('bucket = "state"', module) })
  const { lab, layers } = context
  const folder = join(layers.directory, '../modules')
  const beside = new Layers(folder, '.')
  await beside.write({ 'it/it.tf': 'output "it" { value = 1 }', 'more/more.tf': 'output "more" { value = 2 }' })
  const look = async () =>
    (await layers.before(lab, { layers: ['network'], root: 'live/{env}' })).plan('network', { lock: false })
  await look()
  await writeFile(join(folder, 'it/it.tf'), 'module "more" { source = "../more" }\noutput "it" { value = module.more.more }')
  assert.is((await look()).changes.length, 1)
})

trees('that reads a layer further down the list is refused, whatever the names say', async context => {
  await start(context, '.', {
    'network/network.tf': rootWith('bucket = "state"\nprefix = "network"', reading('app')),
    'app/app.tf': rootWith('bucket = "state"\nprefix = "app"'),
  })
  const { lab, layers } = context
  const refused = await failure(
    (await layers.before(lab, { layers: ['network', 'app'], root: '.' })).plan('network', { lock: false }),
  )
  assert.is(refused.code, 3)
  assert.match(refused.message, 'layers out of order: network reads the state of app')
  assert.match(refused.hint ?? '', 'list them in another order')
  const allowed = await layers.before(lab, { layers: ['app', 'network'], root: '.' })
  await allowed.apply(await allowed.plan('app'))
  assert.is((await allowed.plan('network', { lock: false })).empty, false)
})
trees('values that no file holds go to the layers that declare them, and nowhere else', async context => {
  const uses = 'output "length" { value = nonsensitive(length(var.token)) }'
  const secret = `variable "token" { sensitive = true }\nvariable "zone" {}\noutput "zone" { value = var.zone }\n${uses}`
  await start(context, '.', {
    'network/network.tf': rootWith('bucket = "state"\nprefix = "network"'),
    'app/app.tf': rootWith('bucket = "state"\nprefix = "app"', secret),
    'app/variables.tf': '',
  })
  const { lab, layers } = context
  const asked: string[] = []
  const values: Record<string, string> = { zone: 'z' }
  const read = async (name: string) => {
    asked.push(name)
    const value = values[name]
    if (value === undefined) throw configuration(`${name} is not there`, 'set it')
    return value
  }
  const given = { names: ['token', 'zone', 'other'], read }
  const terraform = await layers.before(lab, { layers: ['network', 'app'], root: '.', given })
  await terraform.apply(await terraform.plan('network'))
  const refused = await failure(terraform.plan('app', { lock: false }))
  assert.equal([refused.code, refused.message], [3, 'token is not there'])
  values.token = 'a-secret'
  await terraform.apply(await terraform.plan('app', { lock: false }))
  const { outputs } = await terraform.state('app')
  assert.equal([outputs.length, outputs.zone], [8, 'z'])
  assert.is(asked.includes('other'), false)
})

trees('a value that no file holds is an input as well', async context => {
  await start(context, '.', {
    'network/network.tf': rootWith('bucket = "state"'),
    'network/variables.tf': 'variable "project_id" {}\nvariable "token" {}',
  })
  const missing = async (name: string) => {
    if (name === 'project_id') return 'the-project'
    throw configuration(`${name} is not there`, 'set it')
  }
  const given = { names: ['project_id', 'token'], read: missing }
  const terraform = await context.layers.before(context.lab, { layers: ['network'], root: '.', given })
  assert.is(await terraform.input('network', 'project_id'), 'the-project')
  assert.is((await failure(terraform.input('network', 'token'))).message, 'token is not there')
})
trees.run()
