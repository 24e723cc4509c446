import { access, constants } from 'node:fs/promises'
import { configuredPath } from '../../config/load.ts'
import { broken, type Finding, noted } from '../../model/health/finding.ts'
import { command } from '../../model/shell.ts'
import type { Context } from '../../operation/context.ts'
import { sshAccess } from '../../operation/ssh-access.ts'
import { attempt } from '../../runtime/attempt.ts'
import { asOpsError, exitCodes, precondition } from '../../runtime/errors.ts'
import { shell } from '../../runtime/zx.ts'

type CheckContext = Pick<Context, 'environment' | 'endpoints' | 'credentials' | 'terraform' | 'signal' | 'progress'>

/** Something that must be in order on the operator's machine. Its check throws an OpsError whose hint is the remedy. */
export interface OperatorCheck {
  /** The rule of its finding, such as `operator/terraform`. */
  rule: string
  /** What it is about, for people. */
  object: string
  /** @returns what was found, when it is in order. The signal ends it, and every program that it has begun. */
  check(context: CheckContext, signal: AbortSignal): Promise<string>
}

/** How long `doctor` waits for each check. In milliseconds. */
const WITHIN_MS = 9000

/** The finding of a check, in time. @param within milliseconds */
export async function checked(
  { rule, object, check }: OperatorCheck,
  context: CheckContext,
  within: number = WITHIN_MS,
): Promise<Finding> {
  try {
    const found = await attempt({
      service: object,
      what: 'doctor',
      hint: 'look what keeps it; in the lab it may have to be built first: `./taskw lab:up`',
      repeatable: false,
      signal: context.signal,
      deadlines: { each: within, whole: within },
      call: signal => check(context, signal),
    })
    return noted(rule, object, found)
  } catch (thrown) {
    const { code, message, hint } = asOpsError(thrown)
    if (code === exitCodes.interrupted) throw thrown
    return broken(rule, object, message, { remedy: hint })
  }
}

const OLDEST_TERRAFORM = [1, 6] as const

/** Everything that is checked before a verb begins; `./taskw doctor` shows each check. */
export const operatorChecks: OperatorCheck[] = [
  {
    rule: 'operator/node',
    object: 'Node',
    check: async () => process.version,
  },
  {
    rule: 'operator/terraform',
    object: 'Terraform',
    check: terraformVersion,
  },
  {
    rule: 'operator/credentials',
    object: 'Google credentials',
    async check({ credentials, endpoints }) {
      await credentials.token()
      return endpoints ? `the token of ${endpoints.tokenFile}` : 'Application Default Credentials'
    },
  },
  {
    rule: 'operator/ssh-key',
    object: 'SSH key',
    async check({ environment }) {
      const { user, identityFile } = sshAccess(environment)
      if (identityFile === undefined) return `the agent's keys, for user ${user}`
      await readable(identityFile)
      return `${identityFile}, for user ${user}`
    },
  },
]

async function terraformVersion({ environment, terraform, progress }: CheckContext, signal: AbortSignal): Promise<string> {
  const { program } = environment.terraform
  const path = program.includes('/') ? configuredPath(program) : program
  const env = { ...(await terraform.variables()), CHECKPOINT_DISABLE: '1' }
  // The lab's Terraform may have to be built first, and reports its progress.
  const output = await shell({ nothrow: true, killed: signal, env, onStderr: progress })`${path} version -json`
  if (output.exitCode !== 0) {
    throw precondition(
      'Terraform is not installed',
      `install Terraform ≥ ${OLDEST_TERRAFORM.join('.')} and put it on PATH, or set terraform.program`,
      output,
    )
  }
  const version = versionIn(output.stdout)
  if (version === undefined)
    throw precondition(`${path} is no Terraform: it does not say its version`, 'set terraform.program to a Terraform')
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

function versionIn(answer: string): string | undefined {
  try {
    const { terraform_version: version } = JSON.parse(answer) as { terraform_version?: unknown }
    return typeof version === 'string' ? version : undefined
  } catch {
    return undefined
  }
}

async function readable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK)
  } catch (error) {
    throw precondition(
      `the SSH key ${path} cannot be read`,
      command`make one, without a passphrase: ssh-keygen -t ed25519 -f ${path}; or name another in access.ssh.identityFile`,
      error,
    )
  }
}
