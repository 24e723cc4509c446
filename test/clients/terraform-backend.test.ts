import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { OpsError } from '../../lib/runtime/errors.ts'
import { waitFor } from '../../lib/runtime/wait.ts'
import { createTerraform } from '../../lib/terraform/terraform.ts'
import { PROJECT, TestLab } from './support/lab.ts'
import { ensureTerraform, killTerraform, Root, terraformProgram } from './support/terraform.ts'

interface Context {
  lab: TestLab
}

const backend = suite<Context>("Terraform's gcs backend")

backend.before(() => ensureTerraform())
backend.before.each(async context => {
  context.lab = await TestLab.start()
  const versioning = { enabled: true }
  await context.lab.request('POST', `/storage/v1/b?project=${PROJECT}`, { name: 'state', location: 'us-east1', versioning })
})
backend.after.each(({ lab }) => {
  killTerraform()
  return lab.stop()
})

/** `seconds` is how long an apply takes, and so how long it holds the lock. */
const main = (prefix: string): string => `
terraform {
  backend "gcs" {
    bucket = "state"
    prefix = "${prefix}"
  }
}
variable "serial" { default = "1" }
variable "seconds" { default = "0" }
resource "terraform_data" "it" {
  input            = var.serial
  triggers_replace = var.serial
  provisioner "local-exec" { command = "sleep \${var.seconds}" }
}
output "serial" { value = terraform_data.it.output }
`

const apply = (serial: number, seconds = 0): string => `apply -auto-approve -var=serial=${serial} -var=seconds=${seconds}`

/** The generation of the lock's object, which is the lock's id. */
async function lockId(lab: TestLab): Promise<string | undefined> {
  const answer = await lab.request('GET', '/storage/v1/b/state/o/00-vpc%2Fstate%2Fdefault.tflock')
  return answer.ok ? ((await answer.json()) as { generation: string }).generation : undefined
}

const locked = (lab: TestLab): Promise<string> =>
  waitFor({ what: 'the lock', within: 20_000, every: 50, probe: () => lockId(lab) })

backend('keeps state, versions of it, and workspaces', async ({ lab }) => {
  const root = await Root.make(lab, 'first', main('00-vpc/state'))
  await root.run(apply(1))
  await root.run(apply(2))
  assert.is(await lockId(lab), undefined)
  const other = await Root.make(lab, 'second', main('00-vpc/state'))
  assert.is((await other.run('output -raw serial')).trim(), '2')
  assert.match(await other.run('plan -detailed-exitcode -var=serial=2'), 'No changes')
  const versions = await lab.request('GET', '/storage/v1/b/state/o?versions=true&prefix=00-vpc/state/default.tfstate')
  assert.ok(((await versions.json()) as { items: object[] }).items.length >= 2)
  await root.run('workspace new side')
  assert.match(await root.run('workspace list'), /default\s+\* side/)
})

backend('is read by another layer', async ({ lab }) => {
  const root = await Root.make(lab, 'lower', main('00-vpc/state'))
  await root.run(apply(7))
  const upper = await Root.make(
    lab,
    'upper',
    `data "terraform_remote_state" "lower" {
      backend = "gcs"
      config  = { bucket = "state", prefix = "00-vpc/state" }
    }
    output "serial" { value = data.terraform_remote_state.lower.outputs.serial }`,
  )
  assert.match(await upper.run('plan'), 'serial = "7"')
})

backend('one of two gets the lock; the other is told who has it, or waits', async ({ lab }) => {
  const [holder, other] = [
    await Root.make(lab, 'holder', main('00-vpc/state')),
    await Root.make(lab, 'other', main('00-vpc/state')),
  ]
  const { ended } = holder.start(apply(1, 6))
  const id = await locked(lab)
  const refused = await other.failure('plan -lock-timeout=0s')
  assert.match(refused, 'Error acquiring the state lock')
  assert.match(refused, `ID:        ${id}`)
  assert.match(refused, /Operation: OperationTypeApply/)
  const late = await other.failure('plan -lock-timeout=1s')
  assert.match(late, 'Error acquiring the state lock')
  assert.match(await other.run('plan -lock-timeout=60s'), 'No changes')
  assert.is((await ended).code, 0)
})

backend('a killed run leaves its lock, which its id alone opens', async ({ lab }) => {
  const [killed, next] = [
    await Root.make(lab, 'killed', main('00-vpc/state')),
    await Root.make(lab, 'next', main('00-vpc/state')),
  ]
  const { ended, kill } = killed.start(apply(1, 30))
  const id = await locked(lab)
  kill()
  await ended
  assert.is(await lockId(lab), id)
  assert.match(await next.failure('plan -lock-timeout=0s'), id)
  assert.match(await next.failure('force-unlock -force 12345'), 'Failed to unlock state: googleapi: Error 412')
  await next.run(`force-unlock -force ${id}`)
  assert.is(await lockId(lab), undefined)
  await next.run(apply(3))
})

backend('out of reach, it is given up when it has said nothing for long', async ({ lab }) => {
  const directory = join(lab.directory, 'terraform')
  const root = join(directory, '00-vpc/envs/lab')
  await mkdir(root, { recursive: true })
  await writeFile(join(root, 'main.tf'), main('00-vpc/state'))
  await writeFile(join(directory, 'backend.hcl'), 'bucket = "state"\n')
  const nowhere = 'http://127.0.0.1:9'
  const terraform = createTerraform({
    ...{ program: terraformProgram(), directory, env: 'lab', backendConfig: join(directory, 'backend.hcl') },
    ...{ layers: ['00-vpc'], plans: join(directory, 'plans'), signal: new AbortController().signal, silence: 2000 },
    variables: async () => ({
      GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT: `${nowhere}/storage/v1/`,
      GOOGLE_OAUTH_ACCESS_TOKEN: 'x',
    }),
  })
  const error = await terraform.state('00-vpc').then(
    () => undefined,
    (thrown: OpsError) => thrown,
  )
  assert.is(error?.code, 124)
  assert.match(error?.message ?? '', 'terraform init of 00-vpc: Terraform said nothing for 2.0 s')
})

backend.run()
