import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readConnection, refuseForeign } from '../../../lib/cluster/kubeconfig.ts'
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

/** The same file with one member of our entries changed. */
function withMember(list: 'clusters' | 'users' | 'contexts', member: string, value: unknown): string {
  const file = JSON.parse(KUBECONFIG)
  Object.assign(file[list][0][list.slice(0, -1)], { [member]: value })
  return JSON.stringify(file)
}
for (const [why, content] of [
  ['a server that is not the tunnel', withMember('clusters', 'server', 'https://evil.example:6443')],
  ['another port than the tunnel has', withMember('clusters', 'server', 'https://127.0.0.1:1')],
  ['no check of the server', withMember('clusters', 'insecure-skip-tls-verify', true)],
  ['a proxy', withMember('clusters', 'proxy-url', 'http://evil.example')],
  ['another name for the certificate', withMember('clusters', 'tls-server-name', 'evil.example')],
  ['a program', withMember('users', 'exec', { command: 'evil' })],
  ['a token', withMember('users', 'token', 't')],
  ['an impersonation', withMember('users', 'as', 'x')],
  ["another cluster's credentials", withMember('contexts', 'user', 'threads-prod')],
] as const) {
  connections(`never used: ${why}`, async ({ folder }) => {
    writeFileSync(join(folder, 'config'), content)
    const error = asOpsError(await readConnection(join(folder, 'config'), 'threads-lab', 16443).catch(thrown => thrown))
    assert.is(error.code, 4)
    assert.match(error.hint, './taskw kubeconfig')
    const refused = asOpsError(await refuseForeign(join(folder, 'config'), 'threads-lab', 16443).catch(thrown => thrown))
    assert.is(refused.code, 4)
    // What is somebody else's in the file is theirs.
    assert.is((await readConnection(join(folder, 'config'), 'threads-prod', 26443)).server, 'https://127.0.0.1:26443')
  })
}
connections('by others neither, but what they can not read they say themselves', async ({ folder }) => {
  const file = join(folder, 'config')
  for (const content of [undefined, 'clusters: [', '{}', KUBECONFIG]) {
    if (content !== undefined) writeFileSync(file, content)
    await refuseForeign(file, 'threads-lab', 16443)
  }
})
connections.run()
