import { posix } from 'node:path'
import type { Container, Pod } from './kubernetes.ts'
import type { Invocation } from './running.ts'

export interface Mount {
  source: string
  target: string
  readOnly?: boolean
}

/** Who a container's processes are. */
export interface Identity {
  uid: number
  gid: number
  groups: number[]
}

/** What a container is made of. */
export interface Sandbox {
  hostname: string
  identity: Identity
  mounts: Mount[]
  readOnlyRoot: boolean
  workingDirectory: string
}

/** Descriptors: on one bubblewrap tells the number of the namespaces' first process, its own; from the other it reads options. */
export const INFO_DESCRIPTOR = 3
export const OPTIONS_DESCRIPTOR = 4

/** What the machine lends to every container's root; the rest of a container's root is its own, and empty. */
const LENT: readonly string[] = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64'],
  ...['/etc/alternatives', '/etc/ld.so.cache', '/etc/localtime', '/etc/nsswitch.conf', '/etc/resolv.conf', '/etc/ssl'],
]

/** The identity that a pod's and its container's security contexts ask for; `image` is who the image would run as. */
export function identityOf(
  { spec }: Pod,
  { securityContext: own = {} }: Container,
  image: { uid: number; gid: number },
): Identity {
  const { securityContext: shared = {} } = spec
  const uid = own.runAsUser ?? shared.runAsUser
  return {
    uid: uid ?? image.uid,
    // A user without a group is in root's, as a runtime has it.
    gid: own.runAsGroup ?? shared.runAsGroup ?? (uid === undefined || uid === image.uid ? image.gid : 0),
    groups: [...(shared.supplementalGroups ?? []), ...(shared.fsGroup === undefined ? [] : [shared.fsGroup])],
  }
}

/** Arguments of `bwrap`, whose options do not crowd the process list. */
export const enclosed = (sandbox: Sandbox, command: readonly string[]): string[] => [
  ...['--args', String(OPTIONS_DESCRIPTOR), '--', ...assumed(sandbox), ...command],
]

/**
 * Options of `bwrap` that make a container: PID, mount, UTS and IPC namespaces of its own, the machine's network,
 * no capabilities. Bubblewrap stays the first process: it reaps orphans, and it dies with whoever started it, which a process
 * of another user could not be made to do by one that has dropped its capabilities.
 */
export function optionsOf({ hostname, mounts, readOnlyRoot }: Sandbox): string[] {
  // A mount may stand below another.
  const ordered = [...mounts].sort((one, other) => depth(one.target) - depth(other.target))
  return [
    ...['--unshare-pid', '--unshare-uts', '--unshare-ipc', '--die-with-parent'],
    ...['--info-fd', String(INFO_DESCRIPTOR), '--hostname', hostname],
    ...['--perms', '0755', '--dir', '/etc', ...LENT.flatMap(path => ['--ro-bind-try', path, path])],
    ...['--proc', '/proc', '--dev', '/dev', '--perms', '1777', '--tmpfs', '/dev/shm', '--perms', '1777', '--dir', '/tmp'],
    ...ordered.flatMap(({ source, target, readOnly }) => [
      ...ancestors(target).flatMap(path => ['--perms', '0755', '--dir', path]),
      ...[readOnly ? '--ro-bind' : '--bind', source, target],
    ]),
    ...(readOnlyRoot ? ['--remount-ro', '/'] : []),
  ]
}

/** How a command is run inside the container whose namespaces' first process has this number. */
export function entered(
  pid: number,
  sandbox: Sandbox,
  environment: Record<string, string>,
  command: readonly string[],
): Invocation {
  const namespaces = ['--target', String(pid), '--mount', '--pid', '--uts', '--ipc']
  return { command: 'nsenter', args: [...namespaces, '--', ...assumed(sandbox), ...command], environment }
}

/** The command's beginning that makes it somebody without any privilege, in the working directory. */
const assumed = ({ identity: { uid, gid, groups }, workingDirectory }: Sandbox): string[] => [
  ...['/usr/bin/setpriv', `--reuid=${uid}`, `--regid=${gid}`],
  groups.length > 0 ? `--groups=${groups.join(',')}` : '--clear-groups',
  ...['--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', '--pdeathsig=KILL', '--'],
  ...['/usr/bin/env', `--chdir=${workingDirectory}`, '--'],
]

const depth = (path: string): number => path.split('/').filter(Boolean).length

/** Folders above a path, the outermost first, without the root. */
function ancestors(path: string): string[] {
  const parent = posix.dirname(path)
  return parent === '/' ? [] : [...ancestors(parent), parent]
}
