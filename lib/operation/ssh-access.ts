import { userInfo } from 'node:os'
import { configuredPath } from '../config/load.ts'
import type { Environment } from '../config/schema.ts'
import type { Login } from '../google/compute.ts'
import { osLogin, validityOf } from '../model/access/login.ts'
import { loginName } from '../model/access/login-name.ts'
import { command } from '../model/shell.ts'
import type { OwnKey, Validity } from '../model/ssh-keys.ts'
import { exitCodes, OpsError, precondition } from '../runtime/errors.ts'
import type { Context } from './context.ts'

/** Which user logs in on the VM, and with which key. */
export interface SshAccess {
  user: string
  /** Private key, as an absolute path; without it, the SSH agent's keys. */
  identityFile?: string
}

/** The key that `gcloud compute ssh` makes and uses. */
const GCLOUD_KEY = '~/.ssh/google_compute_engine'

/**
 * What `access.ssh` says, and otherwise what gcloud does. A user without a file means the SSH agent's keys, if there is one.
 * @throws OpsError 4 when nothing names a user and this is root, whom Google's images let in nowhere
 */
export function sshAccess(
  { name, access }: Pick<Environment, 'name' | 'access'>,
  { agent = process.env.SSH_AUTH_SOCK, local = localName }: { agent?: string | undefined; local?: () => string } = {},
): SshAccess {
  const { user, identityFile } = access.ssh
  const byAgent = identityFile === undefined && user !== undefined && agent
  return {
    user: user ?? usualUser(name, local()),
    ...(!byAgent && { identityFile: configuredPath(identityFile ?? GCLOUD_KEY) }),
  }
}

const localName = (): string => userInfo().username

function usualUser(environment: string, local: string): string {
  if (local !== 'root') return loginName(local)
  throw precondition(
    'no user for the VM: it would be root, as on this machine, and root is let in nowhere on Google’s images',
    `name one in environments/${environment}.yaml: access: { ssh: { user: … } }`,
  )
}

/** What is known of one's own key on the VM. */
export interface Standing {
  vm: string
  /** The file that it is in. */
  identityFile: string
  own: OwnKey
  validity: Validity
}

type Asked = Pick<Context, 'environment' | 'compute' | 'output' | 'baseLayer' | 'now'>

/**
 * Whether the VM's metadata let this operator's key in.
 * @returns undefined where it can't be told: with the SSH agent's keys, a file that keeps its public half to itself, or without a VM
 * @throws OsLogin; OpsError 4 for a key file that can't be used
 */
export async function keyStanding(context: Asked): Promise<Standing | undefined> {
  const { environment, compute, output, baseLayer, now } = context
  const { user, identityFile } = sshAccess(environment)
  const [client, vm] = await Promise.all([compute(), output(baseLayer, 'vm_name')])
  const login = await client.login(vm)
  if (!login) return undefined
  await refuseOsLogin(login, vm, context)
  if (identityFile === undefined) return undefined
  const { loadPublicKey } = await import('../host/identity.ts')
  const key = await loadPublicKey(identityFile)
  if (key === undefined) return undefined
  const own = { user, key }
  return { vm, identityFile, own, validity: validityOf(own, login, now()) }
}

/** The VM's users and keys are those of OS Login: what is in the metadata counts for nothing then. */
export class OsLogin extends OpsError {
  constructor(message: string, hint: string) {
    super(exitCodes.precondition, message, hint)
  }
}

async function refuseOsLogin(login: Login, vm: string, { output, baseLayer }: Pick<Context, 'output' | 'baseLayer'>) {
  const where = osLogin(login)
  if (where === undefined) return
  const [project, zone] = await Promise.all([output(baseLayer, 'project_id'), output(baseLayer, 'zone')])
  const turnOff = command`gcloud compute instances add-metadata ${vm} --project ${project} --zone ${zone} --metadata enable-oslogin=FALSE`
  throw new OsLogin(
    `${vm} uses OS Login (enable-oslogin in the metadata of ${where === 'instance' ? 'the VM' : `project ${project}`}), which is not supported: it takes no key from the metadata`,
    `turn it off for this VM: metadata enable-oslogin = "FALSE" in the layer that makes it, or \`${turnOff}\`; where a policy requires it, log in with \`gcloud compute ssh\``,
  )
}

/** @throws OpsError 4 for a key that the VM would refuse; who only looks adds none. */
export function refuseMissing({ vm, identityFile, own, validity }: Standing): void {
  if (validity !== undefined) return
  const byGcloud = command`gcloud compute ssh ${`${own.user}@${vm}`} --tunnel-through-iap`
  throw precondition(
    `the key ${identityFile} is not on ${vm} for user ${own.user}, and what only looks does not add it`,
    `\`./taskw ssh\` and every verb that works on the VM add it, for 12 hours; without an environment's file, \`${byGcloud}\` does`,
  )
}
