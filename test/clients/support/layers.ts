import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { credentials } from '../../../lib/google/credentials.ts'
import { openStore } from '../../../lib/google/storage.ts'
import { OpsError } from '../../../lib/runtime/errors.ts'
import { endpointVariables } from '../../../lib/terraform/environment.ts'
import { createTerraform, type StateObjects, type Terraform, type TerraformOptions } from '../../../lib/terraform/terraform.ts'
import { PROJECT, type TestLab, TOKEN } from './lab.ts'
import { terraformProgram } from './terraform.ts'

/** A tree of layers in a folder of its own, its states in the bucket `state`. */
export class Layers {
  readonly directory: string
  readonly #root: string

  /** @param root of each layer, below its folder */
  constructor(directory: string, root = 'envs/lab') {
    this.directory = directory
    this.#root = root
  }

  /** @param files by their paths: `00-vpc/main.tf` is that of the layer's root */
  async write(files: Record<string, string>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      const [layer = '', ...rest] = path.split('/')
      const file = rest.length === 0 ? join(this.directory, layer) : join(this.directory, layer, this.#root, ...rest)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
    }
  }

  get plans(): string {
    return join(this.directory, '../plans')
  }

  /** What is left of saved plans and scratch folders. */
  left(): Promise<string[]> {
    return readdir(this.plans).catch(() => [])
  }

  terraform(options: Partial<TerraformOptions> = {}): Terraform {
    return createTerraform({
      ...{ program: terraformProgram(), directory: this.directory, env: 'lab', layers: ['00-vpc'], plans: this.plans },
      ...{ backendConfig: join(this.directory, 'backend.hcl'), signal: new AbortController().signal },
      variables: async () => ({ TF_CLI_CONFIG_FILE: '/dev/null', GOOGLE_OAUTH_ACCESS_TOKEN: TOKEN }),
      ...options,
    })
  }

  /** Terraform before a lab's bucket, which it sees past itself as well. */
  async before(lab: TestLab, options: Partial<TerraformOptions> = {}): Promise<Terraform> {
    const api = `${lab.url}/`
    const endpoints = { compute: `${api}compute/v1/`, storage: lab.url, iam: api, resourceManager: api, serviceUsage: api }
    return this.terraform({
      variables: async () => ({
        ...endpointVariables(endpoints),
        TF_CLI_CONFIG_FILE: '/dev/null',
        GOOGLE_OAUTH_ACCESS_TOKEN: TOKEN,
      }),
      objects: await stateObjects(lab),
      ...options,
    })
  }
}

async function stateObjects(lab: TestLab): Promise<StateObjects> {
  const tokenFile = join(lab.directory, 'token')
  await writeFile(tokenFile, TOKEN)
  const identity = credentials(tokenFile)
  const store = (bucket: string) => openStore(bucket, PROJECT, identity, { endpoint: lab.url })
  return {
    read: async (bucket, object) => (await store(bucket)).content(object),
    create: async (bucket, object, content) => (await (await store(bucket)).write(object, content, '0')) !== undefined,
  }
}

export async function failure(attempt: Promise<unknown>): Promise<OpsError> {
  try {
    await attempt
  } catch (error) {
    if (error instanceof OpsError) return error
    throw error
  }
  throw new Error('it has not failed')
}
