import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { provisional, schedulePart, treePart, vmPart } from '../../../lib/operation/draft.ts'
import { type OpsError, precondition } from '../../../lib/runtime/errors.ts'

const trees = suite<{ folder: string }>("a draft's Terraform")
trees.before.each(context => {
  context.folder = mkdtempSync(join(tmpdir(), 'threads-ops-draft-'))
})
trees.after.each(({ folder }) => rmSync(folder, { recursive: true }))

const write = (folder: string, files: readonly string[]) => {
  for (const file of files) {
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    writeFileSync(join(folder, file), '')
  }
}

const ROOTS = ['a/envs/prod/main.tf', 'b/envs/prod/main.tf.json']
for (const [what, files, expected] of [
  ['the usual tree', ROOTS, {}],
  ['its backend in one file for all', [...ROOTS, 'backend-config.hcl', 'a/envs/prod/other.hcl'], {}],
  ['in a file of each root', [...ROOTS, 'a/envs/prod/backend-config.hcl'], {}],
  [
    'of another name',
    [...ROOTS, 'a/envs/prod/prod.tfbackend', 'b/envs/prod/prod.tfbackend'],
    { backendConfig: 'prod.tfbackend' },
  ],
  ['of several names', [...ROOTS, 'a/envs/prod/a.hcl', 'b/envs/prod/b.hcl'], {}],
  ["Terraform's own files", [...ROOTS, 'a/envs/prod/.terraform.lock.hcl', 'a/envs/prod/.terraform/modules/x/main.tf'], {}],
  ['files of no Terraform', [...ROOTS, 'docs/envs/prod/README.md', 'c/envs/prod/.hidden.tf'], {}],
] as const) {
  trees(what, async ({ folder }) => {
    write(folder, files)
    const { content } = await treePart(folder, 'prod')
    assert.equal(content, { terraform: { directory: folder, layers: ['a', 'b'], ...expected } })
    assert.equal(provisional('prod', { ...content, access: { ssh: { user: 'ops' } } }).terraform.layers, ['a', 'b'])
  })
}

for (const [what, files, code, said] of [
  ['without any', [], 4, /there is no Terraform in/],
  ['of modules', ['modules/vpc/main.tf'], 2, /it has modules only/],
  ['of other environments', ['a/envs/x/main.tf', 'a/envs/y/main.tf'], 2, /it has roots at envs\/x, envs\/y of its layers/],
] as const) {
  trees(`a folder ${what} is refused`, async ({ folder }) => {
    write(folder, files)
    const error: OpsError = await treePart(folder, 'prod').then(
      () => assert.unreachable(),
      thrown => thrown,
    )
    assert.is(error.code, code)
    assert.match(error.message, said)
    assert.match(error.hint, '--')
  })
}
for (const [what, name, said] of [
  ['that is not there', 'nowhere', /nowhere is not there/],
  ['below a file', 'file/tree', /tree is not there/],
  ['that is a file', 'file', /file is no folder/],
] as const) {
  trees(`a folder ${what} is told as what it is`, async ({ folder }) => {
    write(folder, ['file'])
    const error: OpsError = await treePart(join(folder, name), 'prod').then(
      () => assert.unreachable(),
      thrown => thrown,
    )
    assert.is(error.code, 4)
    assert.match(error.message, said)
    assert.match(error.hint, '--from')
  })
}
trees.run()

type ScheduleContext = Parameters<typeof schedulePart>[0]
const job = (does: string, hour: number) => ({
  type: 'google_cloud_scheduler_job',
  attributes: {
    schedule: `0 ${hour} * * *`,
    time_zone: 'Asia/Taipei',
    http_target: [{ uri: `https://compute.googleapis.com/compute/v1/projects/p/zones/z/instances/vm/${does}` }],
  },
})
const scheduled = suite("a draft's schedule")
for (const [why, states, expected] of [
  ['what one layer says', { a: [job('start', 9), job('stop', 21)] }, { on: '09:00', off: '21:00', timeZone: 'Asia/Taipei' }],
  [
    'what two layers say',
    { a: [job('start', 9)], b: [job('stop', 21)] },
    { on: '09:00', off: '21:00', timeZone: 'Asia/Taipei' },
  ],
  ['none', {}, undefined],
] as [string, Record<string, object[]>, object | undefined][])
  scheduled(why, async () => {
    const context = {
      terraform: { layers: ['a', 'b'], resources: async (layer: string) => states[layer] ?? [] },
      baseLayer: 'a',
      output: async () => 'vm',
    } as unknown as ScheduleContext
    const { content = {} } = await schedulePart(context)
    assert.equal(content.schedule, expected)
    if (!expected) return
    const usual = { terraform: { layers: ['a'] }, access: { ssh: { user: 'ops' } } }
    assert.equal(provisional('prod', { ...usual, ...content }).schedule, expected)
  })
scheduled('where nothing can be read there is none, and it is said', async () => {
  const warnings: string[] = []
  const context = {
    terraform: { layers: ['a'] },
    output: async () => {
      throw new Error('Google is away')
    },
    log: { warn: (text: string) => warnings.push(text) },
  } as unknown as ScheduleContext
  assert.equal(await schedulePart(context), {})
  assert.match(warnings.join(), 'Google is away')
})
scheduled.run()

const found = suite('what is asked in vain')
found('is a gap that says why, and what to do', async () => {
  const warnings: string[] = []
  const { gaps } = await vmPart({
    baseLayer: '00-vpc',
    terraform: { state: () => Promise.reject(precondition('nobody answers', 'is it on?')) },
    log: { warn: (text: string) => warnings.push(text) },
  } as unknown as Parameters<typeof vmPart>[0])
  const why = "Terraform's states can't be read: nobody answers (is it on?)"
  assert.equal([gaps?.map(gap => gap.why), warnings], [[why], [why]])
})
found.run()
