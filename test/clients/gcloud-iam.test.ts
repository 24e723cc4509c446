// needs: gcloud
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CloudSdk } from './support/cloud-sdk.ts'
import { OTHER_PROJECT, PROJECT, TestLab } from './support/lab.ts'

interface Context {
  lab: TestLab
  sdk: CloudSdk
}

const gcloud = suite<Context>('gcloud iam and projects')

gcloud.before.each(async context => {
  context.lab = await TestLab.start()
  context.sdk = await CloudSdk.for(context.lab)
})
gcloud.after.each(({ lab }) => lab.stop())

const EMAIL = `threads-lab-vm@${PROJECT}.iam.gserviceaccount.com`
const accounts = 'iam service-accounts'

gcloud('service accounts', async ({ lab, sdk }) => {
  await sdk.gcloud('iam', 'service-accounts', 'create', 'threads-lab-vm', '--display-name=the VM', '--description=runs k0s')
  for (const accountId of ['another-one', 'yet-another']) {
    await lab.request('POST', `/v1/projects/${PROJECT}/serviceAccounts`, { accountId })
  }
  const [account, listed, again, bad] = await Promise.all([
    sdk.json<Record<string, string>>(`${accounts} describe ${EMAIL}`),
    sdk.json<{ email: string }[]>(`${accounts} list --sort-by=email`),
    sdk.failure(`${accounts} create threads-lab-vm`),
    sdk.failure(`${accounts} create short`),
    sdk.do(`${accounts} add-iam-policy-binding ${EMAIL} --member=user:a@b.invalid --role=roles/iam.serviceAccountUser`),
  ])
  assert.equal([account.displayName, account.description, account.projectId], ['the VM', 'runs k0s', PROJECT])
  assert.match(account.uniqueId ?? '', /^\d{21}$/)
  assert.is(listed.length, 3)
  assert.match(again, `Service account threads-lab-vm already exists within project projects/${PROJECT}`)
  assert.match(bad, 'short')
  const { bindings } = await sdk.json<{ bindings: object[] }>(`${accounts} get-iam-policy ${EMAIL}`)
  assert.equal(bindings, [{ members: ['user:a@b.invalid'], role: 'roles/iam.serviceAccountUser' }])
  await sdk.do(`${accounts} disable ${EMAIL}`)
  const disabled = await sdk.json<{ disabled: boolean }>(`${accounts} describe ${EMAIL}`)
  assert.is(disabled.disabled, true)
  await sdk.do(`${accounts} delete ${EMAIL}`)
  assert.match(await sdk.failure(`${accounts} describe ${EMAIL}`), 'NOT_FOUND')
})

gcloud('who may do what in the project', async ({ lab, sdk }) => {
  await lab.request('POST', `/v1/projects/${PROJECT}/serviceAccounts`, { accountId: 'threads-lab-vm' })
  const member = `--member=serviceAccount:${EMAIL}`
  const change = (verb: string, role: string) => `projects ${verb}-iam-policy-binding ${PROJECT} ${member} --role=${role}`
  const add = (role: string) => sdk.do(`${change('add', role)} --condition=None`)
  await add('roles/logging.logWriter')
  await add('roles/monitoring.metricWriter')
  const policy = await sdk.json<{ bindings: object[]; etag: string }>(`projects get-iam-policy ${PROJECT}`)
  assert.equal(policy.bindings, [
    { members: [`serviceAccount:${EMAIL}`], role: 'roles/logging.logWriter' },
    { members: [`serviceAccount:${EMAIL}`], role: 'roles/monitoring.metricWriter' },
  ])
  const stranger = `projects add-iam-policy-binding ${PROJECT} --member=serviceAccount:misspelt@${PROJECT}.iam.gserviceaccount.com`
  assert.match(await sdk.failure(`${stranger} --role=roles/logging.logWriter --condition=None`), 'does not exist')
  await sdk.do(`${change('remove', 'roles/logging.logWriter')} --condition=None`)
  const left = await sdk.json<{ bindings: object[] }>(`projects get-iam-policy ${PROJECT}`)
  assert.is(left.bindings.length, 1)
})

gcloud('projects and services', async ({ sdk }) => {
  await sdk.do('services enable compute.googleapis.com')
  const [project, projects, services] = await Promise.all([
    sdk.json<Record<string, string>>(`projects describe ${PROJECT}`),
    sdk.json<{ projectId: string }[]>('projects list'),
    sdk.json<{ config: { name: string } }[]>('services list --enabled'),
  ])
  assert.equal([project.lifecycleState, project.projectNumber], ['ACTIVE', '843216957420'])
  assert.equal(
    projects.map(({ projectId }) => projectId),
    [PROJECT, OTHER_PROJECT],
  )
  assert.equal(
    services.map(({ config }) => config.name),
    ['compute.googleapis.com'],
  )
})

gcloud.run()
