import { access, constants } from 'node:fs/promises'
import { configuredPath } from '../config/load.ts'
import { precondition } from '../runtime/errors.ts'
import type { Phase } from '../runtime/phases.ts'
import { shell } from '../runtime/zx.ts'
import type { Operation } from './operation.ts'

/** One thing that must be true on the operator's side. @throws OpsError, whose hint is the remedy */
export interface OperatorCheck {
  /** As a finding's rule: `operator/terraform`. */
  rule: string
  /** What it is about, for people. */
  object: string
  /** @returns what was found, when it is as it should be */
  look(context: Operation): Promise<string>
}

const OLDEST_TERRAFORM = [1, 6] as const

/** Everything that is checked before anything is tried; `./taskw doctor` shows each. */
export const operatorChecks: OperatorCheck[] = [
  {
    rule: 'operator/node',
    object: 'Node',
    look: async () => process.version,
  },
  {
    rule: 'operator/terraform',
    object: 'Terraform',
    look: terraformVersion,
  },
  {
    rule: 'operator/credentials',
    object: 'Google credentials',
    async look({ credentials, endpoints }) {
      await credentials.token()
      return endpoints ? `the token of ${endpoints.tokenFile}` : 'Application Default Credentials'
    },
  },
  {
    rule: 'operator/ssh-key',
    object: 'SSH key',
    async look({ environment }) {
      const { identityFile } = environment.access.ssh
      if (identityFile === undefined) return "the agent's keys"
      await readable(configuredPath(identityFile))
      return identityFile
    },
  },
]

/** What must be true on the operator's side before anything is tried; it repairs nothing. */
export function doctor(): Phase<Operation> {
  return {
    id: 'doctor',
    title: 'Check this side: tools, keys, credentials',

    async check(context) {
      const found = await Promise.all(operatorChecks.map(async ({ rule, look }) => [rule, await look(context)] as const))
      return { state: 'done', evidence: Object.fromEntries(found) }
    },

    run: async () => null,
  }
}

async function terraformVersion({ environment, terraform, signal, progress }: Operation): Promise<string> {
  const { program } = environment.terraform
  const path = program.includes('/') ? configuredPath(program) : program
  const env = { ...(await terraform.variables()), CHECKPOINT_DISABLE: '1' }
  // The lab's may have to be built first, and says how far that is.
  const output = await shell({ nothrow: true, signal, env, onStderr: progress })`${path} version -json`
  if (output.exitCode !== 0) {
    throw precondition(
      'Terraform is not on this machine',
      `install Terraform ≥ ${OLDEST_TERRAFORM.join('.')} and put it on PATH, or name it as terraform.program`,
      output,
    )
  }
  const { terraform_version: version } = JSON.parse(output.stdout) as { terraform_version: string }
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor, oldestMinor] = OLDEST_TERRAFORM
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    throw precondition(
      `Terraform ${version} is too old`,
      `install Terraform ≥ ${OLDEST_TERRAFORM.join('.')} and put it on PATH`,
    )
  }
  return version
}

async function readable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK)
  } catch (error) {
    throw precondition(
      `the SSH key ${path} cannot be read`,
      'make one (`ssh-keygen -t ed25519`) and put its public half in terraform.tfvars as ssh_keys',
      error,
    )
  }
}

/** The bucket that holds every layer's state, and the environment's lock. */
export function stateBucket(): Phase<Operation> {
  return {
    id: 'state-bucket',
    title: 'State bucket',

    async check({ store }) {
      const bucket = await store()
      return (await bucket.exists())
        ? { state: 'done', evidence: { bucket: bucket.name } }
        : { state: 'todo', changes: [`create bucket ${bucket.name}`] }
    },

    async run({ store, environment }) {
      const bucket = await store()
      await bucket.create(environment.terraform.bucketLocation, { 'managed-by': 'threads-ops', environment: environment.name })
      return { bucket: bucket.name }
    },
  }
}
