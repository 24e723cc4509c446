import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ensureTools } from '../../lab/tools/build.ts'
import { programPath, programs } from '../../lab/tools/catalog.ts'
import { findOnPath } from '../../lab/tools/path.ts'
import { waitFor } from '../../lib/runtime/wait.ts'
import { endpointVariables } from '../../lib/terraform/environment.ts'
import { PROJECT, TestLab, TOKEN } from './support/lab.ts'

interface Context {
  lab: TestLab
}

const backend = suite<Context>("Terraform's gcs backend")

backend.before(async () => {
  if (!findOnPath('terraform')) await ensureTools({ programs: programs.filter(({ name }) => name === 'terraform') })
})
backend.before.each(async context => {
  context.lab = await TestLab.start()
  const versioning = { enabled: true }
  await context.lab.request('POST', `/storage/v1/b?project=${PROJECT}`, { name: 'state', location: 'us-east1', versioning })
})
backend.after.each(({ lab }) => {
  // Without its state Terraform tries again for ever.
  for (const kill of running) kill()
  return lab.stop()
})

/** `seconds` is how long an apply takes, and so how long it holds the lock. */
const main = (prefix: string) => `
terraform {
  backend "gcs" {
    bucket = "state"
    prefix = "${prefix}"
  }
}
variable "serial" { default = "1" }
variable "seconds" { default = "0" }
resource "terraform_data" "it" {
  input            = var.serial
  triggers_replace = var.serial
  provisioner "local-exec" { command = "sleep \${var.seconds}" }
}
output "serial" { value = terraform_data.it.output }
`

/** What ends each Terraform that runs, with all that it has started. */
const running = new Set<() => void>()

interface Running {
  ended: Promise<{ code: number | null; output: string }>
  kill(): void
}

/** A root in a folder of its own, as each operator has one: what they share is the state. */
class Root {
  readonly #directory: string
  readonly #env: NodeJS.ProcessEnv

  private constructor(directory: string, env: NodeJS.ProcessEnv) {
    this.#directory = directory
    this.#env = env
  }

  static async make(lab: TestLab, name: string, source = main('00-vpc/state')): Promise<Root> {
    const directory = join(lab.directory, name)
    await mkdir(directory)
    await writeFile(join(directory, 'main.tf'), source)
    const api = `${lab.url}/`
    const endpoints = { compute: `${api}compute/v1/`, storage: lab.url, iam: api, resourceManager: api, serviceUsage: api }
    const root = new Root(directory, {
      ...process.env,
      ...endpointVariables(endpoints),
      GOOGLE_OAUTH_ACCESS_TOKEN: TOKEN,
      TF_IN_AUTOMATION: '1',
      TF_INPUT: '0',
      CHECKPOINT_DISABLE: '1',
      TF_CLI_CONFIG_FILE: join(directory, 'terraform.rc'),
    })
    await writeFile(join(directory, 'terraform.rc'), 'disable_checkpoint = true\n')
    await root.run('init')
    return root
  }

  start(line: string): Running {
    const program = findOnPath('terraform') ?? programPath('terraform')
    const env = { ...this.#env, TF_CLI_ARGS: '-no-color' }
    // A group of its own, so that it can be killed with all that it has started.
    const child = spawn(program, line.split(' '), {
      cwd: this.#directory,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]).then(([out, err, [code]]) => ({
      code,
      output: `${out}${err}`,
    }))
    const kill = () => process.kill(-(child.pid ?? 0), 'SIGKILL')
    running.add(kill)
    return { ended: ended.finally(() => running.delete(kill)), kill }
  }

  /** @throws Error with what Terraform says when it fails */
  async run(line: string): Promise<string> {
    const { code, output } = await this.start(line).ended
    if (code !== 0) throw new Error(`terraform ${line}:\n${output}`)
    return output
  }

  async failure(line: string): Promise<string> {
    const { code, output } = await this.start(line).ended
    if (code === 0) throw new Error(`terraform ${line} has not failed`)
    return output
  }
}

const apply = (serial: number, seconds = 0): string => `apply -auto-approve -var=serial=${serial} -var=seconds=${seconds}`

/** The generation of the lock's object, which is the lock's id. */
async function lockId(lab: TestLab): Promise<string | undefined> {
  const answer = await lab.request('GET', '/storage/v1/b/state/o/00-vpc%2Fstate%2Fdefault.tflock')
  return answer.ok ? ((await answer.json()) as { generation: string }).generation : undefined
}

const locked = (lab: TestLab): Promise<string> =>
  waitFor({ what: 'the lock', within: 20_000, every: 50, probe: () => lockId(lab) })

backend('keeps state, versions of it, and workspaces', async ({ lab }) => {
  const root = await Root.make(lab, 'first')
  await root.run(apply(1))
  await root.run(apply(2))
  assert.is(await lockId(lab), undefined)
  const other = await Root.make(lab, 'second')
  assert.is((await other.run('output -raw serial')).trim(), '2')
  assert.match(await other.run('plan -detailed-exitcode -var=serial=2'), 'No changes')
  const versions = await lab.request('GET', '/storage/v1/b/state/o?versions=true&prefix=00-vpc/state/default.tfstate')
  assert.ok(((await versions.json()) as { items: object[] }).items.length >= 2)
  await root.run('workspace new side')
  assert.match(await root.run('workspace list'), /default\s+\* side/)
})

backend('is read by another layer', async ({ lab }) => {
  const root = await Root.make(lab, 'lower')
  await root.run(apply(7))
  const upper = await Root.make(
    lab,
    'upper',
    `data "terraform_remote_state" "lower" {
      backend = "gcs"
      config  = { bucket = "state", prefix = "00-vpc/state" }
    }
    output "serial" { value = data.terraform_remote_state.lower.outputs.serial }`,
  )
  assert.match(await upper.run('plan'), 'serial = "7"')
})

backend('one of two gets the lock; the other is told who has it, or waits', async ({ lab }) => {
  const [holder, other] = [await Root.make(lab, 'holder'), await Root.make(lab, 'other')]
  const { ended } = holder.start(apply(1, 6))
  const id = await locked(lab)
  const refused = await other.failure('plan -lock-timeout=0s')
  assert.match(refused, 'Error acquiring the state lock')
  assert.match(refused, `ID:        ${id}`)
  assert.match(refused, /Operation: OperationTypeApply/)
  const late = await other.failure('plan -lock-timeout=1s')
  assert.match(late, 'Error acquiring the state lock')
  assert.match(await other.run('plan -lock-timeout=60s'), 'No changes')
  assert.is((await ended).code, 0)
})

backend('a killed run leaves its lock, which its id alone opens', async ({ lab }) => {
  const [killed, next] = [await Root.make(lab, 'killed'), await Root.make(lab, 'next')]
  const { ended, kill } = killed.start(apply(1, 30))
  const id = await locked(lab)
  kill()
  await ended
  assert.is(await lockId(lab), id)
  assert.match(await next.failure('plan -lock-timeout=0s'), id)
  assert.match(await next.failure('force-unlock -force 12345'), 'Failed to unlock state: googleapi: Error 412')
  await next.run(`force-unlock -force ${id}`)
  assert.is(await lockId(lab), undefined)
  await next.run(apply(3))
})

backend.run()
