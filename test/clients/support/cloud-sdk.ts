import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gsutilConfiguration } from '../../../lab/lifecycle/gsutil.ts'
import { cloudSdkVariables } from '../../../lib/google/cloud-sdk.ts'
import { PROJECT, type TestLab, TOKEN } from './lab.ts'

/** What a program of the Cloud SDK did. */
interface Ended {
  code: number
  stdout: string
  stderr: string
}

/** The Cloud SDK's real programs against a stand-in, with the variables that `./taskw env` prints and settings of their own. */
export class CloudSdk {
  readonly directory: string
  readonly #env: Record<string, string>

  private constructor(directory: string, env: Record<string, string>) {
    this.directory = directory
    this.#env = env
  }

  static async for(lab: TestLab): Promise<CloudSdk> {
    const directory = join(lab.directory, 'cloud-sdk')
    const [tokenFile, boto] = [join(directory, 'token'), join(directory, 'boto.cfg')]
    const { tlsPort, certificateFile } = lab.google
    await mkdir(directory)
    await writeFile(tokenFile, TOKEN, { mode: 0o600 })
    const gsutil = { tlsPort, certificateFile, token: TOKEN, stateDirectory: join(directory, 'gsutil'), project: PROJECT }
    await writeFile(boto, gsutilConfiguration(gsutil), { mode: 0o600 })
    const [compute, iam] = [`${lab.url}/compute/v1/`, `${lab.url}/`]
    const endpoints = { compute, storage: lab.url, iam, resourceManager: iam, serviceUsage: iam }
    return new CloudSdk(directory, {
      ...cloudSdkVariables({ ...endpoints, tokenFile, boto, certificate: certificateFile }),
      CLOUDSDK_CONFIG: join(directory, 'config'),
      CLOUDSDK_CORE_PROJECT: PROJECT,
      CLOUDSDK_COMPUTE_REGION: 'us-east1',
      CLOUDSDK_COMPUTE_ZONE: 'us-east1-b',
      CLOUDSDK_CORE_DISABLE_PROMPTS: 'true',
      CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
      CLOUDSDK_CORE_DISABLE_FILE_LOGGING: 'true',
      CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: 'true',
    })
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, ...this.#env }
  }

  /** What gcloud prints. @throws Error with what it says when it fails */
  async gcloud(...args: string[]): Promise<string> {
    return expectSuccess('gcloud', args, await this.#run('gcloud', args))
  }

  /** A command line of words without blanks in them. */
  do(line: string): Promise<string> {
    return this.gcloud(...line.split(' '))
  }

  /** What a command answers, as JSON. */
  async json<T>(line: string, ...more: string[]): Promise<T> {
    return JSON.parse(await this.gcloud(...line.split(' '), ...more, '--format=json')) as T
  }

  /** What a list names, in its order. In JSON: gcloud sorts by nothing that its format leaves out. */
  async names(line: string, ...more: string[]): Promise<string[]> {
    const items = await this.json<{ name: string }[]>(line, ...more)
    return items.map(({ name }) => name)
  }

  /** What a command that must fail says of it. */
  async failure(line: string): Promise<string> {
    const { code, stderr } = await this.#run('gcloud', line.split(' '))
    if (code === 0) throw new Error(`gcloud ${line} has not failed`)
    return stderr
  }

  async gsutil(...args: string[]): Promise<string> {
    return expectSuccess('gsutil', args, await this.#run('gsutil', args))
  }

  async gsutilFailure(...args: string[]): Promise<string> {
    const { code, stderr } = await this.#run('gsutil', args)
    if (code === 0) throw new Error(`gsutil ${args.join(' ')} has not failed`)
    return stderr
  }

  #run(program: string, args: string[]): Promise<Ended> {
    return new Promise(resolve => {
      execFile(
        program,
        args,
        { env: this.env, cwd: this.directory, maxBuffer: 256 * 1024 * 1024, timeout: 120_000 },
        (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
      )
    })
  }
}

function expectSuccess(program: string, args: string[], { code, stdout, stderr }: Ended): string {
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${code}\n${stderr}`)
  return stdout
}
