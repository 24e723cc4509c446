import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { applyStack } from '../../../lab/machine/k0s/apply.ts'
import { Deployer } from '../../../lab/machine/k0s/manifests.ts'
import { type Manifest, mergePatch, parseManifests, prepared } from '../../../lab/machine/k0s/stack.ts'
import { type Api, ApiError } from '../../../lab/machine/node-agent/api.ts'

const STACK = 'k0s.k0sproject.io/stack'
const CHECKSUM = 'k0s.k0sproject.io/stack-checksum'
const LAST = 'k0s.k0sproject.io/last-applied-configuration'

const configMap = (name: string, data: Record<string, string> = {}, namespace = 'default'): Manifest => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data },
})
const crd = {
  ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'charts.x.io' }, spec: {} },
}

const parsing = suite('parseManifests')
for (const [why, text, expected] of [
  ['an empty file', '', []],
  ['comments alone', '# nothing\n---\n', []],
  ['several documents', 'kind: A\napiVersion: v1\n---\nkind: B\napiVersion: v1\n', ['A', 'B']],
  ['a list', 'kind: List\napiVersion: v1\nitems:\n- {kind: A, apiVersion: v1}\n- {kind: B, apiVersion: v1}\n', ['A', 'B']],
  ['what is no object of Kubernetes', 'just: text\n---\nkind: A\napiVersion: v1\n', ['A']],
] as [string, string, string[]][]) {
  parsing(why, () =>
    assert.equal(
      parseManifests(text).map(({ kind }) => kind),
      expected,
    ),
  )
}
parsing('no YAML: an error', () => assert.throws(() => parseManifests('a: [')))
parsing('a Windows line end is none of the value', () =>
  assert.is(parseManifests('kind: A\r\napiVersion: v1\r\n')[0]?.kind, 'A'),
)
parsing.run()

const preparing = suite('prepared')
preparing('has the stack, a checksum and what was applied', () => {
  const { metadata } = prepared(configMap('a'), 'mine')
  assert.is(metadata.labels?.[STACK], 'mine')
  assert.match(metadata.annotations?.[CHECKSUM] ?? '', /^[0-9a-f]{32}$/)
  assert.is(JSON.parse(metadata.annotations?.[LAST] ?? '').metadata.name, 'a')
})
preparing('the checksum is that of the content', () => {
  const sum = (manifest: Manifest) => prepared(manifest, 'mine').metadata.annotations?.[CHECKSUM]
  assert.is(sum(configMap('a')), sum(configMap('a')))
  assert.is.not(sum(configMap('a')), sum(configMap('a', { x: '1' })))
})
preparing.run()

const patches = suite('mergePatch')
for (const [why, from, to, expected] of [
  ['nothing', { a: 1 }, { a: 1 }, {}],
  ['a new member', {}, { a: 1 }, { a: 1 }],
  ['a changed one', { a: 1 }, { a: 2 }, { a: 2 }],
  ['a removed one', { a: 1, b: 2 }, { b: 2 }, { a: null }],
  ['within', { m: { a: 1, b: 2 } }, { m: { b: 3 } }, { m: { a: null, b: 3 } }],
  ['a list is replaced as a whole', { l: [1, 2] }, { l: [1] }, { l: [1] }],
  ['an equal list is left out', { l: [{ a: 1 }] }, { l: [{ a: 1 }] }, {}],
  ['an object in place of a value', { m: 1 }, { m: { a: 1 } }, { m: { a: 1 } }],
] as [string, Record<string, unknown>, Record<string, unknown>, object][]) {
  patches(why, () => assert.equal(mergePatch(from, to), expected))
}
patches.run()

/** An API server in memory that knows a few kinds, and a custom one once its definition is there. */
class FakeApi {
  readonly objects = new Map<string, Manifest>()
  readonly calls: string[] = []

  #resources(groupVersion: string): object[] {
    const verbs = ['create', 'delete', 'get', 'list', 'patch']
    const known: Record<string, object[]> = {
      v1: [
        { name: 'configmaps', kind: 'ConfigMap', namespaced: true, verbs },
        { name: 'namespaces', kind: 'Namespace', namespaced: false, verbs },
        { name: 'endpoints', kind: 'Endpoints', namespaced: true, verbs },
        { name: 'pods/log', kind: 'Pod', namespaced: true, verbs: ['get'] },
        { name: 'bindings', kind: 'Binding', namespaced: true, verbs: ['create'] },
      ],
      'scale.io/v1': [{ name: 'scalers', kind: 'Scaler', namespaced: true, verbs }],
      'scale.io/v2': [{ name: 'scalers', kind: 'Scaler', namespaced: true, verbs }],
      'apiextensions.k8s.io/v1': [
        { name: 'customresourcedefinitions', kind: 'CustomResourceDefinition', namespaced: false, verbs },
      ],
      ...(this.objects.has('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/charts.x.io') && {
        'x.io/v1': [{ name: 'charts', kind: 'Chart', namespaced: true, verbs }],
      }),
    }
    const found = known[groupVersion]
    if (!found) throw new ApiError(404, `the server could not find ${groupVersion}`)
    return found
  }

  async get(path: string): Promise<unknown> {
    if (path === '/apis') {
      const groups = ['apiextensions.k8s.io/v1', 'scale.io/v2', ...(this.objects.size > 0 ? ['x.io/v1'] : []), 'broken.io/v1']
      return { groups: groups.map(groupVersion => ({ preferredVersion: { groupVersion } })) }
    }
    const discovery = /^\/(?:api|apis)\/((?:[^/]+\/)?v[12])$/.exec(path)
    if (discovery) return { resources: this.#resources(discovery[1] ?? '') }
    const [collection = '', query = ''] = path.split('?')
    const stack = decodeURIComponent(query).split('=').at(-1)
    const plural = collection.split('/').at(-1) ?? ''
    const items = [...this.objects].filter(
      ([key, { metadata }]) => key.split('/').at(-2) === plural && metadata.labels?.[STACK] === stack,
    )
    return { items: items.map(([, { apiVersion: _, kind: __, ...item }]) => item) }
  }

  async find(path: string): Promise<Manifest | undefined> {
    return this.objects.get(path)
  }

  async create(path: string, body: Manifest): Promise<void> {
    this.calls.push(`create ${body.kind} ${body.metadata.name}`)
    this.objects.set(`${path}/${body.metadata.name}`, body)
  }

  async patch(path: string, body: object): Promise<void> {
    this.calls.push(`patch ${path} ${JSON.stringify(body)}`)
    const found = this.objects.get(path)
    const annotations = (body as Manifest).metadata?.annotations
    if (found && annotations) Object.assign(found.metadata, { annotations })
  }

  async delete(path: string, options: object): Promise<void> {
    this.calls.push(`delete ${path} ${JSON.stringify(options)}`)
    this.objects.delete(path)
  }

  get api(): Api {
    return this as unknown as Api
  }
}
const AT = '/api/v1/namespaces/default/configmaps'
const FOREGROUND = JSON.stringify({ propagationPolicy: 'Foreground' })

const applying = suite<{ fake: FakeApi }>('applyStack')
applying.before.each(context => {
  context.fake = new FakeApi()
})
applying('definitions and namespaces first, then what is in none, then the rest', async ({ fake }) => {
  const chart = { apiVersion: 'x.io/v1', kind: 'Chart', metadata: { name: 'c', namespace: 'n' } }
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } }
  await applyStack(fake.api, 'mine', [chart, configMap('a'), namespace, crd])
  assert.equal(fake.calls, [
    'create Namespace n',
    'create CustomResourceDefinition charts.x.io',
    'create Chart c',
    'create ConfigMap a',
  ])
  assert.is(fake.objects.get(`${AT}/a`)?.metadata.labels?.[STACK], 'mine')
})
applying('what has not changed is left alone', async ({ fake }) => {
  await applyStack(fake.api, 'mine', [configMap('a'), configMap('b')])
  fake.calls.length = 0
  await applyStack(fake.api, 'mine', [configMap('a'), configMap('b')])
  assert.equal(fake.calls, [])
})
applying('what has changed is patched, and what is no longer said removed', async ({ fake }) => {
  await applyStack(fake.api, 'mine', [configMap('a', { x: '1', y: '1' })])
  fake.calls.length = 0
  await applyStack(fake.api, 'mine', [configMap('a', { x: '2' })])
  const [call = ''] = fake.calls
  assert.ok(call.startsWith(`patch ${AT}/a `), call)
  assert.equal(JSON.parse(call.slice(call.indexOf('{'))).data, { x: '2', y: null })
})
applying("somebody else's object is taken over", async ({ fake }) => {
  fake.objects.set(`${AT}/a`, configMap('a', { z: '1' }))
  await applyStack(fake.api, 'mine', [configMap('a', { x: '1' })])
  const [call = ''] = fake.calls
  assert.equal(JSON.parse(call.slice(call.indexOf('{'))).data, { x: '1' })
})
applying('what was taken from the stack is deleted, and nothing else', async ({ fake }) => {
  await applyStack(fake.api, 'mine', [configMap('a'), configMap('b')])
  await applyStack(fake.api, 'other', [configMap('c')])
  const labelled = { labels: { [STACK]: 'mine' } }
  // A Service's endpoints have its labels, and a child its parent's.
  fake.objects.set('/api/v1/namespaces/default/endpoints/e', {
    ...{ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'e', namespace: 'default', ...labelled } },
  })
  fake.objects.set(`${AT}/owned`, {
    ...configMap('owned'),
    metadata: { name: 'owned', namespace: 'default', ...labelled, ownerReferences: [{}] },
  })
  fake.calls.length = 0
  await applyStack(fake.api, 'mine', [configMap('b')])
  assert.equal(fake.calls, [`delete ${AT}/a ${FOREGROUND}`])
})
applying('an empty stack is deleted whole: what is in a namespace first', async ({ fake }) => {
  await applyStack(fake.api, 'mine', [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } },
    configMap('a', {}, 'n'),
  ])
  fake.calls.length = 0
  await applyStack(fake.api, 'mine', [])
  assert.equal(fake.calls, [
    `delete /api/v1/namespaces/n/configmaps/a ${FOREGROUND}`,
    `delete /api/v1/namespaces/n ${FOREGROUND}`,
  ])
})
applying('an object is the same in every version of its group', async ({ fake }) => {
  const scaler = { apiVersion: 'scale.io/v1', kind: 'Scaler', metadata: { name: 's', namespace: 'default' } }
  await applyStack(fake.api, 'mine', [scaler])
  assert.equal(fake.calls, ['create Scaler s'])
})
for (const [why, manifest, message] of [
  [
    'a kind that nobody knows',
    { apiVersion: 'v1', kind: 'Nope', metadata: { name: 'x' } },
    /no matches for kind "Nope" in version "v1"/,
  ],
  [
    'a group that nobody knows',
    { apiVersion: 'no.io/v1', kind: 'Nope', metadata: { name: 'x' } },
    /no matches for kind "Nope"/,
  ],
  [
    'no namespace where one is needed',
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } },
    /an empty namespace may not be set/,
  ],
] as [string, Manifest, RegExp][]) {
  applying(`${why}: an error, and nothing is pruned`, async ({ fake }) => {
    await applyStack(fake.api, 'mine', [configMap('a')])
    let failure = ''
    await applyStack(fake.api, 'mine', [manifest]).catch(error => {
      failure = error.message
    })
    assert.match(failure, message)
    assert.ok(fake.objects.has(`${AT}/a`))
  })
}
applying.run()

const deploying = suite<{
  folder: string
  applied: [string, string[]][]
  said: string[]
  deployer: Deployer
  fail: Set<string>
}>('Deployer')
deploying.before.each(async context => {
  context.folder = await mkdtemp(join(tmpdir(), 'manifests-'))
  context.applied = []
  context.said = []
  context.fail = new Set()
  context.deployer = new Deployer(context.folder, {
    apply: async (stack, manifests) => {
      if (context.fail.has(stack)) throw new Error('the API server is down')
      context.applied.push([stack, manifests.map(({ metadata }) => metadata.name)])
    },
    log: text => context.said.push(text),
  })
})
deploying.after.each(({ folder }) => rm(folder, { recursive: true, force: true }))
const put = async (folder: string, path: string, ...names: string[]) => {
  await mkdir(join(folder, path, '..'), { recursive: true })
  await writeFile(join(folder, path), names.map(name => JSON.stringify(configMap(name))).join('\n---\n'))
}

deploying('each folder is a stack; other files are none of it', async ({ folder, applied, deployer }) => {
  await put(folder, 'one/b.yaml', 'b')
  await put(folder, 'one/a.yaml', 'a')
  await put(folder, 'one/c.yml', 'c')
  await put(folder, 'one/nested/d.yaml', 'd')
  await put(folder, 'two/e.yaml', 'e')
  await put(folder, 'loose.yaml', 'x')
  await deployer.poll(0)
  assert.equal(applied, [
    ['one', ['a', 'b']],
    ['two', ['e']],
  ])
})
deploying('once, until something changes and stays so for a moment', async ({ folder, applied, deployer }) => {
  await put(folder, 'one/a.yaml', 'a')
  await deployer.poll(0)
  await deployer.poll(1000)
  await put(folder, 'one/b.yaml', 'b')
  await deployer.poll(2000)
  assert.is(applied.length, 1)
  await deployer.poll(3000)
  await deployer.poll(4000)
  assert.equal(applied.slice(1), [['one', ['a', 'b']]])
})
deploying('a removed file, and a removed folder, which is an empty stack', async ({ folder, applied, deployer }) => {
  await put(folder, 'one/a.yaml', 'a')
  await put(folder, 'one/b.yaml', 'b')
  await deployer.poll(0)
  await rm(join(folder, 'one/b.yaml'))
  for (const now of [1000, 2000]) await deployer.poll(now)
  await rename(join(folder, 'one'), `${folder}.away`)
  for (const now of [3000, 4000, 5000]) await deployer.poll(now)
  await rm(`${folder}.away`, { recursive: true })
  assert.equal(applied.slice(1), [
    ['one', ['a']],
    ['one', []],
  ])
})
deploying(
  'a failure is tried again, ever later, without stopping the others',
  async ({ folder, applied, said, fail, deployer }) => {
    await put(folder, 'one/a.yaml', 'a')
    await put(folder, 'two/b.yaml', 'b')
    fail.add('one')
    await deployer.poll(0)
    assert.equal(applied, [['two', ['b']]])
    assert.match(said.join('\n'), /one: .*attempt 1.*the API server is down/)
    fail.clear()
    await deployer.poll(50)
    assert.is(applied.length, 1)
    await deployer.poll(1000)
    assert.equal(applied.at(-1), ['one', ['a']])
  },
)
deploying('after ten attempts it waits for a change', async ({ folder, applied, said, fail, deployer }) => {
  await put(folder, 'one/a.yaml', 'a')
  fail.add('one')
  for (let now = 0; now < 200_000; now += 1000) await deployer.poll(now)
  assert.is(said.filter(line => line.includes('attempt')).length, 10)
  fail.clear()
  await put(folder, 'one/a.yaml', 'a', 'a2')
  for (const now of [201_000, 202_000]) await deployer.poll(now)
  assert.equal(applied, [['one', ['a', 'a2']]])
})
deploying('a file that is no YAML fails its stack, until it is mended', async ({ folder, applied, said, deployer }) => {
  await mkdir(join(folder, 'one'))
  await writeFile(join(folder, 'one/a.yaml'), 'a: [')
  await deployer.poll(0)
  assert.match(said.join('\n'), /one: .*a\.yaml/)
  await put(folder, 'one/a.yaml', 'a')
  for (const now of [1000, 2000]) await deployer.poll(now)
  assert.equal(applied, [['one', ['a']]])
})
deploying.run()
