import { quote } from '../shell.ts'

export interface SshTarget {
  /** The VM's name, under which its host keys are known. */
  name: string
  user: string
  /** Private key; without it, the agent's keys. */
  identityFile?: string
  /** A file with the host keys. */
  knownHosts: string
  /** A program that is connected to the VM's sshd, in words. */
  proxy: readonly string[]
}

/** The lines of a known_hosts file. @param keys as `ssh-ed25519 AAAA… [comment]` */
export const knownHosts = (name: string, keys: readonly string[]): string =>
  keys.map(key => `${name} ${key.trim().split(/\s+/).slice(0, 2).join(' ')}\n`).join('')

/** Arguments of `ssh` that log in on a VM whose keys are known, whatever the user's own configuration says. */
export const sshArguments = ({ name, user, identityFile, knownHosts: file, proxy }: SshTarget): string[] => [
  ...['-F', 'none'],
  ...options({
    // ssh runs it by the user's shell, and replaces what begins with a percent sign.
    ProxyCommand: quote(proxy).replaceAll('%', '%%'),
    HostKeyAlias: name,
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: quotedPath(file),
    GlobalKnownHostsFile: 'none',
    UpdateHostKeys: 'no',
    CheckHostIP: 'no',
    ServerAliveInterval: '15',
    ...(identityFile !== undefined && { IdentitiesOnly: 'yes', IdentityFile: quotedPath(identityFile) }),
  }),
  `${user}@${name}`,
]

/** ssh reads several files in a list, and replaces what begins with a percent sign. */
const quotedPath = (path: string): string => `"${path.replaceAll('%', '%%')}"`

const options = (values: Record<string, string>): string[] =>
  Object.entries(values).flatMap(([name, value]) => ['-o', `${name}=${value}`])
