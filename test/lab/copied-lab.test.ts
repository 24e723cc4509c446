import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, truncateSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { crc32c, md5 } from '../../lab/google/storage/checksums.ts'
import { closeLab } from '../../lab/state/private.ts'
import { writeAtomically } from '../../lib/runtime/files.ts'
import { copyLab } from './support/copied-lab.ts'

const ENVIRONMENTS = { lab: 26443, 'lab-staging': 27443 }
const folder = mkdtempSync(join(tmpdir(), 'copied-'))
const original = join(folder, 'original/.lab')

const variables = (env: string) => `terraform/00-vpc/envs/${env}/lab.auto.tfvars.json`
const provider = (env: string) =>
  `terraform/00-vpc/envs/${env}/.terraform/providers/registry.terraform.io/hashicorp/google/4.9.0/linux`
const contentOf = (lab: string, env: string): string => {
  const record = JSON.parse(readFileSync(join(lab, `google/objects/${env}%2Fdefault.tfstate.json`), 'utf8'))
  const content = readFileSync(join(lab, 'google/contents', record.content))
  assert.equal([record.size, record.md5Hash, record.crc32c], [String(content.length), md5(content), crc32c(content)])
  assert.is(record.generation, '7')
  return content.toString()
}
/** What a base layer's state says of this side, and what a later layer's has read of it. */
const state = (lab: string, env: string, port: number): string =>
  JSON.stringify(
    {
      serial: 3,
      outputs: {
        api_local_port: { value: port, type: 'number' },
        kubeconfig_path: { value: `${lab}/kube/${env}.yaml` },
        disk_size: { value: 26443 },
      },
      resources: [{ outputs: { value: { api_local_port: port }, type: ['object', { api_local_port: 'number' }] } }],
    },
    undefined,
    2,
  )
const kubeconfig = (port: number) => `server: https://127.0.0.1:${port}\n`
const portIn = (lab: string, env: string): number => JSON.parse(readFileSync(join(lab, variables(env)), 'utf8')).api_local_port

const copies = suite('a copied lab')
copies.before(async () => {
  for (const [env, port] of Object.entries(ENVIRONMENTS)) {
    const content = Buffer.from(state(original, env, port))
    const record = {
      generation: '7',
      size: String(content.length),
      md5Hash: md5(content),
      crc32c: crc32c(content),
      content: env,
    }
    for (const [file, text] of [
      [variables(env), JSON.stringify({ api_local_port: port, ssh_keys: {} }, undefined, 2)],
      [`kube/${env}.yaml`, kubeconfig(port)],
      [`google/objects/${env}%2Fdefault.tfstate.json`, JSON.stringify(record)],
      [`google/contents/${env}`, content],
      ['run/google.json', '{"port":4711}'],
      ['disks/volume', ''],
    ] as const) {
      await writeAtomically(join(original, file), text)
    }
    const link = join(original, provider(env))
    await mkdir(dirname(link), { recursive: true })
    symlinkSync(join(original, 'providers', env), link)
  }
  truncateSync(join(original, 'disks/volume'), 2 ** 30)
})
copies.after(() => rmSync(folder, { recursive: true }))

copies('each names its own folder and its own ports, a copy of a copy too', async () => {
  const [one, other] = [join(folder, 'one'), join(folder, 'other')]
  await copyLab(original, one)
  await copyLab(one, other)
  for (const env of Object.keys(ENVIRONMENTS)) {
    for (const lab of [one, other]) {
      const port = portIn(lab, env)
      assert.is(contentOf(lab, env), state(lab, env, port))
      assert.is(readFileSync(join(lab, `kube/${env}.yaml`), 'utf8'), kubeconfig(port))
      assert.is(readlinkSync(join(lab, provider(env))), join(lab, 'providers', env))
    }
  }
  const ports = [original, one, other].flatMap(lab => Object.keys(ENVIRONMENTS).map(env => portIn(lab, env)))
  assert.is(new Set(ports).size, ports.length)
})

copies('the original stays as it is', () => {
  for (const [env, port] of Object.entries(ENVIRONMENTS)) assert.is(contentOf(original, env), state(original, env, port))
  assert.ok(existsSync(join(original, 'run/google.json')))
})

copies('it has no record of what ran, and its disks take no more room', async () => {
  const copy = join(folder, 'sparse')
  await copyLab(original, copy)
  assert.not.ok(existsSync(join(copy, 'run')))
  const { size, blocks } = statSync(join(copy, 'disks/volume'))
  assert.equal([size, blocks], [2 ** 30, 0])
})

copies('it is as closed to other users as its original', async () => {
  await closeLab(original)
  const copy = join(folder, 'closed')
  await copyLab(original, copy)
  for (const name of ['.', 'disks', 'google', 'kube']) assert.is(statSync(join(copy, name)).mode & 0o777, 0o700, name)
})

copies.run()
