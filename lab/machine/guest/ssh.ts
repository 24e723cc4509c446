import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { writeWhole } from '../write-whole.ts'
import { putGuestAttribute } from './metadata.ts'

const KEY_TYPES = ['ed25519', 'ecdsa']
const INSTANCE_ID = '/etc/google_instance_id'

const keyFile = (type: string): string => `/etc/ssh/ssh_host_${type}_key`

/** Shown to whoever tries to log in as root, before that is refused. */
const ROOT_BANNER = '/etc/ssh/root-banner'

/** Root is refused as by Google's images; `gcloud compute ssh` that is run by root asks for root unless it is told otherwise. */
export const rootBanner = (host: string): string =>
  `root can't log in here, as on Google's images. Name a user: gcloud compute ssh ops@${host}\n`

export const sshdConfiguration = `Port 22
${KEY_TYPES.map(type => `HostKey ${keyFile(type)}`).join('\n')}
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
AllowTcpForwarding yes
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
Match User root
  Banner ${ROOT_BANNER}
`

export const sshUnit = `[Unit]
Description=OpenBSD Secure Shell server
[Service]
ExecStart=/usr/sbin/sshd -D -e
KillMode=process
Restart=on-failure
`

/**
 * Writes sshd's configuration, and creates host keys if there are none or they belong to another instance: a machine that boots
 * from a copy of another's disk must not be taken for it. Google's agent does the same.
 * @returns whether the host keys are new
 */
export function prepareSsh(instanceId: string | undefined): boolean {
  mkdirSync('/etc/ssh', { recursive: true })
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  writeWhole('/etc/ssh/sshd_config', sshdConfiguration)
  writeWhole(ROOT_BANNER, rootBanner(hostname()))
  const known = existsSync(INSTANCE_ID) ? readFileSync(INSTANCE_ID, 'utf8').trim() : undefined
  const copied = instanceId !== undefined && instanceId !== known
  const missing = KEY_TYPES.filter(type => copied || !isFinished(keyFile(type)))
  for (const type of missing) {
    for (const file of [keyFile(type), `${keyFile(type)}.pub`]) rmSync(file, { force: true })
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', keyFile(type)])
  }
  if (instanceId !== undefined) writeWhole(INSTANCE_ID, `${instanceId}\n`)
  return missing.length > 0
}

/** ssh-keygen writes the public key last: if it is missing, the power failed in between. */
const isFinished = (key: string): boolean => (statSync(`${key}.pub`, { throwIfNoEntry: false })?.size ?? 0) > 0

/** Publishes the host keys as `hostkeys/<type>`, so that clients can verify the machine on their first connection. */
export async function publishHostKeys(): Promise<void> {
  for (const type of KEY_TYPES) {
    const [name = '', key = ''] = readFileSync(`${keyFile(type)}.pub`, 'utf8').split(' ')
    await putGuestAttribute(`hostkeys/${name}`, key)
  }
}
