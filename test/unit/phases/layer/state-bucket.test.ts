import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { stateBucket } from '../../../../lib/phases/layer/state-bucket.ts'
import { fakeStore } from '../../support/store.ts'

type BucketContext = Parameters<ReturnType<typeof stateBucket>['check']>[0]

function contextOn(exists: boolean) {
  const store = fakeStore({ exists })
  const environment = { name: 'lab', terraform: { bucketLocation: 'us-east1' } }
  return { store, context: { store: async () => store, environment } as unknown as BucketContext }
}

const bucket = suite('stateBucket')
bucket('one that is there is done', async () => {
  const { context, store } = contextOn(true)
  assert.equal(await stateBucket().check(context), { state: 'done', evidence: { bucket: 'the-bucket' } })
  assert.equal(store.calls, [])
})
bucket('one that is not is to be created; a check does not do it', async () => {
  const { context, store } = contextOn(false)
  assert.equal(await stateBucket().check(context), { state: 'todo', changes: ['create bucket the-bucket'] })
  assert.equal(store.calls, [])
})
bucket('created where the environment says, with its labels; then it is done', async () => {
  const { context, store } = contextOn(false)
  assert.equal(await stateBucket().run(context), { bucket: 'the-bucket' })
  assert.equal(store.calls, ['create us-east1 {"managed-by":"threads-ops","environment":"lab"}'])
  assert.is((await stateBucket().check(context)).state, 'done')
})
bucket.run()
