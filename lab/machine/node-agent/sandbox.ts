import { posix } from 'node:path'
import type { Container, Pod } from './kubernetes.ts'
import type { Invocation } from './running.ts'

export interface Mount {
  source: string
  target: string
  readOnly?: boolean
  /** A symbolic link to `source`, instead of a mount. */
  isLink?: boolean
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
  /** Folders of the machine that are shown empty, apart from mounts. */
  hidden: readonly string[]
  readOnlyRoot: boolean
  workingDirectory: string
  /** Capabilities that it keeps, by setpriv's names; none by default. */
  capabilities?: readonly string[]
}

/**
 * File descriptors: to the first bubblewrap writes the pid of the container's first process; from the second it reads its options; the
 * third is the user namespace that it enters before it starts anything.
 */
export const INFO_DESCRIPTOR = 3
export const OPTIONS_DESCRIPTOR = 4
export const USERS_DESCRIPTOR = 5

/** Paths of the machine that every container's root contains; the rest of a container's root is empty. */
const LENT: readonly string[] = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64'],
  ...['/etc/alternatives', '/etc/ld.so.cache', '/etc/localtime', '/etc/nsswitch.conf', '/etc/resolv.conf', '/etc/ssl'],
]

/** What belongs to the kernel that all share. A user numbered 0 could write to it without any capability. */
const KERNELS: readonly string[] = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map(name => `/proc/${name}`)

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
 * Options of `bwrap` for a container: its own PID, mount, UTS, IPC and user namespaces, the machine's network, no capabilities.
 * Even what a pod has put in place of `setpriv`, or of a library, has none over the machine. Bubblewrap stays the first process: it reaps
 * orphans, and it dies with its parent, which would not work for a process of another user once capabilities are dropped.
 */
export function optionsOf({ hostname, mounts, hidden, readOnlyRoot }: Sandbox): string[] {
  // A mount may be below another one.
  const ordered = [...mounts].sort((one, other) => depth(one.target) - depth(other.target))
  return [
    ...['--unshare-pid', '--unshare-uts', '--unshare-ipc', '--die-with-parent'],
    ...['--info-fd', String(INFO_DESCRIPTOR), '--userns2', String(USERS_DESCRIPTOR), '--hostname', hostname],
    ...['--perms', '0755', '--dir', '/etc', ...LENT.flatMap(path => ['--ro-bind-try', path, path])],
    ...hidden.flatMap(path => ['--perms', '0755', '--tmpfs', path]),
    ...['--proc', '/proc', ...KERNELS.flatMap(path => ['--ro-bind-try', path, path])],
    ...['--dev', '/dev', '--perms', '1777', '--tmpfs', '/dev/shm', '--perms', '1777', '--dir', '/tmp'],
    ...ordered.flatMap(({ source, target, readOnly, isLink }) => [
      ...ancestors(target).flatMap(path => ['--perms', '0755', '--dir', path]),
      ...[isLink ? '--symlink' : readOnly ? '--ro-bind' : '--bind', source, target],
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
  const namespaces = ['--target', String(pid), '--user', '--mount', '--pid', '--uts', '--ipc']
  return { command: 'nsenter', args: [...namespaces, '--', ...assumed(sandbox), ...command], environment: packed(environment) }
}

/**
 * The environment of `bwrap` and `nsenter` themselves, which carries the container's in one variable: its `LD_PRELOAD` would otherwise be
 * theirs, who are the machine's root.
 */
export const packed = (environment: Record<string, string>): Record<string, string> => ({
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  [PACKED]: Object.entries(environment)
    .map(([name, value]) => `${name}=${value}`.replace(/[%\n]/g, sign => (sign === '%' ? '%25' : '%0A')))
    .join('\n'),
})

const PACKED = 'CONTAINER_ENVIRONMENT'
/** Becomes the command, with the environment that it is meant to have. Perl is among Debian's essential packages. */
const UNPACK = `for (split /\\n/, delete $ENV{${PACKED}}) {
  s/%(25|0A)/chr hex $1/ge;
  my ($name, $value) = split /=/, $_, 2;
  $ENV{$name} = $value;
}
exec { $ARGV[0] } @ARGV;
my $missing = $! == 2;
print STDERR "exec: $ARGV[0]: $!\\n";
exit($missing ? 127 : 126);`

/** A command prefix that switches to an unprivileged user, to the working directory and, at last, to the environment. */
const assumed = ({ identity: { uid, gid, groups }, workingDirectory, capabilities = [] }: Sandbox): string[] => [
  ...['/usr/bin/setpriv', `--reuid=${uid}`, `--regid=${gid}`],
  groups.length > 0 ? `--groups=${groups.join(',')}` : '--clear-groups',
  ...['--inh-caps=-all', `--bounding-set=${['-all', ...capabilities.map(name => `+${name}`)].join(',')}`],
  ...['--no-new-privs', '--pdeathsig=KILL', '--'],
  ...['/usr/bin/env', `--chdir=${workingDirectory}`, '--', '/usr/bin/perl', '-e', UNPACK, '--'],
]

const depth = (path: string): number => path.split('/').filter(Boolean).length

/** Folders above a path, the outermost first, without the root. */
function ancestors(path: string): string[] {
  const parent = posix.dirname(path)
  return parent === '/' ? [] : [...ancestors(parent), parent]
}
