import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MAKE_ROOM, messageOf, precondition } from '../../lib/runtime/errors.ts'
import { postgresFolders } from '../machine/node-agent/application.ts'
import { run } from '../machine/process.ts'
import { LEAST_ROOM, roomLeft } from '../state/disk-space.ts'
import { closeLab } from '../state/private.ts'

/** The distribution's programs that the lab runs, with the Debian packages that provide them. */
const packages: Readonly<Record<string, string>> = {
  bwrap: 'bubblewrap',
  ip: 'iproute2',
  git: 'git',
  openssl: 'openssl',
  perl: 'perl-base',
  initdb: 'postgresql',
  'mkfs.ext4': 'e2fsprogs',
  'redis-server': 'redis-server',
  sshd: 'openssh-server',
  'ssh-keygen': 'openssh-client',
  sudo: 'sudo',
  unshare: 'util-linux',
}

const POLICY = '/usr/sbin/policy-rc.d'
/** Keeps Debian's postgresql from creating a database cluster on this host. */
const CLUSTERS = '/etc/postgresql-common/createcluster.d/threads-ops-lab.conf'

/**
 * Checks whether this machine can run a lab at all, and closes the lab's folder to other users.
 * @throws OpsError 4 with the reason: not Linux, not root, a full disk, no namespaces, no overlay file system
 */
export async function preflight(lab: string): Promise<void> {
  if (process.platform !== 'linux') {
    throw precondition(`the lab needs Linux, this is ${process.platform}`, 'use a Linux machine or virtual machine')
  }
  if (process.getuid?.() !== 0) {
    throw precondition(
      'the lab needs root: it creates mount, network and process namespaces',
      'run it as root: sudo ./taskw up',
    )
  }
  await closeLab(lab)
  await assertRoom(lab)
  await assertNamespaces(lab)
}

/** On a full disk a daemon could not even log why it does not start. */
async function assertRoom(lab: string): Promise<void> {
  if ((await roomLeft(lab)) >= LEAST_ROOM) return
  throw precondition(`${lab}: no space left on device: the lab needs at least ${LEAST_ROOM / 2 ** 20} MB`, MAKE_ROOM)
}

async function assertNamespaces(lab: string): Promise<void> {
  const probe = await mkdtemp(join(lab, 'probe-'))
  try {
    await Promise.all(['upper', 'work', 'root'].map(name => mkdir(join(probe, name))))
    const mount =
      'mount --make-rprivate / && mount -t overlay overlay -o lowerdir=/,upperdir="$0/upper",workdir="$0/work" "$0/root"'
    await run('unshare', ['--mount', '--pid', '--net', '--uts', '--ipc', '--fork', 'sh', '-c', mount, probe])
    // Containers have one of their own.
    await run('unshare', ['--user', 'true'])
  } catch (error) {
    throw precondition(
      `the lab cannot create namespaces and an overlay file system here: ${messageOf(error).trim().split('\n').at(-1)}`,
      'a container needs --privileged and a checkout on a volume that is not itself an overlay',
      error,
    )
  } finally {
    await rm(probe, { recursive: true, force: true })
  }
}

/** Debian packages whose programs are missing. */
export const missingPackages = (): string[] =>
  Object.entries(packages)
    .filter(([program]) => !isOnPath(program))
    .map(([, name]) => name)

const isOnPath = (program: string): boolean =>
  [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', ...postgresFolders()].some(folder =>
    existsSync(join(folder, program)),
  )

/** Installs them. @throws OpsError 4 with the command to run when that does not work */
export async function installPackages(names: readonly string[]): Promise<void> {
  const command = `apt-get install --yes --no-install-recommends ${names.join(' ')}`
  if (!isOnPath('apt-get'))
    throw precondition(`missing: ${names.join(', ')}`, 'install them with this distribution’s package manager')
  try {
    await withoutServices(async () => {
      await run('apt-get', ['update', '--quiet'])
      await run('env', ['DEBIAN_FRONTEND=noninteractive', ...command.split(' ')])
    })
  } catch (error) {
    throw precondition(
      `${names.join(', ')} cannot be installed: ${messageOf(error).trim()}`,
      `install them: sudo ${command}`,
      error,
    )
  }
  await disableServices(names)
}

/**
 * Keeps the packages' services from starting on this host: the lab runs the programs itself, in its machines. The policy
 * applies only while this process lives, so that it does not outlast a killed one.
 */
async function withoutServices(install: () => Promise<void>): Promise<void> {
  const made: string[] = []
  const make = async (path: string, text: string, mode: number) => {
    if (existsSync(path)) return
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text, { mode, flag: 'wx' })
    made.push(path)
  }
  try {
    await make(POLICY, `#!/bin/sh\n[ -d /proc/${process.pid} ] && exit 101\nexit 0\n`, 0o755)
    await make(CLUSTERS, 'create_main_cluster = false\n', 0o644)
    await install()
  } finally {
    for (const path of made) await rm(path, { force: true })
  }
}

async function disableServices(names: readonly string[]): Promise<void> {
  if (!existsSync('/run/systemd/system')) return
  const services = { 'openssh-server': ['ssh.service', 'ssh.socket'], 'redis-server': ['redis-server.service'] }
  for (const [name, units] of Object.entries(services)) {
    if (names.includes(name))
      for (const unit of units) await run('systemctl', ['disable', '--now', unit]).catch(() => undefined)
  }
}
