import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { copyTerraform } from '../../lab/lifecycle/terraform-copy.ts'
import { type Layout, layoutOf } from '../../lab/state/layout.ts'
import { prepareTerraform } from '../../lab/tools/terraform.ts'
import { makeKey } from './host/sshd.ts'
import { PROJECT, TestLab } from './support/lab.ts'
import { ensureTerraform, killTerraform, Root } from './support/terraform.ts'

interface Context {
  lab: TestLab
  layout: Layout
  root: Root
}

const provider = suite<Context>("Terraform's google provider, with the layer 00-vpc")

provider.before(() => ensureTerraform('terraform-provider-google'))
provider.before.each(async context => {
  const lab = await TestLab.start()
  const layout = layoutOf(join(lab.directory, 'lab'))
  await mkdir(dirname(layout.sshKey), { recursive: true })
  makeKey(layout.sshKey)
  await prepareTerraform(layout)
  await copyTerraform(layout)
  const bucket = 'threads-lab-terraform-state'
  await lab.request('POST', `/storage/v1/b?project=${PROJECT}`, { name: bucket, versioning: { enabled: true } })
  // A backend of the tests' own: the layer's names whichever bucket it likes.
  const directory = join(layout.terraform, '00-vpc/envs/lab')
  await writeFile(join(directory, 'backend_override.tf'), `terraform {\n  backend "gcs" {\n    bucket = "${bucket}"\n  }\n}\n`)
  context.root = Root.at(lab, directory, layout.terraformConfig)
  await context.root.run('init')
  Object.assign(context, { lab, layout })
})
provider.after.each(({ lab }) => {
  killTerraform()
  return lab.stop()
})

provider('makes everything, finds it as it was made, and takes it away', async ({ lab, root }) => {
  await root.run('apply -auto-approve')
  assert.match(await root.run('plan -detailed-exitcode'), 'No changes')
  assert.is(lab.hypervisor.machines.size, 1)
  const vm = await lab.compute<{ status: string; labels: object }>('GET', 'zones/us-east1-b/instances/threads-lab-vm')
  assert.is(vm.status, 'RUNNING')
  // Terraform reads what somebody changed behind its back, and changes it back.
  await lab.done('POST', 'zones/us-east1-b/instances/threads-lab-vm/stop')
  assert.match(await root.run('apply -auto-approve'), 'Apply complete')
  await root.run('destroy -auto-approve')
  assert.is(lab.hypervisor.machines.size, 0)
  const { items } = await lab.compute<{ items?: object[] }>('GET', 'global/networks')
  assert.is(items, undefined)
})

provider('goes on after answers that were lost, and after a backend that was busy', async ({ lab, root }) => {
  await lab.request('POST', '/lab/faults', { kind: 'status', status: 503, route: 'GET /compute/**', times: 3 })
  await lab.request('POST', '/lab/faults', { kind: 'lost-answer', route: 'GET /compute/**', times: 1, skip: 5 })
  await root.run('apply -auto-approve')
  assert.match(await root.run('plan -detailed-exitcode'), 'No changes')
})

provider.run()
