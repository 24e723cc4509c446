import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type BucketView, openBucketView } from '../../../lib/terraform/view.ts'

const there: Record<string, string> = { 'b/p/default.tfstate': 'there' }

interface Context {
  view: BucketView
  call: (method: string, path: string, more?: RequestInit) => Promise<Response>
}

const view = suite<Context>('openBucketView')
view.before.each(async context => {
  context.view = await openBucketView(async (bucket, object) => {
    if (bucket === 'broken') throw new Error('down')
    return there[`${bucket}/${object}`]
  })
  const { origin } = new URL(context.view.endpoint)
  context.call = (method, path, more) => fetch(`${origin}${path}`, { method, ...more })
})
view.after.each(context => context.view.close())

const upload = (object: string, content: string, query = ''): [string, RequestInit] => [
  `/upload/storage/v1/b/b/o?uploadType=multipart&name=${encodeURIComponent(object)}${query}`,
  {
    headers: { 'content-type': 'multipart/related; boundary=x' },
    body: `--x\r\nContent-Type: application/json\r\n\r\n{"name":"${object}"}\r\n--x\r\nContent-Type: text/plain\r\n\r\n${content}\r\n--x--\r\n`,
  },
]

view('answers reads from the bucket, and knows what was asked', async ({ view: { asked }, call }) => {
  assert.is(await (await call('GET', '/b/p/default.tfstate')).text(), 'there')
  const described = (await (await call('GET', '/storage/v1/b/b/o/p%2Fdefault.tfstate')).json()) as Record<string, string>
  assert.equal([described.size, described.md5Hash], ['5', '2FDwTNtIMSqb4XHiFMC07g=='])
  assert.is((await call('GET', '/b/other')).status, 404)
  assert.equal([...asked], ['b/p/default.tfstate', 'b/other'])
})

view('says when the content of an object is on its way', async () => {
  const said: string[] = []
  const own = await openBucketView(
    async (bucket, object) => there[`${bucket}/${object}`],
    (bucket, object) => said.push(`${bucket}/${object}`),
  )
  const { origin } = new URL(own.endpoint)
  for (const path of ['/storage/v1/b/b/o/p%2Fdefault.tfstate', '/b/other', '/b/p/default.tfstate'])
    await (await fetch(`${origin}${path}`)).text()
  await own.close()
  assert.equal(said, ['b/p/default.tfstate'])
})

view('keeps what is written to itself', async ({ view: { kept }, call }) => {
  const answer = await call('POST', ...upload('q', 'new\r\n{}'))
  assert.is(((await answer.json()) as { generation: string }).generation, '1')
  assert.is(await (await call('GET', '/b/q')).text(), 'new\r\n{}')
  assert.equal([kept('b', 'q'), kept('b', 'p/default.tfstate')], ['new\r\n{}', undefined])
})

view('has locks of its own', async ({ call }) => {
  const lock = upload('q', 'me', '&ifGenerationMatch=0')
  assert.equal([(await call('POST', ...lock)).status, (await call('POST', ...lock)).status], [200, 412])
  const [free, again] = [await call('DELETE', '/storage/v1/b/b/o/q'), await call('DELETE', '/storage/v1/b/b/o/q')]
  assert.equal([free.status, again.status], [204, 404])
})

view('a bucket that cannot be read is not asked again by Terraform, and says why', async ({ view: { fault }, call }) => {
  assert.is((await call('GET', '/broken/p')).status, 403)
  assert.is((fault() as Error).message, 'down')
})
view.run()
