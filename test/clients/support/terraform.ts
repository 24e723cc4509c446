import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { ensureTools } from '../../../lab/tools/build.ts'
import { programPath, programs } from '../../../lab/tools/catalog.ts'
import { findOnPath } from '../../../lab/tools/path.ts'
import { endpointVariables } from '../../../lib/terraform/environment.ts'
import { type TestLab, TOKEN } from './lab.ts'

/** Builds what is missing of Terraform and its providers. */
export async function ensureTerraform(...providers: string[]): Promise<void> {
  const names = [...(findOnPath('terraform') ? [] : ['terraform']), ...providers]
  await ensureTools({ programs: programs.filter(({ name }) => names.includes(name)) })
}

export const terraformProgram = (): string => findOnPath('terraform') ?? programPath('terraform')

/** What ends each Terraform that runs, with all that it has started. */
const running = new Set<() => void>()

/** Without its state Terraform tries again for ever. */
export function killTerraform(): void {
  for (const kill of running) kill()
}

interface Running {
  ended: Promise<{ code: number | null; output: string }>
  kill(): void
}

/** A root in a folder of its own, as each operator has one: what they share is the state. */
export class Root {
  readonly #directory: string
  readonly #env: NodeJS.ProcessEnv

  private constructor(directory: string, env: NodeJS.ProcessEnv) {
    this.#directory = directory
    this.#env = env
  }

  /** @param source its only file */
  static async make(lab: TestLab, name: string, source: string): Promise<Root> {
    const directory = join(lab.directory, name)
    await mkdir(directory)
    await writeFile(join(directory, 'main.tf'), source)
    await writeFile(join(directory, 'terraform.rc'), 'disable_checkpoint = true\n')
    const root = Root.at(lab, directory, join(directory, 'terraform.rc'))
    await root.run('init')
    return root
  }

  /** @param configuration Terraform's CLI configuration file */
  static at(lab: TestLab, directory: string, configuration: string): Root {
    const api = `${lab.url}/`
    const endpoints = { compute: `${api}compute/v1/`, storage: lab.url, iam: api, resourceManager: api, serviceUsage: api }
    return new Root(directory, {
      ...process.env,
      ...endpointVariables(endpoints),
      GOOGLE_OAUTH_ACCESS_TOKEN: TOKEN,
      TF_IN_AUTOMATION: '1',
      TF_INPUT: '0',
      CHECKPOINT_DISABLE: '1',
      TF_CLI_CONFIG_FILE: configuration,
    })
  }

  start(line: string): Running {
    const program = terraformProgram()
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
