import { access, constants } from 'node:fs/promises'
import { configuredPath } from '../config/load.ts'
import { precondition } from '../runtime/errors.ts'
import type { Phase } from '../runtime/phases.ts'
import { shell } from '../runtime/zx.ts'
import type { Operation } from './operation.ts'

/** What must be true on the operator's side before anything is tried; it repairs nothing. */
export function doctor(): Phase<Operation> {
  return {
    id: 'doctor',
    title: 'Check this side: tools, keys, credentials',

    async check({ environment, terraform, credentials, signal }) {
      const { identityFile } = environment.access.ssh
      const [version] = await Promise.all([
        terraformVersion(environment.terraform.program, await terraform.variables(), signal),
        credentials.token(),
        identityFile === undefined ? undefined : readable(configuredPath(identityFile)),
      ])
      return { state: 'done', evidence: { terraform: version, node: process.version } }
    },

    run: async () => null,
  }
}

async function terraformVersion(program: string, variables: Record<string, string>, signal: AbortSignal): Promise<string> {
  const path = program.includes('/') ? configuredPath(program) : program
  const output = await shell({ nothrow: true, signal, env: { ...variables, CHECKPOINT_DISABLE: '1' } })`${path} version -json`
  if (output.exitCode !== 0) {
    throw precondition(
      'Terraform is not on this machine',
      'install Terraform ≥ 1.6 and put it on PATH, or name it as terraform.program',
      output,
    )
  }
  return (JSON.parse(output.stdout) as { terraform_version: string }).terraform_version
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
