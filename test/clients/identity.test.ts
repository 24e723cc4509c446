import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PROJECT, TestLab } from './support/lab.ts'

interface Context {
  lab: TestLab
}

const identity = suite<Context>('IAM and Resource Manager')

identity.before.each(async context => {
  context.lab = await TestLab.start()
})
identity.after.each(({ lab }) => lab.stop())

interface Policy {
  etag: string
  bindings?: { role: string; members: string[] }[]
}

const ACCOUNTS = `/v1/projects/${PROJECT}/serviceAccounts`
const PROJECT_PATH = `/v1/projects/${PROJECT}`
const email = (name: string) => `${name}@${PROJECT}.iam.gserviceaccount.com`

async function answer<T>(promise: Promise<Response>): Promise<T> {
  return (await (await promise).json()) as T
}

identity('accounts come in pages and may be named in several ways', async ({ lab }) => {
  for (const accountId of ['account-c', 'account-a', 'account-b']) await lab.request('POST', ACCOUNTS, { accountId })
  type Page = { accounts: { email: string; uniqueId: string }[]; nextPageToken?: string }
  const first = await answer<Page>(lab.request('GET', `${ACCOUNTS}?pageSize=2`))
  const second = await answer<Page>(lab.request('GET', `${ACCOUNTS}?pageSize=2&pageToken=${first.nextPageToken}`))
  assert.equal(
    [...first.accounts, ...second.accounts].map(account => account.email),
    ['account-a', 'account-b', 'account-c'].map(email),
  )
  assert.is(second.nextPageToken, undefined)
  const byId = await lab.request('GET', `/v1/projects/-/serviceAccounts/${first.accounts[0]?.uniqueId}`)
  assert.is(byId.status, 200)
  assert.is((await lab.request('GET', `${ACCOUNTS}/${email('nobody')}`)).status, 404)
})

for (const [what, resource, method, suffix] of [
  ['a project', PROJECT_PATH, 'POST', ':setIamPolicy'],
  ['an account', `${ACCOUNTS}/${email('account-a')}`, 'POST', ':setIamPolicy'],
  ['a bucket', '/storage/v1/b/state', 'PUT', '/iam'],
] as const) {
  identity(`the policy of ${what}: read, changed, and not by two at once`, async ({ lab }) => {
    await lab.request('POST', ACCOUNTS, { accountId: 'account-a' })
    await lab.request('POST', `/storage/v1/b?project=${PROJECT}`, { name: 'state' })
    const isBucket = method === 'PUT'
    const get = () =>
      answer<Policy>(isBucket ? lab.request('GET', `${resource}/iam`) : lab.request('POST', `${resource}:getIamPolicy`))
    const set = (policy: object) => lab.request(method, `${resource}${suffix}`, isBucket ? policy : { policy })
    const bindings = [{ role: 'roles/viewer', members: [`serviceAccount:${email('account-a')}`] }]
    const { etag } = await get()
    assert.is((await set({ bindings, etag })).status, 200)
    assert.equal((await get()).bindings, bindings)
    assert.is((await set({ bindings: [], etag })).status, 409)
    const stranger = [{ role: 'roles/viewer', members: [`serviceAccount:${email('nobody')}`] }]
    assert.is((await set({ bindings: stranger })).status, 400)
    assert.is((await set({ bindings: [{ role: 'viewer', members: [] }] })).status, 400)
    await lab.restart()
    assert.equal((await get()).bindings, bindings)
  })
}

identity('an account that is made anew has no policy of the one before', async ({ lab }) => {
  const path = `${ACCOUNTS}/${email('account-a')}`
  await lab.request('POST', ACCOUNTS, { accountId: 'account-a' })
  const bindings = [{ role: 'roles/iam.serviceAccountUser', members: ['user:a@b.invalid'] }]
  await lab.request('POST', `${path}:setIamPolicy`, { policy: { bindings } })
  await lab.request('DELETE', path)
  await lab.request('POST', ACCOUNTS, { accountId: 'account-a' })
  assert.is((await answer<Policy>(lab.request('POST', `${path}:getIamPolicy`))).bindings, undefined)
})

identity('a stranger’s project is forbidden, not unknown', async ({ lab }) => {
  assert.is((await lab.request('GET', '/v1/projects/somebody-elses')).status, 403)
})

identity.run()
