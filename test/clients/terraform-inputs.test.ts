import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failure, Layers } from './support/layers.ts'
import { ensureTerraform } from './support/terraform.ts'

interface Context {
  directory: string
  layers: Layers
}

const backendBlock = (body: string) => `terraform {\n  backend "gcs" {\n    ${body}\n  }\n}\n`
/** What no console could evaluate without an initialised root. */
const main = `${backendBlock('prefix = "00-vpc/state"')}
module "compute" { source = "../../../modules/compute" }
resource "google_compute_disk" "boot" { name = module.compute.name }
`
const declared = `variable "zone" {
  # default = "in a comment"
}
`

const make = async (context: Context) => {
  context.directory = await mkdtemp(join(tmpdir(), 'inputs-'))
  context.layers = new Layers(join(context.directory, 'terraform'))
  await context.layers.write({ 'backend.hcl': 'bucket = "state"\n', '00-vpc/main.tf': main, '00-vpc/variables.tf': declared })
}
const remove = ({ directory }: Context) => rm(directory, { recursive: true })

const inputs = suite<Context>('inputs are taken as Terraform takes them')
inputs.before(() => ensureTerraform())
inputs.before.each(make)
inputs.after.each(remove)

for (const [what, files, expected] of [
  ['from terraform.tfvars', { 'terraform.tfvars': 'zone = "a" // which' }, 'a'],
  ['not from a comment', { 'terraform.tfvars': '# zone = "b"\n/*\nzone = "c"\n*/\nzone = "a"' }, 'a'],
  ['not from a text', { 'terraform.tfvars': 'other = <<-X\nzone = "b"\nX\nzone = "a"' }, 'a'],
  ['from a heredoc', { 'terraform.tfvars': 'zone = <<-X\n  a "b" $${c}\nX\n' }, 'a "b" $\u007bc}\n'],
  ['over many lines', { 'terraform.tfvars': 'zone = (\n  "a"\n)' }, 'a'],
  ['a later file over an earlier', { 'terraform.tfvars': 'zone = "b"', 'x.auto.tfvars': 'zone = "a"' }, 'a'],
  ['from JSON', { 'terraform.tfvars.json': '{"zone":"a"}' }, 'a'],
  ['from JSON that is taken by itself', { 'lab.auto.tfvars.json': '{"zone":"a"}' }, 'a'],
  ['from the default', { 'variables.tf': 'variable "zone" { default = "a" }' }, 'a'],
  ['a number', { 'variables.tf': 'variable "zone" { type = number }', 'terraform.tfvars': 'zone = "07"' }, '7'],
  ['a boolean', { 'terraform.tfvars': 'zone = false' }, 'false'],
  ['a sensitive one', { 'variables.tf': 'variable "zone" {\n  sensitive = true\n  default = "a"\n}' }, 'a'],
  ['declared in another file', { 'variables.tf': '', 'settings.tf': declared, 'terraform.tfvars': 'zone = "a"' }, 'a'],
  ['declared in JSON', { 'variables.tf': '', 'variables.tf.json': '{"variable":{"zone":{"default":"a"}}}' }, 'a'],
  ['declared over', { 'variables_override.tf': 'variable "zone" { default = "a" }' }, 'a'],
] as [string, Record<string, string>, string][]) {
  inputs(what, async ({ layers }) => {
    await layers.write(Object.fromEntries(Object.entries(files).map(([name, text]) => [`00-vpc/${name}`, text])))
    assert.is(await layers.terraform().input('00-vpc', 'zone'), expected)
    assert.equal(await layers.left(), [])
  })
}

inputs('from the environment', async ({ layers }) => {
  const terraform = layers.terraform({ variables: async () => ({ TF_VAR_zone: 'a', TF_CLI_CONFIG_FILE: '/dev/null' }) })
  assert.is(await terraform.input('00-vpc', 'zone'), 'a')
})

for (const [what, name, files, message] of [
  ['without a value', 'zone', {}, /variable "zone" .* has no value/],
  ['null', 'zone', { 'terraform.tfvars': 'zone = null' }, /variable "zone" .* has no value/],
  ['empty', 'zone', { 'terraform.tfvars': 'zone = ""' }, /is not a plain text/],
  ['no text', 'zone', { 'terraform.tfvars': 'zone = ["a"]' }, /is not a plain text/],
  ['declared nowhere', 'region', { 'terraform.tfvars': 'region = "a"' }, /declares no variable "region"/],
  ['only used', 'region', { 'other.tf': 'output "variable" { value = var.region }' }, /declares no variable "region"/],
  ['in a file with a mistake', 'zone', { 'terraform.tfvars': 'zone = ' }, /Invalid expression|Missing/],
] as [string, string, Record<string, string>, RegExp][]) {
  inputs(`configuration is wrong: ${what}`, async ({ layers }) => {
    await layers.write(Object.fromEntries(Object.entries(files).map(([file, text]) => [`00-vpc/${file}`, text])))
    const { code, message: said, hint } = await failure(layers.terraform().input('00-vpc', name))
    assert.is(code, 3)
    assert.match(said, message)
    assert.match(hint, /00-vpc|variables/)
    assert.equal(await layers.left(), [])
  })
}

inputs('a failure is not remembered', async ({ layers }) => {
  const terraform = layers.terraform()
  await failure(terraform.input('00-vpc', 'zone'))
  await layers.write({ '00-vpc/terraform.tfvars': 'zone = "a"' })
  assert.is(await terraform.input('00-vpc', 'zone'), 'a')
})

inputs('a layer without a root is said to have none', async ({ layers }) => {
  const { code, message } = await failure(layers.terraform({ layers: ['05-x'] }).input('05-x', 'zone'))
  assert.is(code, 3)
  assert.match(message, 'layer 05-x has no environment lab')
})
inputs.run()

const backend = suite<Context>('where the state is kept, before there is a bucket')
backend.before(() => ensureTerraform())
backend.before.each(make)
backend.after.each(remove)

for (const [what, config, block, bucket, object] of [
  ['as the files say', 'bucket = "state"', 'prefix = "00-vpc/state"', 'state', '00-vpc/state/default.tfstate'],
  ['not as comments say', '# bucket = "b"\nbucket = "a" # "c"', 'prefix = "/p//q"', 'a', 'p/q/default.tfstate'],
  ['in the root alone', '', 'bucket = "root"', 'root', 'default.tfstate'],
  ['the configuration over the root', 'bucket = "a"\nprefix = "c"', 'prefix = "r"', 'a', 'c/default.tfstate'],
] as const) {
  backend(what, async ({ layers }) => {
    await layers.write({ 'backend.hcl': config, '00-vpc/versions.tf': backendBlock(block), '00-vpc/main.tf': '' })
    const terraform = layers.terraform()
    assert.equal([await terraform.bucket(), await terraform.stateObject('00-vpc')], [bucket, object])
    assert.equal(await layers.left(), [])
  })
}

for (const [what, config, block, message] of [
  ['no bucket', '', backendBlock('prefix = "p"'), /nothing names the bucket of 00-vpc: neither .*backend\.hcl nor/],
  ['no backend', 'bucket = "b"', '', /it has none/],
  ['another backend', 'path = "x"', 'terraform {\n  backend "local" {}\n}', /storage_custom_endpoint|backend "local"/],
  ['a mistake', 'bucket = ', backendBlock(''), /Invalid expression|Missing/],
] as const) {
  backend(`configuration is wrong: ${what}`, async ({ layers }) => {
    await layers.write({ 'backend.hcl': config, '00-vpc/versions.tf': block, '00-vpc/main.tf': '' })
    const { code, message: said } = await failure(layers.terraform().bucket())
    assert.is(code, 3)
    assert.match(said, message)
  })
}
backend('its file is missing, and the root names no bucket', async ({ layers }) => {
  await rm(join(layers.directory, 'backend.hcl'))
  const { code, message, hint } = await failure(layers.terraform({ backendConfig: 'backend.hcl' }).bucket())
  assert.is(code, 4)
  assert.match(message, /nothing names the bucket of 00-vpc: the backend configuration backend\.hcl is missing/)
  assert.match(message, `${layers.directory}/00-vpc/envs/lab`)
  assert.match(hint ?? '', /bucket = .* or name the bucket in the block/)
})

for (const [what, files, bucket, object] of [
  ['in the root', { '00-vpc/backend.hcl': 'bucket = "own"' }, 'own', 'p/default.tfstate'],
  [
    'in both: the root’s',
    { 'backend.hcl': 'bucket = "all"\nprefix = "all"', '00-vpc/backend.hcl': 'bucket = "own"' },
    'own',
    'p/default.tfstate',
  ],
  [
    'nowhere: the root says all',
    { '00-vpc/versions.tf': backendBlock('bucket = "root"\nprefix = "r"') },
    'root',
    'r/default.tfstate',
  ],
  ['nowhere, and no prefix', { '00-vpc/versions.tf': backendBlock('bucket = "root"') }, 'root', 'default.tfstate'],
] as [string, Record<string, string>, string, string][]) {
  backend(`its file is ${what}`, async ({ layers }) => {
    await rm(join(layers.directory, 'backend.hcl'))
    await layers.write({ '00-vpc/versions.tf': backendBlock('prefix = "p"'), '00-vpc/main.tf': '', ...files })
    const terraform = layers.terraform({ backendConfig: 'backend.hcl' })
    assert.equal([await terraform.bucket(), await terraform.stateObject('00-vpc')], [bucket, object])
  })
}

backend('a layer without any backend has no bucket, whether there is a file or not', async ({ layers }) => {
  await layers.write({ '00-vpc/main.tf': 'output "it" { value = 1 }' })
  for (const backendConfig of ['backend.hcl', 'none.hcl']) {
    const { code, message } = await failure(layers.terraform({ backendConfig }).bucket())
    assert.is(code, 3)
    assert.match(message, /it has none/)
  }
})
backend.run()
