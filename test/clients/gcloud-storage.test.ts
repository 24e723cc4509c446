// needs: gcloud
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { md5 } from '../../lab/google/storage/checksums.ts'
import { CloudSdk } from './support/cloud-sdk.ts'
import { PROJECT, TestLab } from './support/lab.ts'

interface Context {
  lab: TestLab
  sdk: CloudSdk
}

const gcloud = suite<Context>('gcloud storage')

gcloud.before.each(async context => {
  context.lab = await TestLab.start()
  context.sdk = await CloudSdk.for(context.lab)
  const versioning = { enabled: true }
  await context.lab.request('POST', `/storage/v1/b?project=${PROJECT}`, { name: 'state', location: 'us-east1', versioning })
})
gcloud.after.each(({ lab }) => lab.stop())

const LARGE_BYTES = 64 * 1024 * 1024
const lines = (text: string): string[] => text.trim().split('\n')

gcloud('buckets', async ({ sdk }) => {
  await sdk.do('storage buckets create gs://ours --location us-east1 --uniform-bucket-level-access --public-access-prevention')
  await sdk.do('storage buckets update gs://ours --versioning --update-labels=a=b,c=d')
  await sdk.do('storage buckets update gs://ours --remove-labels=c')
  const [bucket, listed, again, bad] = await Promise.all([
    sdk.json<Record<string, unknown>>('storage buckets describe gs://ours'),
    sdk.names('storage buckets list --sort-by=name'),
    sdk.failure('storage buckets create gs://ours'),
    sdk.failure('storage buckets create gs://goog-Ours'),
    sdk.do('storage buckets add-iam-policy-binding gs://ours --member=user:a@b.invalid --role=roles/storage.objectViewer'),
  ])
  assert.equal(
    [bucket.location, bucket.location_type, bucket.versioning_enabled, bucket.labels, bucket.metageneration],
    ['US-EAST1', 'region', true, { a: 'b' }, 3],
  )
  assert.equal(listed, ['ours', 'state'])
  assert.match(again, 'you already own it')
  assert.match(bad, 'Invalid bucket name')
  const policy = await sdk.json<{ bindings: object[] }>('storage buckets get-iam-policy gs://ours')
  assert.equal(policy.bindings, [{ members: ['user:a@b.invalid'], role: 'roles/storage.objectViewer' }])
  await sdk.do('storage buckets delete gs://ours')
})

gcloud('copies both ways, in one piece and resumably', async ({ lab, sdk }) => {
  const files = { small: randomBytes(1000), large: randomBytes(LARGE_BYTES), empty: Buffer.alloc(0) }
  for (const [name, content] of Object.entries(files)) await writeFile(join(sdk.directory, name), content)
  await Promise.all([
    sdk.do('storage cp small empty gs://state/dir/'),
    sdk.do('storage cp large gs://state/large --content-type=application/x-tar --custom-metadata=serial=3'),
  ])
  const large = await sdk.json<Record<string, unknown>>('storage objects describe gs://state/large')
  assert.equal([large.size, large.content_type, large.custom_fields], [LARGE_BYTES, 'application/x-tar', { serial: '3' }])
  const [listed, tree] = await Promise.all([
    sdk.do('storage ls -l gs://state/**'),
    sdk.do('storage ls gs://state'),
    sdk.do('storage cp gs://state/large back'),
    sdk.do('storage cp gs://state/dir/empty empty-back'),
  ])
  await sdk.do('storage cp gs://state/dir/small gs://state/copies/small')
  assert.match(listed, `TOTAL: 3 objects, ${LARGE_BYTES + 1000} bytes`)
  assert.equal(lines(tree), ['gs://state/large', 'gs://state/dir/'])
  assert.ok((await readFile(join(sdk.directory, 'back'))).equals(files.large))
  assert.is((await readFile(join(sdk.directory, 'empty-back'))).length, 0)
  const copy = await lab.request('GET', '/storage/v1/b/state/o/copies%2Fsmall?alt=media')
  assert.ok(Buffer.from(await copy.arrayBuffer()).equals(files.small))
})

gcloud('versions and preconditions', async ({ sdk }) => {
  const put = async (content: string, ...flags: string[]) => {
    await writeFile(join(sdk.directory, 'file'), content)
    return sdk.gcloud('storage', 'cp', 'file', 'gs://state/a', ...flags)
  }
  await put('one', '--if-generation-match=0')
  assert.match(await sdk.failure('storage cp file gs://state/a --if-generation-match=0'), 'pre-conditions')
  const { generation } = await sdk.json<{ generation: string }>('storage objects describe gs://state/a')
  await put('two', `--if-generation-match=${generation}`)
  const versions = lines(await sdk.do('storage ls -a gs://state/a'))
  assert.equal([versions.length, versions[0]], [2, `gs://state/a#${generation}`])
  const [old, now] = await Promise.all([
    sdk.do(`storage cat gs://state/a#${generation}`),
    sdk.do('storage cat gs://state/a'),
    sdk.failure(`storage rm gs://state/a --if-generation-match=${generation}`),
  ])
  assert.equal([old, now], ['one', 'two'])
  await sdk.do('storage objects update gs://state/a --cache-control=no-store --custom-metadata=a=b')
  const described = await sdk.json<Record<string, unknown>>('storage objects describe gs://state/a')
  assert.equal([described.cache_control, described.custom_fields, described.metageneration], ['no-store', { a: 'b' }, 2])
  await sdk.do('storage rm gs://state/a')
  assert.match(await sdk.failure('storage cat gs://state/a'), 'matched no objects')
  assert.is(lines(await sdk.do('storage ls -a gs://state/a')).length, 2)
  await sdk.do('storage rm -r gs://state')
  assert.equal(await sdk.names('storage buckets list'), [])
})

gcloud('moves, composes, finds by wildcard', async ({ sdk }) => {
  for (const name of ['x', 'y']) await writeFile(join(sdk.directory, name), name)
  await sdk.do('storage cp x y gs://state/d/')
  await sdk.do('storage objects compose gs://state/d/x gs://state/d/y gs://state/xy')
  await sdk.do('storage mv gs://state/d/x gs://state/moved')
  const [composed, part, found, hash] = await Promise.all([
    sdk.do('storage cat gs://state/xy'),
    sdk.do('storage cat gs://state/xy -r 1-1'),
    sdk.do('storage ls gs://state/**'),
    sdk.json<{ md5_hash: string }[]>('storage hash gs://state/moved'),
  ])
  assert.equal([composed, part], ['xy', 'y'])
  assert.equal(lines(found).sort(), ['gs://state/d/y', 'gs://state/moved', 'gs://state/xy'])
  assert.is(hash[0]?.md5_hash, md5(Buffer.from('x')))
})

gcloud.run()
