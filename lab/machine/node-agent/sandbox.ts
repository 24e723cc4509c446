import { posix } from 'node:path'
import type { Container, Pod } from './kubernetes.ts'
import type { Invocation } from './running.ts'

export interface Mount {
  source: string
  target: string
  readOnly?: boolean
}

/** The user and groups of a container's processes. */
export interface Identity {
  uid: number
  gid: number
  groups: number[]
}

/** The parts of a container. */
export interface Sandbox {
  hostname: string
  identity: Identity
  mounts: Mount[]
  readOnlyRoot: boolean
  workingDirectory: string
}

/**
 * File descriptors: to the first bubblewrap writes the pid of the container's first process; from the other it reads its
 * options.
 */
export const INFO_DESCRIPTOR = 3
export const OPTIONS_DESCRIPTOR = 4

/** Paths of the machine that every container's root contains; the rest of a container's root is empty. */
const LENT: readonly string[] = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64'],
  ...['/etc/alternatives', '/etc/ld.so.cache', '/etc/localtime', '/etc/nsswitch.conf', '/etc/resolv.conf', '/etc/ssl'],
]

/** The identity from the security contexts of a pod and its container; `image` is the image's own user. */
export function identityOf(
  { spec }: Pod,
  { securityContext: own = {} }: Container,
  image: { uid: number; gid: number },
): Identity {
  const { securityContext: shared = {} } = spec
  const uid = own.runAsUser ?? shared.runAsUser
  return {
    uid: uid ?? image.uid,
    // As in a container runtime, a user without a group is in root's.
    gid: own.runAsGroup ?? shared.runAsGroup ?? (uid === undefined || uid === image.uid ? image.gid : 0),
    groups: [...(shared.supplementalGroups ?? []), ...(shared.fsGroup === undefined ? [] : [shared.fsGroup])],
  }
}

/** Arguments of `bwrap`; it reads its options from a descriptor, so that they do not crowd the process list. */
export const enclosed = (sandbox: Sandbox, command: readonly string[]): string[] => [
  ...['--args', String(OPTIONS_DESCRIPTOR), '--', ...assumed(sandbox), ...command],
]

/**
 * Options of `bwrap` for a container: its own PID, mount, UTS and IPC namespaces, the machine's network, no capabilities.
 * Bubblewrap stays the first process: it reaps orphans, and it dies with its parent, which would not work for a process of
 * another user once capabilities are dropped.
 */
export function optionsOf({ hostname, mounts, readOnlyRoot }: Sandbox): string[] {
  // A mount may be below another one.
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

/** How to run a command inside the container whose first process has this pid. */
export function entered(
  pid: number,
  sandbox: Sandbox,
  environment: Record<string, string>,
  command: readonly string[],
): Invocation {
  const namespaces = ['--target', String(pid), '--mount', '--pid', '--uts', '--ipc']
  return { command: 'nsenter', args: [...namespaces, '--', ...assumed(sandbox), ...command], environment }
}

/** A command prefix that switches to an unprivileged user and to the working directory. */
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
