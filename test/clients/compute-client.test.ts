import { DisksClient, InstancesClient, SnapshotsClient, ZoneOperationsClient } from '@google-cloud/compute'
import { OAuth2Client } from 'google-auth-library'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

interface Context {
  lab: TestLab
}

const client = suite<Context>('@google-cloud/compute')

client.before(async context => {
  context.lab = await TestLab.start()
  await context.lab.makeInstance()
})
client.after(({ lab }) => lab.stop())

function options({ port }: TestLab) {
  const authClient = new OAuth2Client()
  authClient.setCredentials({ access_token: TOKEN })
  // The client bundles its own copy of the auth library, whose types are nominal.
  return {
    apiEndpoint: '127.0.0.1',
    port,
    protocol: 'http',
    projectId: PROJECT,
    authClient: authClient as never,
    fallback: true,
  } as const
}

const where = { project: PROJECT, zone: 'us-east1-b' }

client('creates and lists snapshots', async ({ lab }) => {
  const [{ latestResponse }] = (await new DisksClient(options(lab)).createSnapshot({
    ...where,
    disk: 'threads-lab-vm',
    snapshotResource: { name: 'one', labels: { layer: '00-vpc' } },
    requestId: '7d9c1d0e-0000-4000-8000-000000000002',
  })) as unknown as [{ latestResponse: { name: string } }]
  const [operation] = await new ZoneOperationsClient(options(lab)).wait({ ...where, operation: latestResponse.name })
  assert.is(operation.status, 'DONE')
  const snapshots = new SnapshotsClient(options(lab))
  const [found] = await snapshots.list({ project: PROJECT, filter: 'labels.layer="00-vpc"' })
  assert.equal(
    found.map(({ name, status, diskSizeGb, labels }) => ({ name, status, diskSizeGb, labels })),
    [{ name: 'one', status: 'READY', diskSizeGb: '50', labels: { layer: '00-vpc' } }],
  )
  const [none] = await snapshots.list({ project: PROJECT, filter: 'labels.layer="01-k8s"' })
  assert.equal(none, [])
})

client('gets, stops and starts instances', async ({ lab }) => {
  const instances = new InstancesClient(options(lab))
  const operations = new ZoneOperationsClient(options(lab))
  const [instance] = await instances.get({ ...where, instance: 'threads-lab-vm' })
  assert.is(instance.status, 'RUNNING')
  for (const verb of ['stop', 'start'] as const) {
    const [{ latestResponse }] = (await instances[verb]({ ...where, instance: 'threads-lab-vm' })) as unknown as [
      { latestResponse: { name: string } },
    ]
    const [operation] = await operations.wait({ ...where, operation: latestResponse.name })
    assert.is(operation.operationType, verb)
  }
})

client('tells what is wrong by its HTTP status', async ({ lab }) => {
  const error = await new InstancesClient(options(lab)).get({ ...where, instance: 'nobody' }).then(
    () => undefined,
    thrown => thrown,
  )
  assert.is(error?.httpStatusCode, 404)
})

client.run()
