import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { operator } from '../../lib/operation/operator.ts'
import { writeAtomically } from '../../lib/runtime/files.ts'
import { identityOf } from '../../lib/runtime/processes.ts'
import { type Checkout, killOnce, makeCheckout, type Ran } from './support/checkout.ts'
import { type Cloud, cloudOf, type Footprint } from './support/cloud.ts'
import { bringUp } from './support/kept-lab.ts'

/**
 * Nothing is destroyed unasked, and nothing is taken in that is not ours: what the user changes, what somebody changes past the
 * toolkit, and what each verb then does to the bucket and the project. One story, in order.
 */
const story = suite<{ checkout: Checkout; cloud: Cloud }>('a guarded system')

const VARIABLES = 'terraform/00-vpc/envs/lab/terraform.tfvars'
const NETWORKING = 'terraform/modules/vpc/networking/main.tf'
const ENVIRONMENT = 'environments/lab.yaml'
const STATE = '00-vpc/state/default.tfstate'
const LOCK = '00-vpc/state/default.tflock'

const VM = 'module.compute.google_compute_instance.this'
const DISK = 'module.compute.google_compute_disk.boot'
const SUBNET = 'module.networking.google_compute_subnetwork.this'
const NETWORK = 'module.networking.google_compute_network.this'
const FIREWALL = 'module.networking.google_compute_firewall.iap'

const VERBS_THAT_CHANGE = [
  ['up'],
  ['down'],
  ['layer:apply'],
  ['layer:destroy', '02-argocd-app'],
  ['snapshot'],
  ['bootstrap'],
  ['kubeconfig'],
  ['dr-drill'],
  ['verify', '--fix'],
] as const

story.before(async context => {
  context.checkout = await makeCheckout()
  ended(await bringUp(context.checkout), 0)
  context.cloud = await cloudOf(context.checkout)
})
story.after(async ({ checkout }) => checkout.remove())

function ended(ran: Ran, code: number): Ran {
  assert.is(ran.code, code, `exit code ${ran.code} after ${ran.ms} ms\n${ran.stderr}\n${ran.stdout.slice(-3000)}`)
  return ran
}

/** What a refusal says, with its hint. */
const saidBy = ({ document }: Ran): string => {
  const { message, hint } = document.error as { message: string; hint: string }
  return `${message}\n${hint}`
}
const refused = (ran: Ran): string => saidBy(ended(ran, 4))

function says(text: string, ...parts: (string | RegExp)[]): void {
  for (const part of parts) assert.match(text, part)
}

/** Changes a file of the checkout as a user does, or back. */
async function edit({ directory }: Checkout, file: string, change: (text: string) => string): Promise<void> {
  const path = join(directory, file)
  const before = await readFile(path, 'utf8')
  const after = change(before)
  assert.is.not(after, before, `${file} has nothing to change`)
  await writeFile(path, after)
}
const replaced = (from: string, to: string) => (text: string) => text.replace(from, to)

const CIDR = '\nsubnet_cidr = "10.143.0.0/20"\n'
const [ZONE, OTHER_ZONE] = ['"us-east1-b"', '"us-east1-c"']

/** Runs something, and holds that neither the bucket nor the project is any different afterwards. */
async function changesNothing<T>(cloud: Cloud, work: () => Promise<T>): Promise<T> {
  const before = await cloud.footprint()
  const result = await work()
  same(await cloud.footprint(), before)
  return result
}
function same(after: Footprint, before: Footprint): void {
  assert.equal(after.objects, before.objects)
  assert.equal(after.resources, before.resources)
}

/** An object of the bucket, put back as it was whatever the work has left of it. */
async function puttingBack(cloud: Cloud, object: string, work: () => Promise<void>): Promise<void> {
  const before = (await cloud.read(object)) ?? ''
  assert.ok(before, `${object} is there`)
  await work()
  await cloud.write(object, before)
}

const allowing = (...addresses: string[]) => addresses.flatMap(address => ['--allow-destroy', address])

story('an input that replaces the subnet: up and layer:apply stop before anything is applied', async ({ checkout, cloud }) => {
  await edit(checkout, VARIABLES, text => text + CIDR)
  await changesNothing(cloud, async () => {
    for (const ran of [await checkout.json('up'), await checkout.json('layer:apply', '00-vpc', '--yes')]) {
      const said = refused(ran)
      says(said, '00-vpc would destroy 1 object; nothing has been applied', `replace ${SUBNET} · threads-lab-subnet`)
      says(said, `run \`up\` or \`layer:apply\` with:\n  --allow-destroy ${SUBNET}`)
    }
    const dry = ended(await checkout.json('up', '--dry-run'), 4)
    says(JSON.stringify(dry.document.phases), `replace ${SUBNET} · threads-lab-subnet`)
    const plan = ended(await checkout.json('layer:plan', '00-vpc'), 8)
    says(JSON.stringify(plan.document.phases), `replace ${SUBNET} · threads-lab-subnet`)
  })
  await edit(checkout, VARIABLES, replaced(CIDR, ''))
})

story('one that replaces VM and disk: what they hold is said, and the lost disk before', async ({ checkout, cloud }) => {
  await edit(checkout, VARIABLES, replaced(ZONE, OTHER_ZONE))
  await changesNothing(cloud, async () => {
    says(refused(await checkout.json('layer:apply', '00-vpc', '--yes', ...allowing('*'))), 'would make an empty disk')
    const said = refused(await checkout.json('up', '--fresh'))
    says(said, '00-vpc would destroy 2 objects', `replace ${VM} · threads-lab-vm · VM`)
    says(
      said,
      /replace module\.compute\.google_compute_disk\.boot · threads-lab-vm-boot · disk, 50 GB, newest snapshot threads-lab-vm-01-k8s-\S+ \(/,
    )
    says(said, `--allow-destroy ${VM}`, `--allow-destroy ${DISK}`)
  })
})

story('guards.destroy: false: no allowance lets data through, and down is refused', async ({ checkout, cloud }) => {
  await edit(checkout, ENVIRONMENT, replaced('destroy: true', 'destroy: false'))
  await changesNothing(cloud, async () => {
    const said = refused(await checkout.json('layer:apply', '00-vpc', '--yes', '--fresh', ...allowing('*')))
    says(said, '00-vpc would destroy 2 objects', 'holds data', 'guards.destroy is false')
    says(refused(await checkout.json('down', '--yes')), 'set guards.destroy in environments/lab.yaml')
    says(refused(await checkout.json('layer:destroy', '02-argocd-app', '--yes')), 'guards.destroy')
  })
  await edit(checkout, ENVIRONMENT, replaced('destroy: false', 'destroy: true'))
  await edit(checkout, VARIABLES, replaced(OTHER_ZONE, ZONE))
})

story('a dry run neither changes anything nor frees a dead process’s lock', async ({ checkout, cloud }) => {
  await cloud.write(
    LOCK,
    JSON.stringify({
      ID: '6e8b4b9e-4f0f-4d7c-8a0a-1d1c9a3f1c11',
      Operation: 'OperationTypeApply',
      Info: '',
      Who: operator(),
      Version: '1.5.7',
      Created: new Date().toISOString(),
      Path: `gs://threads-ops-lab-tfstate/${LOCK}`,
    }),
  )
  const holder = { process: { ...identityOf(process.pid), pid: 2 ** 22 + 1 }, began: Date.now() }
  const record = join(
    checkout.directory,
    '.lab/terraform/00-vpc/envs/lab/.terraform/threads-ops-holders',
    String(holder.process.pid),
  )
  await writeAtomically(record, JSON.stringify(holder))
  // Nobody else frees it: whatever waited for it would fail.
  await changesNothing(cloud, async () => {
    for (const [verb, ...args] of VERBS_THAT_CHANGE) {
      const dry = await checkout.json(verb, ...args, '--dry-run')
      assert.ok(dry.code === 0 || dry.code === 8, `${verb}: exit code ${dry.code}\n${dry.stderr}`)
    }
    ended(await checkout.json('layer:plan'), 0)
  })
})

const renameFirewall = (checkout: Checkout, from: string, to: string) =>
  edit(checkout, NETWORKING, replaced(`\${var.name}-allow-${from}"`, `\${var.name}-allow-${to}"`))

story('an allowance for another address lets nothing through', async ({ checkout, cloud }) => {
  await renameFirewall(checkout, 'iap', 'ssh')
  await changesNothing(cloud, async () => {
    const said = refused(await checkout.json('layer:apply', '00-vpc', '--yes', ...allowing(SUBNET, `${FIREWALL}[0]`)))
    says(said, `replace ${FIREWALL} · threads-lab-allow-iap`, `--allow-destroy ${FIREWALL}`)
  })
})

story('one for exactly that address does; the apply frees the dead process’s lock', async ({ checkout, cloud }) => {
  const ran = ended(await checkout.json('layer:apply', '00-vpc', ...allowing(FIREWALL)), 0)
  says(ran.stderr, 'freeing the state lock of 00-vpc')
  assert.ok(ran.ms < 60_000, `it waited for nobody: ${ran.ms} ms`)
  assert.is(await cloud.read(LOCK), undefined)
  assert.is(await cloud.find('global/firewalls/threads-lab-allow-iap'), undefined)
  assert.ok(await cloud.find('global/firewalls/threads-lab-allow-ssh'))
  assert.ok(await cloud.find(`zones/${cloud.zone}/instances/threads-lab-vm`))
})

story('a rule that was made anew by hand would be replaced: up stops', async ({ checkout, cloud }) => {
  const path = 'global/firewalls/threads-lab-allow-ssh'
  const rule = (await cloud.find(path)) as { network: string; allowed: unknown }
  await cloud.delete(path)
  await cloud.insert('global/firewalls', {
    name: 'threads-lab-allow-ssh',
    network: rule.network,
    direction: 'EGRESS',
    allowed: rule.allowed,
  })
  await changesNothing(cloud, async () =>
    says(refused(await checkout.json('up')), `replace ${FIREWALL} · threads-lab-allow-ssh`, `--allow-destroy ${FIREWALL}`),
  )
  ended(await checkout.json('layer:apply', '00-vpc', ...allowing(FIREWALL)), 0)
})

story('killed between making a rule and recording it: another machine takes the rule in', async ({ checkout, cloud }) => {
  await renameFirewall(checkout, 'ssh', 'iap')
  ended(await checkout.task('lab:fault', '--', 'delay', '--route', 'GET /compute/**/operations/*', '--ms', '10000'), 0)
  await killOnce(
    checkout,
    ['layer:apply', '--', '00-vpc', ...allowing(FIREWALL)],
    'the new rule to be there',
    async () => (await cloud.find('global/firewalls/threads-lab-allow-iap')) !== undefined,
  )
  ended(await checkout.task('lab:fault', '--', '--clear'), 0)
  const rule = await cloud.find('global/firewalls/threads-lab-allow-iap')

  await rename(join(checkout.directory, '.runs'), join(checkout.directory, '.runs-of-another-machine'))
  const ran = ended(await checkout.json('layer:apply', '00-vpc', ...allowing(FIREWALL)), 0)
  says(ran.stderr, 'made by an interrupted run', FIREWALL)
  assert.is((await cloud.find('global/firewalls/threads-lab-allow-iap'))?.id, rule?.id)
  ended(await checkout.json('layer:plan', '00-vpc'), 0)
})

story('another tree’s state behind the same prefix: up stops', async ({ checkout, cloud }) => {
  await cloud.insert('global/networks', { name: 'their-network', autoCreateSubnetworks: false })
  await puttingBack(cloud, STATE, async () => {
    await cloud.write(STATE, JSON.stringify(theirState()))
    await changesNothing(cloud, async () => {
      // The first rule that stops it: this environment has snapshots, and the plan begins with an empty disk.
      says(refused(await checkout.json('up')), `${DISK}: disk threads-lab-vm-boot`, 'restore', '--fresh')
      // Past that one, the next.
      says(refused(await checkout.json('up', '--fresh')), 'delete google_compute_network.theirs · their-network')
    })
  })
  await cloud.delete('global/networks/their-network')
})

const theirState = () => ({
  version: 4,
  terraform_version: '1.5.7',
  serial: 7,
  lineage: '1f9c7a52-5f0b-4a62-9c0e-b6a1f2a9d001',
  outputs: {},
  resources: [
    {
      mode: 'managed',
      type: 'google_compute_network',
      name: 'theirs',
      provider: 'provider["registry.terraform.io/hashicorp/google"]',
      instances: [
        {
          schema_version: 0,
          attributes: {
            id: 'projects/web-service-design/global/networks/their-network',
            name: 'their-network',
            project: 'web-service-design',
            auto_create_subnetworks: false,
          },
          sensitive_attributes: [],
        },
      ],
    },
  ],
  check_results: null,
})

story(
  'objects without a state: none is taken in, none is made, and the import blocks are shown',
  async ({ checkout, cloud }) => {
    await puttingBack(cloud, STATE, async () => {
      await cloud.remove(STATE)
      await changesNothing(cloud, async () =>
        // The rule of the lost disk comes first here, too.
        says(refused(await checkout.json('up')), `${DISK}: disk threads-lab-vm-boot`),
      )
      await changesNothing(cloud, async () => {
        const said = refused(await checkout.json('up', '--fresh'))
        says(said, 'would make what exists already', 'Importing it makes it this tree’s')
        says(
          said,
          /import \{\n {2}to = module\.networking\.google_compute_network\.this\n {2}id = "projects\/.*threads-lab-network"/,
        )
        says(said, `to = ${NETWORK}`, `to = ${DISK}`)
        says(refused(await checkout.json('layer:apply', '00-vpc', '--fresh', '--yes')), `to = ${NETWORK}`)
      })
    })
    ended(await checkout.json('layer:plan', '00-vpc'), 0)
  },
)

story('VM and disk deleted by hand, with a snapshot there: up makes none anew', async ({ checkout, cloud }) => {
  await cloud.delete(`zones/${cloud.zone}/instances/threads-lab-vm`)
  await cloud.delete(`zones/${cloud.zone}/disks/threads-lab-vm-boot`)
  await changesNothing(cloud, async () => {
    for (const ran of [await checkout.json('up'), await checkout.json('layer:apply', '--yes', ...allowing('*'))]) {
      says(refused(ran), 'would make an empty disk where there are snapshots', `${DISK}: disk threads-lab-vm-boot`)
      says(saidBy(ran), /the newest of 1 snapshot is threads-lab-vm-01-k8s-\d{8}-\d{6}/, 'restore', '--fresh')
    }
    ended(await checkout.json('up', '--dry-run'), 4)
  })
})

story('with --fresh it begins anew, and the snapshot stays', async ({ checkout }) => {
  const snapshots = async () => (await checkout.json('snapshot:list')).document.snapshots?.map(({ name }) => name) ?? []
  const [before] = await snapshots()
  const up = ended(await checkout.json('up', '--fresh'), 0)
  assert.is(up.document.phases?.at(-1)?.id, 'verified')
  assert.ok((await snapshots()).includes(before ?? ''))
})

story.run()
