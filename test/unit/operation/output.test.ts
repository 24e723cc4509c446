import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { stringify } from 'yaml'
import { loadEnvironment } from '../../../lib/config/load.ts'
import type { Environment } from '../../../lib/config/schema.ts'
import type { Vm } from '../../../lib/google/compute.ts'
import { createOutput } from '../../../lib/operation/output.ts'
import { configuration, OpsError } from '../../../lib/runtime/errors.ts'
import type { Json } from '../../../lib/runtime/json.ts'
import { UndeclaredVariable } from '../../../lib/terraform/terraform.ts'

interface World {
  outputs?: Record<string, Json>
  applied?: boolean
  inputs?: Record<string, string | OpsError>
  access?: Partial<Environment['access']>
  vm?: Partial<Vm>
}

const prod = await loadEnvironment('prod')

function outputOf({ outputs = {}, applied = true, inputs = {}, access = {}, vm }: World) {
  return createOutput({
    environment: { ...prod, access: { ...prod.access, ...access } },
    baseLayer: 'network',
    terraform: {
      root: (layer: string) => `/tree/${layer}`,
      state: async (layer: string) => ({ outputs: layer === 'network' ? outputs : { vm_name: 'app' }, applied }),
      input: async (_layer: string, name: string) => {
        const value = inputs[name]
        if (value instanceof OpsError) throw value
        if (value === undefined) throw new UndeclaredVariable('/tree/network', name)
        return value
      },
    },
    compute: async () => ({ vm: async (name: string) => vm && { name, ...vm } }),
    apiEnd: async () => ({ relay: 'wss://r', project: 'p', zone: 'z', instance: 'vm', port: 6443 }),
  } as unknown as Parameters<typeof createOutput>[0])
}

async function failureOf(attempt: Promise<unknown>): Promise<OpsError> {
  const error = await attempt.then(
    value => new Error(`it gave ${value}`),
    thrown => thrown,
  )
  if (error instanceof OpsError) return error
  throw error
}

const says = suite('what the base layer’s outputs or the environment’s file say')
for (const [why, name, world, expected] of [
  ['an output', 'vm_name', { outputs: { vm_name: 'a' } }, 'a'],
  ['a number', 'api_local_port', { outputs: { api_local_port: 7 } }, '7'],
  ['the file, without an output', 'vm_name', { access: { vm: { name: 'b' } } }, 'b'],
  ['the file, beside an empty output', 'vm_name', { outputs: { vm_name: '' }, access: { vm: { name: 'b' } } }, 'b'],
  [
    'the file, beside one that is no text',
    'zone',
    { outputs: { zone: ['a'] }, access: { vm: { zone: 'us-east1-b' } } },
    'us-east1-b',
  ],
  ['the file, where nothing is applied', 'vm_name', { applied: false, access: { vm: { name: 'b' } } }, 'b'],
  ['both the same', 'vm_name', { outputs: { vm_name: 'a' }, access: { vm: { name: 'a' } } }, 'a'],
  ['a port in either form', 'api_local_port', { outputs: { api_local_port: '7' }, access: { kubernetes: { port: 7 } } }, '7'],
  [
    'a kubeconfig in either form',
    'kubeconfig_path',
    { outputs: { kubeconfig_path: '~/.kube/x' }, access: { kubernetes: { kubeconfig: join(homedir(), '.kube/x') } } },
    '~/.kube/x',
  ],
  ['the project by an input', 'project_id', { inputs: { project_id: 'i' } }, 'i'],
  ['the zone by an input', 'zone', { inputs: { zone: 'i' } }, 'i'],
  ['the file over an input', 'project_id', { inputs: { project_id: 'i' }, access: { vm: { project: 'f' } } }, 'f'],
  ['an output over an input', 'zone', { outputs: { zone: 'o' }, inputs: { zone: 'i' } }, 'o'],
  ['the usual context', 'kube_context', {}, 'threads-prod'],
  ['the usual kubeconfig', 'kubeconfig_path', {}, '~/.kube/config-threads-prod'],
  ['the address by Compute', 'vm_internal_ip', { outputs: { vm_name: 'a' }, vm: { internalIp: '10.0.0.2' } }, '10.0.0.2'],
  ['the address by an output', 'vm_internal_ip', { outputs: { vm_internal_ip: '10.0.0.3' } }, '10.0.0.3'],
] as [string, string, World, string][]) {
  says(`${name}: ${why}`, async () => assert.is(await outputOf(world)('network', name), expected))
}
says('of another layer its outputs alone', async () =>
  assert.is(await outputOf({ access: { vm: { name: 'b' } } })('app', 'vm_name'), 'app'),
)

for (const [name, world, key] of [
  ['vm_name', { outputs: { vm_name: 'a' }, access: { vm: { name: 'b' } } }, 'access.vm.name'],
  ['project_id', { outputs: { project_id: 'a' }, access: { vm: { project: 'b' } } }, 'access.vm.project'],
  ['zone', { outputs: { zone: 'a' }, access: { vm: { zone: 'b' } } }, 'access.vm.zone'],
  ['kube_context', { outputs: { kube_context: 'a' }, access: { kubernetes: { context: 'b' } } }, 'access.kubernetes.context'],
  ['api_local_port', { outputs: { api_local_port: 1 }, access: { kubernetes: { port: 2 } } }, 'access.kubernetes.port'],
  [
    'kubeconfig_path',
    { outputs: { kubeconfig_path: '~/a' }, access: { kubernetes: { kubeconfig: '~/b' } } },
    'access.kubernetes.kubeconfig',
  ],
] as [string, World, string][]) {
  says(`${name}: two that differ are refused with both places`, async () => {
    const { code, message } = await failureOf(outputOf(world)('network', name))
    assert.is(code, 3)
    assert.match(message, `output "${name}" of layer network is`)
    assert.match(message, new RegExp(`environments/prod\\.yaml:\\d+:\\d+: ${key.replaceAll('.', '\\.')} is`))
  })
}

for (const [name, key] of [
  ['vm_name', 'access: { vm: { name: … } }'],
  ['project_id', 'access: { vm: { project: … } }'],
  ['zone', 'access: { vm: { zone: … } }'],
] as const) {
  says(`${name}: where nothing says it, both remedies are named`, async () => {
    const { code, message, hint } = await failureOf(outputOf({})('network', name))
    assert.is(code, 4)
    assert.match(message, `layer network has no output "${name}"`)
    assert.match(message, 'and environments/prod.yaml has no access.vm.')
    assert.match(hint, `add the output "${name}" to it and apply it: \`./taskw layer:apply -- network\``)
    assert.match(hint, `write in environments/prod.yaml: ${key}`)
  })
}
says('a layer that is not applied is said not to be', async () => {
  const { code, message, hint } = await failureOf(outputOf({ applied: false })('network', 'vm_name'))
  assert.is(code, 4)
  assert.match(message, 'layer network is not applied')
  assert.match(hint, /taskw up.*access: \{ vm: \{ name/)
})
says('of a layer that is not applied the variable is to be declared, which an apply needs as well', async () => {
  const { code, message, hint } = await failureOf(outputOf({ applied: false })('network', 'zone'))
  assert.is(code, 4)
  assert.match(message, /^layer network is not applied, declares no variable "zone".*has no access\.vm\.zone$/)
  assert.match(hint, /^declare the variable in \/tree\/network\/variables\.tf; or write in .*zone: … /)
})
says('an input that is wrong stays what it is, with the line as another way', async () => {
  const wrong = configuration('variable "zone" has no value', 'give it one')
  const { code, message, hint } = await failureOf(outputOf({ inputs: { zone: wrong } })('network', 'zone'))
  assert.equal([code, message], [3, wrong.message])
  assert.match(hint, /^give it one; or write in environments\/prod\.yaml: access: \{ vm: \{ zone/)
})
says('the address of a VM that is not there', async () => {
  const { code, message } = await failureOf(outputOf({ outputs: { vm_name: 'a' } })('network', 'vm_internal_ip'))
  assert.equal([code, message], [4, 'there is no VM a in the project'])
})
says('an output that nothing else says', async () => {
  const { code, message } = await failureOf(outputOf({})('network', 'other'))
  assert.equal([code, message], [4, 'layer network has no output "other"'])
})
says.run()

const directory = mkdtempSync(join(tmpdir(), 'output-'))
const ports = suite('the local port of the API')
ports.after(() => rmSync(directory, { recursive: true }))

const kubeconfigWith = (server: string, context = 'threads-prod') => {
  const path = join(directory, `${server.replace(/\W/g, '')}-${context}`)
  const entry = { name: 'c', cluster: { server } }
  writeFileSync(path, stringify({ clusters: [entry], contexts: [{ name: context, context: { cluster: 'c', user: 'u' } }] }))
  return path
}
const portBy = async (kubeconfig: string) =>
  Number(await outputOf({ access: { kubernetes: { kubeconfig } } })('network', 'api_local_port'))

for (const [why, server, context, expected] of [
  ['is remembered by our context', 'https://127.0.0.1:17001', 'threads-prod', 17_001],
  ['in either form', 'https://localhost:17002', 'threads-prod', 17_002],
  ['not by another context', 'https://127.0.0.1:17003', 'other', undefined],
  ['not by one that leads elsewhere', 'https://10.0.0.1:17004', 'threads-prod', undefined],
] as const) {
  ports(why, async () => {
    const port = await portBy(kubeconfigWith(server, context))
    if (expected !== undefined) return assert.is(port, expected)
    assert.ok(port >= 16_443 && port < 16_543, String(port))
  })
}
/** One file with several contexts, as an existing system's may be. */
function shared(name: string, servers: Record<string, string>, current: string): string {
  const path = join(directory, name)
  const names = Object.keys(servers)
  writeFileSync(
    path,
    stringify({
      clusters: names.map(each => ({ name: each, cluster: { server: servers[each] } })),
      contexts: names.map(each => ({ name: each, context: { cluster: each, user: 'u' } })),
      'current-context': current,
    }),
  )
  return path
}
for (const [why, servers, current, expected] of [
  [
    'is that of the current context, by which the tree reads the file',
    { Default: 'https://localhost:17011' },
    'Default',
    17_011,
  ],
  ['is ours before that', { Default: 'https://localhost:17012', 'threads-prod': 'https://127.0.0.1:17013' }, 'Default', 17_013],
  ['not where the current context leads elsewhere', { Default: 'https://10.0.0.2:6443' }, 'Default', undefined],
  ['not where there is no current context', { Default: 'https://localhost:17014' }, 'gone', undefined],
  ['not where that is another environment’s', { 'threads-lab': 'https://127.0.0.1:17015' }, 'threads-lab', undefined],
  [
    'nor by another name',
    { Default: 'https://localhost:17016', 'threads-lab': 'https://127.0.0.1:17016' },
    'Default',
    undefined,
  ],
] as [string, Record<string, string>, string, number | undefined][]) {
  ports(why, async () => {
    const port = await portBy(shared(why.replace(/\W/g, ''), servers, current))
    if (expected !== undefined) return assert.is(port, expected)
    assert.ok(port >= 16_443 && port < 16_543, String(port))
  })
}
ports('is the next free one where the usual one is taken, and stays that for the run', async () => {
  const output = outputOf({ access: { kubernetes: { kubeconfig: join(directory, 'none') } } })
  const usual = Number(await output('network', 'api_local_port'))
  const server = createServer()
  await new Promise<void>(resolve => server.listen(usual, '127.0.0.1', resolve))
  try {
    assert.is(Number(await output('network', 'api_local_port')), usual)
    assert.ok((await portBy(join(directory, 'none'))) > usual)
  } finally {
    server.close()
  }
})
ports.run()
