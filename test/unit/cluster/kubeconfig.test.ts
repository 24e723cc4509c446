import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readConnection } from '../../../lib/cluster/kubeconfig.ts'
import { asOpsError } from '../../../lib/runtime/errors.ts'

const encoded = (text: string) => Buffer.from(text).toString('base64')
const entries = (name: string, port: number) => ({
  cluster: {
    name,
    cluster: {
      server: `https://127.0.0.1:${port}`,
      'tls-server-name': 'kubernetes',
      'certificate-authority-data': encoded(`ca of ${name}`),
    },
  },
  user: {
    name,
    user: { 'client-certificate-data': encoded(`certificate of ${name}`), 'client-key-data': encoded(`key of ${name}`) },
  },
  context: { name, context: { cluster: name, user: name } },
})
const all = [entries('threads-lab', 16443), entries('threads-prod', 26443)]
/** JSON is YAML. */
const KUBECONFIG = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'threads-prod',
  clusters: all.map(({ cluster }) => cluster),
  users: all.map(({ user }) => user),
  contexts: all.map(({ context }) => context),
})

const connections = suite<{ folder: string }>('readConnection')
connections.before.each(context => {
  context.folder = mkdtempSync(join(tmpdir(), 'threads-ops-test-'))
})
connections.after.each(({ folder }) => rmSync(folder, { recursive: true }))

connections('that of the context, not of the current one', async ({ folder }) => {
  writeFileSync(join(folder, 'config'), KUBECONFIG)
  const { server, options } = await readConnection(join(folder, 'config'), 'threads-lab')
  assert.is(server, 'https://127.0.0.1:16443')
  const { ca, cert, key, servername } = await options()
  assert.equal([ca, cert, key].map(String), ['ca of threads-lab', 'certificate of threads-lab', 'key of threads-lab'])
  assert.is(servername, 'kubernetes')
})
for (const [why, content, context, code, message] of [
  ['no such file', undefined, 'threads-lab', 4, 'there is no kubeconfig'],
  ['a file that is none', 'clusters: [', 'threads-lab', 3, "can't be read"],
  [
    'a context that it lacks',
    KUBECONFIG,
    'threads-staging',
    3,
    'has no context "threads-staging"; it has: threads-lab, threads-prod',
  ],
  ['an empty one', '{}', 'threads-lab', 3, 'has no context "threads-lab"; it has: none'],
] as const) {
  connections(why, async ({ folder }) => {
    if (content !== undefined) writeFileSync(join(folder, 'config'), content)
    try {
      await readConnection(join(folder, 'config'), context)
      assert.unreachable()
    } catch (thrown) {
      const error = asOpsError(thrown)
      assert.is(error.code, code)
      assert.match(error.message, message)
      assert.match(error.hint, './taskw kubeconfig')
    }
  })
}
connections.run()
