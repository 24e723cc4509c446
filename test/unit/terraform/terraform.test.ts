import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createTerraform, type TerraformOptions } from '../../../lib/terraform/terraform.ts'
import { failureOf } from '../support/layers.ts'

const LAYERS = ['00-a', '01-b', '02-c', '03-d', '04-e']

/** Writes down when it begins and ends, and knows just enough: what it plans fails. */
const PROGRAM = `#!/bin/sh
folder=$(dirname "$0")
root=$(pwd)
case $root in */scratch-*) where=scratch ;; *) where=$(basename "$(dirname "$(dirname "$root")")") ;; esac
say() { echo "$1 $command $where" >>"$folder/log"; }
command=$1
say begin
echo "$*" >>"$folder/commands"
trap 'say interrupted; exit 1' INT
case $command in
  console) cat >/dev/null; printf '"%s"\n' "$(printf '"the-bucket"' | base64)" ;;
  init) mkdir -p .terraform; echo '{"backend":{"type":"gcs","config":{"bucket":"the-bucket","prefix":"'"$where"'"}}}' >.terraform/terraform.tfstate; sleep 0.1 ;;
  plan) i=0; while [ $i -lt "$(cat "$folder/ticks")" ]; do sleep 0.1; i=$((i + 1)); done; say end; exit 1 ;;
esac
say end
`

interface World {
  folder: string
  /** `begin plan 00-a` and so on, in order; of scratch folders only where asked. */
  log(options?: { scratch?: boolean }): Promise<string[]>
  terraform(options?: Partial<TerraformOptions>): ReturnType<typeof createTerraform>
}

async function withRoots(use: (world: World) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'terraform-'))
  try {
    await writeFile(join(folder, 'terraform'), PROGRAM, { mode: 0o755 })
    await writeFile(join(folder, 'ticks'), '5')
    await writeFile(join(folder, 'backend.hcl'), 'bucket = "the-bucket"\n')
    for (const layer of LAYERS) {
      const root = join(folder, layer, 'envs/lab')
      await mkdir(root, { recursive: true })
      await writeFile(join(root, 'main.tf'), 'data "terraform_remote_state" "below" {}\nvariable "backend_bucket" {}\n')
      await writeFile(join(root, 'terraform.tfvars'), 'backend_bucket = "the-bucket"\n')
    }
    await use({
      folder,
      async log({ scratch = false } = {}) {
        const lines = (await readFile(join(folder, 'log'), 'utf8').catch(() => '')).split('\n').filter(Boolean)
        return lines.filter(line => scratch || !line.endsWith(' scratch'))
      },
      terraform: options =>
        createTerraform({
          ...{ program: join(folder, 'terraform'), directory: folder, env: 'lab', layers: LAYERS },
          ...{ backendConfig: join(folder, 'backend.hcl'), plans: join(folder, 'plans') },
          signal: new AbortController().signal,
          variables: async () => ({}),
          objects: { read: async () => undefined, create: async () => false },
          ...options,
        }),
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The most that ran at one time of these. */
function together(log: string[], command: string): number {
  let [running, most] = [0, 0]
  for (const line of log.filter(each => each.includes(` ${command} `))) {
    running += line.startsWith('begin') ? 1 : -1
    most = Math.max(most, running)
  }
  return most
}

const plans = suite('looks at several layers')
plans('three at a time, and one init', () =>
  withRoots(async ({ terraform, log }) => {
    const { plan } = terraform()
    await Promise.all(LAYERS.map(layer => failureOf(plan(layer, { lock: false }))))
    const lines = await log()
    assert.is(together(lines, 'init'), 1)
    assert.is(together(lines, 'plan'), 3)
    assert.is(lines.filter(line => line.startsWith('begin plan')).length, LAYERS.length)
  }),
)
plans('what nobody waits for any more is interrupted at the end', () =>
  withRoots(async ({ folder, terraform, log }) => {
    const { plan, dispose } = terraform()
    await failureOf(plan('00-a', { lock: false }))
    await writeFile(join(folder, 'ticks'), '100')
    const left = failureOf(plan('01-b', { lock: false }))
    while (!(await log()).includes('begin plan 01-b')) await new Promise(resolve => setTimeout(resolve, 20))
    await dispose()
    assert.ok((await log()).includes('interrupted plan 01-b'))
    await left
  }),
)
for (const [lockDeadline, timeout, within] of [
  [undefined, undefined, '60s'],
  [300_000, undefined, '300s'],
  [1500, undefined, '2s'],
  [300_000, 0, '0s'],
] as const) {
  plans(`a state's lock is waited for as long as the environment says: ${lockDeadline} ms, or ${timeout} s: ${within}`, () =>
    withRoots(async ({ folder, terraform }) => {
      await writeFile(join(folder, 'ticks'), '0')
      const { plan, adopt } = terraform({ ...(lockDeadline !== undefined && { lockDeadline }) })
      await failureOf(plan('00-a', { ...(timeout !== undefined && { lockTimeout: timeout }) }))
      if (timeout === undefined) await adopt('00-a', 'a.b', 'id')
      const commands = (await readFile(join(folder, 'commands'), 'utf8')).split('\n')
      const waits = commands.filter(command => /^(plan|import) .*-lock-timeout/.test(command))
      assert.equal(
        waits.map(command => /-lock-timeout=(\S+)/.exec(command)?.[1]),
        timeout === undefined ? [within, within] : [within],
      )
    }),
  )
}
plans.run()

const checks = suite('what was found in order is not looked for again')
const APART = ['begin console scratch', 'begin plan scratch']
const apart = (lines: string[]) => lines.filter(line => APART.includes(line)).length
/** A first look at a layer, and how much a second process looks for after that. */
const again = (change: (root: string, folder: string) => Promise<unknown>) => {
  let count = 0
  return withRoots(async ({ folder, terraform, log }) => {
    await writeFile(join(folder, 'ticks'), '0')
    await failureOf(terraform().plan('00-a', { lock: false }))
    const before = apart(await log({ scratch: true }))
    assert.ok(before > 1, String(before))
    await change(join(folder, '00-a/envs/lab'), folder)
    await failureOf(terraform().plan('00-a', { lock: false }))
    count = apart(await log({ scratch: true })) - before
  }).then(() => count)
}
checks('by the next run, as long as the files are the same', async () => assert.is(await again(async () => undefined), 0))
for (const [why, change] of [
  ['its values', root => writeFile(join(root, 'terraform.tfvars'), 'backend_bucket = "the-bucket" # its own\n')],
  ['values beside them', root => writeFile(join(root, 'more.auto.tfvars'), 'backend_bucket = "the-bucket"\n')],
  ['its configuration', root => writeFile(join(root, 'more.tf'), 'locals {}\n')],
  ['another layer', (_, folder) => writeFile(join(folder, '03-d/envs/lab/more.tf'), 'locals {}\n')],
  ['the backend', (_, folder) => writeFile(join(folder, 'backend.hcl'), 'bucket = "the-bucket" # ours\n')],
  ['what init has left', root => rm(join(root, '.terraform'), { recursive: true })],
] as [string, (root: string, folder: string) => Promise<unknown>][]) {
  checks(`unless ${why} has changed`, async () => assert.ok((await again(change)) > 1))
}
checks('unless a value comes from the environment', async () => {
  try {
    const count = await again(async () => {
      process.env.TF_VAR_backend_bucket = 'the-bucket'
    })
    assert.ok(count > 1)
  } finally {
    delete process.env.TF_VAR_backend_bucket
  }
})
checks.run()
