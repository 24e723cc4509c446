// needs: gsutil
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CloudSdk } from './support/cloud-sdk.ts'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

interface Context {
  lab: TestLab
  sdk: CloudSdk
}

const gsutil = suite<Context>('gsutil')

gsutil.before.each(async context => {
  context.lab = await TestLab.start()
  context.sdk = await CloudSdk.for(context.lab)
  const versioning = { enabled: true }
  await context.lab.request('POST', `/storage/v1/b?project=${PROJECT}`, { name: 'state', location: 'us-east1', versioning })
})
gsutil.after.each(({ lab }) => lab.stop())

/** Above gsutil's threshold for resumable uploads, which is 8 MiB. */
const LARGE_BYTES = 64 * 1024 * 1024

gsutil('buckets and their settings', async ({ sdk }) => {
  await sdk.gsutil('mb', '-l', 'us-east1', '-b', 'on', 'gs://ours')
  await sdk.gsutil('versioning', 'set', 'on', 'gs://ours')
  await sdk.gsutil('label', 'ch', '-l', 'a:b', 'gs://ours')
  const [buckets, described, policy, again] = await Promise.all([
    sdk.gsutil('ls'),
    sdk.gsutil('ls', '-L', '-b', 'gs://ours'),
    sdk.gsutil('iam', 'get', 'gs://ours'),
    sdk.gsutilFailure('mb', 'gs://ours'),
  ])
  assert.equal(buckets.trim().split('\n'), ['gs://ours/', 'gs://state/'])
  for (const fact of [/US-EAST1/, /Versioning enabled:\s+True/, /"a": "b"/, /Bucket Policy Only enabled:\s+True/]) {
    assert.match(described, fact)
  }
  assert.type(JSON.parse(policy).etag, 'string')
  assert.match(again, 'ServiceException: 409')
  await sdk.gsutil('rb', 'gs://ours')
})

gsutil('copies both ways, in one piece and resumably', async ({ sdk }) => {
  const files = { small: Buffer.from('small one'), large: randomBytes(LARGE_BYTES) }
  for (const [name, content] of Object.entries(files)) await writeFile(join(sdk.directory, name), content)
  await Promise.all([
    sdk.gsutil('cp', 'small', 'gs://state/dir/small'),
    sdk.gsutil('-h', 'x-goog-meta-serial:3', 'cp', 'large', 'gs://state/large'),
  ])
  const [, part, listed, stat] = await Promise.all([
    sdk.gsutil('cp', 'gs://state/large', 'back'),
    sdk.gsutil('cat', '-r', '0-4', 'gs://state/dir/small'),
    sdk.gsutil('ls', '-l', 'gs://state/**'),
    sdk.gsutil('stat', 'gs://state/large'),
  ])
  assert.ok((await readFile(join(sdk.directory, 'back'))).equals(files.large))
  assert.is(part, 'small')
  assert.match(listed, `TOTAL: 2 objects, ${LARGE_BYTES + 9} bytes`)
  assert.match(stat, /serial:\s+3/)
})

gsutil('versions, preconditions, removal', async ({ sdk }) => {
  await writeFile(join(sdk.directory, 'file'), 'one')
  await sdk.gsutil('-h', 'x-goog-if-generation-match:0', 'cp', 'file', 'gs://state/a')
  const refused = await sdk.gsutilFailure('-h', 'x-goog-if-generation-match:0', 'cp', 'file', 'gs://state/a')
  assert.match(refused, 'PreconditionException: 412')
  await writeFile(join(sdk.directory, 'file'), 'two')
  await sdk.gsutil('cp', 'file', 'gs://state/a')
  const versions = (await sdk.gsutil('ls', '-a', 'gs://state/a')).trim().split('\n')
  assert.is(versions.length, 2)
  assert.is(await sdk.gsutil('cat', versions[0] ?? ''), 'one')
  await sdk.gsutil('mv', 'gs://state/a', 'gs://state/b')
  assert.match(await sdk.gsutilFailure('stat', 'gs://state/a'), 'No URLs matched')
  assert.match(await sdk.gsutilFailure('rb', 'gs://state'), 'not empty')
  await sdk.gsutil('rm', '-a', 'gs://state/**')
  await sdk.gsutil('rb', 'gs://state')
})

gsutil('gets no token for another refresh token', async ({ lab, sdk }) => {
  const boto = join(sdk.directory, 'boto.cfg')
  await writeFile(boto, (await readFile(boto, 'utf8')).replace(TOKEN, 'somebody-elses'))
  assert.match(await sdk.gsutilFailure('ls'), 'credentials are invalid')
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: TOKEN })
  const answer = await fetch(`${lab.url}/token`, { method: 'POST', body: form })
  assert.equal(((await answer.json()) as { access_token: string }).access_token, TOKEN)
})

gsutil.run()
