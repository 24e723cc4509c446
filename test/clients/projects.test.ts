import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { OTHER_PROJECT, PROJECT, TestLab } from './support/lab.ts'

/** Two environments side by side: the same names and ranges in two projects, none touching the other. */
const story = suite<{ lab: TestLab }>('two projects')

story.before(async context => {
  context.lab = await TestLab.start()
  for (const project of [PROJECT, OTHER_PROJECT]) await context.lab.makeInstance('vm', {}, project)
})
story.after(({ lab }) => lab.stop())

const both = [PROJECT, OTHER_PROJECT]
const answer = async <T>(response: Promise<Response>): Promise<T> => (await (await response).json()) as T

story('each has its machine, of the same name and address, in a network of its own', async ({ lab }) => {
  for (const project of both) {
    const path = 'zones/us-east1-b/instances'
    const { items = [] } = await lab.compute<{ items?: { name: string; selfLink: string }[] }>('GET', path, undefined, project)
    assert.equal(
      items.map(({ selfLink }) => selfLink.split('/projects/')[1]),
      [`${project}/zones/us-east1-b/instances/vm`],
    )
  }
  assert.equal(
    [...lab.hypervisor.machines.values()].map(({ network, address, subnet }) => [network, address, subnet.gateway]),
    both.map(project => [`projects/${project}/global/networks/net`, '10.142.0.2', '10.142.0.1']),
  )
})

story('an address in one is free in the other', async ({ lab }) => {
  const reserve = (project: string) => {
    const address = { name: 'one', addressType: 'INTERNAL', subnetwork: 'regions/us-east1/subnetworks/subnet' }
    return lab.done('POST', 'regions/us-east1/addresses', { ...address, address: '10.142.0.9' }, project)
  }
  for (const project of both) assert.is((await reserve(project)).error, undefined)
  const { items = [] } = await lab.compute<{ items?: { status: string }[] }>('GET', 'regions/us-east1/addresses')
  assert.equal(
    items.map(({ status }) => status),
    ['RESERVED'],
  )
})

story('the machines run as their own projects’ accounts, which have numbers of their own', async ({ lab }) => {
  const numbers = await Promise.all(
    both.map(async project => {
      const { id, defaultServiceAccount } = await lab.compute<Record<string, string>>('GET', '', undefined, project)
      const { projectNumber } = await answer<Record<string, string>>(lab.request('GET', `/v1/projects/${project}`))
      assert.is(defaultServiceAccount, `${projectNumber}-compute@developer.gserviceaccount.com`)
      assert.is(id, projectNumber)
      return id
    }),
  )
  assert.is(new Set(numbers).size, 2)
})

story('buckets, accounts, services and policies are of one project', async ({ lab }) => {
  const enabled = async (project: string) =>
    (await answer<{ services?: object[] }>(lab.request('GET', `/v1/projects/${project}/services?filter=state:ENABLED`)))
      .services
  await lab.request('POST', `/storage/v1/b?project=${PROJECT}`, { name: 'one-state' })
  await lab.request('POST', `/storage/v1/b?project=${OTHER_PROJECT}`, { name: 'other-state' })
  await lab.request('POST', `/v1/projects/${PROJECT}/serviceAccounts`, { accountId: 'runner' })
  await lab.request('POST', `/v1/projects/${PROJECT}/services/compute.googleapis.com:enable`, {})
  const member = `serviceAccount:runner@${PROJECT}.iam.gserviceaccount.com`
  const policy = { bindings: [{ role: 'roles/viewer', members: [member] }] }
  assert.is((await lab.request('POST', `/v1/projects/${PROJECT}:setIamPolicy`, { policy })).status, 200)
  for (const [project, bucket, count] of [
    [PROJECT, 'one-state', 1],
    [OTHER_PROJECT, 'other-state', 0],
  ] as const) {
    const { items = [] } = await answer<{ items?: { name: string }[] }>(lab.request('GET', `/storage/v1/b?project=${project}`))
    assert.equal(
      items.map(({ name }) => name),
      [bucket],
    )
    const { accounts = [] } = await answer<{ accounts?: object[] }>(
      lab.request('GET', `/v1/projects/${project}/serviceAccounts`),
    )
    const { bindings = [] } = await answer<{ bindings?: object[] }>(
      lab.request('POST', `/v1/projects/${project}:getIamPolicy`, {}),
    )
    assert.equal([accounts.length, (await enabled(project))?.length ?? 0, bindings.length], [count, count, count], project)
  }
})

story('what is deleted in one stays in the other', async ({ lab }) => {
  await lab.done('DELETE', 'zones/us-east1-b/instances/vm')
  assert.equal([...lab.hypervisor.machines.keys()], [`${OTHER_PROJECT}/us-east1-b/vm`])
})

story('a project that there is none of', async ({ lab }) => {
  assert.is((await lab.request('GET', '/compute/v1/projects/nobodys-project')).status, 404)
  assert.is((await lab.request('GET', '/v1/projects/nobodys-project')).status, 403)
  assert.is((await lab.request('POST', '/storage/v1/b?project=nobodys-project', { name: 'state-3' })).status, 404)
})

story("provider google's own clients put a version of theirs behind the one in the endpoint", async ({ lab }) => {
  for (const base of ['/v1', '/v1/v1']) {
    assert.is((await lab.request('GET', `${base}/projects/${PROJECT}`)).status, 200, base)
    assert.is((await lab.request('POST', `${base}/projects/${PROJECT}:getIamPolicy`)).status, 200, base)
    assert.is((await lab.request('GET', `${base}/projects/${PROJECT}/services`)).status, 200, base)
  }
})

story.run()
