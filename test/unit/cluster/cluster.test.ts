import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { clusterOver } from '../../../lib/cluster/cluster.ts'
import { kinds, pathOf } from '../../../lib/cluster/kinds.ts'
import { ApiError, type Rest, type RestRequest } from '../../../lib/cluster/rest.ts'
import { asOpsError } from '../../../lib/runtime/errors.ts'

/** What the server answers by path; a number is a refusal. */
type Answers = Record<string, unknown>

function clusterWith(answers: Answers) {
  const asked: { path: string; request: RestRequest | undefined }[] = []
  const answer = async (path: string, request?: RestRequest) => {
    asked.push({ path, request })
    const found = answers[path] ?? 404
    if (typeof found === 'number') throw new ApiError(found, `refused with ${found}`, 'no hint')
    if (found instanceof Error) throw found
    return found
  }
  const rest = { text: answer, json: answer, close: () => undefined } as unknown as Rest
  return { cluster: clusterOver(rest), asked }
}
const codeOf = async (run: Promise<unknown>) => {
  try {
    await run
  } catch (error) {
    return asOpsError(error).code
  }
  return 0
}

const paths = suite('paths')
for (const [why, kind, where, expected] of [
  ['a namespaced collection', kinds.pods, { namespace: 'threads' }, '/api/v1/namespaces/threads/pods'],
  ['that of all namespaces', kinds.pods, {}, '/api/v1/pods'],
  [
    'an object',
    kinds.deployments,
    { namespace: 'threads', name: 'nextjs' },
    '/apis/apps/v1/namespaces/threads/deployments/nextjs',
  ],
  ['a cluster-scoped object, whatever the namespace', kinds.nodes, { namespace: 'threads', name: 'vm' }, '/api/v1/nodes/vm'],
  [
    'a name that is none is no other path',
    kinds.pods,
    { namespace: '../x', name: 'a/b?c' },
    '/api/v1/namespaces/..%2Fx/pods/a%2Fb%3Fc',
  ],
] as const) {
  paths(why, () => assert.is(pathOf(kind, where), expected))
}
paths.run()

const cluster = suite('cluster')
const NEXTJS = { namespace: 'threads', name: 'nextjs' }
const PATH = pathOf(kinds.deployments, NEXTJS)

cluster('what is not there is undefined, what is refused is an error', async () => {
  assert.equal(await clusterWith({ [PATH]: { metadata: { name: 'nextjs' } } }).cluster.get(kinds.deployments, NEXTJS), {
    metadata: { name: 'nextjs' },
  })
  assert.is(await clusterWith({}).cluster.get(kinds.deployments, NEXTJS), undefined)
  assert.is(await codeOf(clusterWith({ [PATH]: 403 }).cluster.get(kinds.deployments, NEXTJS)), 5)
})
for (const [why, object, path] of [
  ['in its namespace', { apiVersion: 'apps/v1', kind: 'Deployment', ...NEXTJS }, PATH],
  [
    'in the default namespace, where it says none',
    { apiVersion: 'apps/v1', kind: 'Deployment', name: 'nextjs' },
    '/apis/apps/v1/namespaces/default/deployments/nextjs',
  ],
  ['in no namespace', { apiVersion: 'v1', kind: 'Node', name: 'vm' }, '/api/v1/nodes/vm'],
] as const) {
  cluster(`an object of any kind is looked for ${why}`, async () => {
    const answers = {
      '/apis/apps/v1': { resources: [{ name: 'deployments', kind: 'Deployment', namespaced: true }] },
      '/api/v1': { resources: [{ name: 'nodes', kind: 'Node', namespaced: false }] },
      [path]: {},
    }
    assert.is(await clusterWith(answers).cluster.exists(object), true)
  })
}
cluster('a list of an unknown kind is empty', async () => {
  assert.equal(await clusterWith({}).cluster.list(kinds.applications), [])
  const { cluster, asked } = clusterWith({ '/api/v1/namespaces/threads/pods': { items: [1] } })
  assert.equal(await cluster.list(kinds.pods, 'threads'), [1])
  assert.is(asked[0]?.request?.method, undefined)
})
cluster('a deletion says whether there was something to delete', async () => {
  const { cluster, asked } = clusterWith({ [PATH]: '{}' })
  assert.is(await cluster.delete(kinds.deployments, NEXTJS), true)
  assert.equal(asked[0]?.request, { method: 'DELETE', body: { propagationPolicy: 'Background' }, repeatable: false })
  assert.is(await clusterWith({}).cluster.delete(kinds.deployments, NEXTJS), false)
  assert.is(await codeOf(clusterWith({ [PATH]: 500 }).cluster.delete(kinds.deployments, NEXTJS)), 5)
})
cluster('an apply may be repeated: a second one finds what it wants', async () => {
  const { cluster, asked } = clusterWith({ [`${PATH}?fieldManager=threads-ops&force=true`]: {} })
  await cluster.apply(kinds.deployments, NEXTJS, {})
  assert.is(asked[0]?.request?.repeatable, true)
})
cluster('a patch changes what it names, and may be repeated', async () => {
  const { cluster, asked } = clusterWith({ [PATH]: {} })
  await cluster.patch(kinds.deployments, NEXTJS, { metadata: { annotations: { a: 'b' } } })
  const body = { metadata: { annotations: { a: 'b' } } }
  const request = { method: 'PATCH', body, contentType: 'application/merge-patch+json', repeatable: true }
  assert.equal(asked[0], { path: PATH, request })
  assert.is(await codeOf(clusterWith({}).cluster.patch(kinds.deployments, NEXTJS, body)), 5)
})
for (const [why, answer, expected] of [
  [
    'the preferred one first',
    { preferredVersion: { version: 'v1' }, versions: [{ version: 'v1beta1' }, { version: 'v1' }] },
    ['v1', 'v1beta1'],
  ],
  ['of an unknown group none', undefined, []],
] as const) {
  cluster(`the versions of a group: ${why}`, async () => {
    const answers = answer ? { '/apis/external-secrets.io': answer } : {}
    assert.equal(await clusterWith(answers).cluster.versions('external-secrets.io'), [...expected])
  })
}
cluster('a deletion by uid spares another object of that name', async () => {
  const { cluster, asked } = clusterWith({ [PATH]: '{}' })
  assert.is(await cluster.delete(kinds.deployments, { ...NEXTJS, uid: 'u1' }), true)
  assert.equal(asked[0], {
    path: PATH,
    request: { method: 'DELETE', body: { propagationPolicy: 'Background', preconditions: { uid: 'u1' } }, repeatable: true },
  })
  assert.is(await clusterWith({ [PATH]: 409 }).cluster.delete(kinds.deployments, { ...NEXTJS, uid: 'u1' }), false)
  assert.is(await codeOf(clusterWith({ [PATH]: 409 }).cluster.delete(kinds.deployments, NEXTJS)), 5)
})
cluster('an inventory has every kind; one that the server does not know is empty and has no version', async () => {
  const lists = Object.entries(kinds).map(([name, kind], index) => [
    pathOf(kind),
    name === 'applications' ? 404 : { metadata: { resourceVersion: String(index) }, items: [name] },
  ])
  const { inventory, versions } = await clusterWith(Object.fromEntries(lists)).cluster.inventory()
  assert.equal(Object.keys(inventory).sort(), Object.keys(kinds).sort())
  assert.equal([inventory.pods, inventory.applications], [['pods'], []])
  assert.ok(versions.pods)
  assert.is(versions.applications, undefined)
})
cluster('an inventory that can’t be read is none', async () =>
  assert.is(await codeOf(clusterWith({ '/api/v1/pods': 403 }).cluster.inventory()), 5),
)
cluster.run()
