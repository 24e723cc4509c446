import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse, stringify } from 'yaml'
import { k0sBinary } from '../../../lab/machine/k0s/shim.ts'
import { removeNetworks } from '../../../lab/machine/network.ts'
import type { MachineSpec } from '../../../lab/machine/types.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'
import { type Lab, startLab } from './fixture.ts'

/**
 * What k0sctl sends to a host over SSH, in its order, and what it must read in the answers. k0sctl itself cannot be had where these
 * tests run, so the commands are facts taken from its sources: those of its 0.2x versions on rig 0.x (github.com/k0sproject/k0sctl:
 * phase/*.go, configurer/linux.go, cluster/host.go; github.com/k0sproject/rig: connection.go, os/linux.go, os/initsystem/systemd.go,
 * pkg/rigfs/posixfsys.go). The role is `controller+worker` with `noTaints`, an `environment`, a `hostname` and `uploadBinary`: of a
 * single machine's roles the one that takes the most commands.
 */
interface Step {
  why: string
  command: string
  stdin?: string
  /** What must be on stdout, or the exit code when it is not 0. */
  reads?: string | RegExp | number | ((stdout: string) => void)
  /** The name under which stdout is kept for the steps that follow, which write it as `@name@`. */
  keep?: string
  /** Milliseconds for which k0sctl would ask again. */
  within?: number
}

const K0S = '/usr/local/bin/k0s'
const LOCK = '/run/lock/k0sctl'
const CONFIG = '/etc/k0s/k0s.yaml'
const UNIT = '/etc/systemd/system/k0scontroller.service'
const BINARY = k0sBinary('v1.34.0+k0s.0')
const UPLOADED = `${K0S}.tmp.1700000000000000000`
const FLAGS = ['--data-dir=/var/lib/k0s', '--enable-worker=true', '--no-taints=true', `--config=${CONFIG}`]
const EXTRA = "--kubelet-extra-args='--node-ip=10.142.0.2 --hostname-override=node'"
const WHOSE = 'workstation-4711'
/** Any failure: k0sctl looks only at whether there is one. */
const FAILS = -1

const sudo = (command: string) => `sudo -s -- ${command}`
const systemd = (command: string) => sudo(`systemctl ${command} 2> /dev/null`)
const kubectl = (command: string) => sudo(`env "KUBECONFIG=/var/lib/k0s/pki/admin.conf" ${K0S} kubectl ${command}`)
const running = `${systemd('status k0scontroller')} | grep -q "(running)"`
const scriptPath = (service: string) => `${systemd(`show -p FragmentPath ${service}.service`)} | cut -d"=" -f2`

/** rig writes a file to where the user may, and installs it from there. */
const write = (path: string, text: string, mode: string): Step[] => [
  { why: `a file for ${path}`, command: 'mktemp 2> /dev/null', keep: 'written', reads: /^\/tmp\// },
  { why: 'its text', command: 'cat > @written@', stdin: text },
  { why: 'its place', command: sudo(`install -D -m ${mode} -- @written@ ${path}`) },
]

const connect: Step[] = [
  { why: 'a system that is Linux', command: 'uname | grep -q Linux' },
  { why: 'its distribution', command: 'cat /etc/os-release || cat /usr/lib/os-release', reads: /^ID=(debian|ubuntu)$/m },
  { why: 'its version', command: 'cat /etc/os-release || cat /usr/lib/os-release', reads: /^VERSION_ID="?\d/m },
  { why: 'a user who is not root', command: '[ "$(id -u)" = 0 ]', reads: 1 },
  { why: 'and may use sudo without a password', command: 'sudo -n -l' },
]

const lock: Step[] = [
  { why: "the lock's folder", command: sudo('test -d /run/lock') },
  { why: 'a new lock', command: 'mktemp', keep: 'lock' },
  { why: 'with its owner', command: sudo('cat > "@lock@"'), stdin: WHOSE },
  { why: 'becomes the lock if there is none', command: sudo(`mv -n "@lock@" "${LOCK}"`) },
  { why: 'which it has', command: 'test -f "@lock@"', reads: 1 },
  { why: 'and is kept fresh', command: sudo(`env -i LC_ALL=C touch -m -d '2026-01-01 10:00:00.5 +0000' -- ${LOCK}`) },
]

const lockedOut: Step[] = [
  { why: 'another lock', command: 'mktemp', keep: 'other' },
  { why: 'does not replace it', command: sudo(`mv -n "@other@" "${LOCK}"`) },
  { why: 'and is still there', command: 'test -f "@other@"' },
  {
    why: 'its age',
    command: sudo(`env -i LC_ALL=C stat --printf '%s\\0%y\\0%a\\0%F' -- ${LOCK}`),
    reads: new RegExp(`^${WHOSE.length}\0\\d{4}-\\d\\d-\\d\\d [\\d:.]+ [+-]\\d{4}\0\\d+\0regular file$`),
  },
  { why: 'its owner', command: sudo(`cat -- ${LOCK} 2> /dev/null`), reads: WHOSE },
]

const facts: Step[] = [
  { why: 'curl', command: sudo('command -v -- "curl" 2> /dev/null'), reads: /^\// },
  { why: 'hostname', command: sudo('command -v -- "hostname" 2> /dev/null'), reads: /^\// },
  { why: 'no container', command: "grep 'container=docker' /proc/1/environ 2> /dev/null", reads: FAILS },
  { why: 'the architecture', command: 'uname -m', reads: 'x86_64' },
  { why: 'the host name', command: 'hostname 2> /dev/null', reads: 'vm' },
  {
    why: 'the private interface',
    command:
      'PATH=/usr/local/sbin:/usr/sbin:/sbin:$PATH; (ip route list scope global | grep -E "\\b(172|10|192\\.168)\\.") || (ip route list | grep -m1 default)',
    reads: output => assert.is(/\bdev (\w+)/.exec(output)?.[1], 'eth0'),
  },
  {
    why: 'the private address',
    command: 'PATH=/usr/local/sbin:/usr/sbin:/sbin:$PATH ip -o addr show dev eth0 scope global',
    reads: output => assert.is(output.trim().split(/\s+/)[3]?.split('/')[0], '10.142.0.2'),
  },
  { why: 'the machine', command: 'cat /etc/machine-id || cat /var/lib/dbus/machine-id', reads: /^[0-9a-f]{32}$/ },
  { why: 'sudo works', command: sudo('true') },
  {
    why: 'the clock',
    command: 'date -u +"%s"',
    reads: output => assert.ok(Math.abs(Number(output) - Date.now() / 1000) < 30, output),
  },
  { why: 'systemd', command: sudo('stat /run/systemd/system') },
  { why: 'systemd, as rig found it at first', command: 'basename $(command -v rc-service systemd)', reads: 'systemd' },
]

const environment: Step[] = [
  { why: 'the environment of all', command: sudo('cat -- /etc/environment 2> /dev/null'), reads: () => undefined },
  ...write('/etc/environment', 'TIER=a b\n', '0644'),
  {
    why: 'can be read',
    command:
      'while read -r pair; do if [[ $pair == ?* && $pair != \\#* ]]; then export "$pair" || exit 2; fi; done < /etc/environment',
  },
]

const upload: Step[] = [
  { why: 'no k0s', command: sudo(`${K0S} version`), reads: FAILS },
  { why: "GNU's stat", command: sudo('stat --help 2>&1'), reads: /--format/ },
  {
    why: 'nothing in the way',
    command: sudo(`env -i PATH="$PATH" LC_ALL=C stat -c '%#f %s %.9Y //%n//' -- ${UPLOADED} 2> /dev/null`),
    reads: FAILS,
  },
  {
    why: 'a folder for it',
    command: sudo(`env -i PATH="$PATH" LC_ALL=C stat -c '%#f %s %.9Y //%n//' -- /usr/local/bin 2> /dev/null`),
    reads: /^0x4[0-9a-f]{3} \d+ \d+\.\d{9} \/\/\/usr\/local\/bin\/\/$/,
  },
  { why: 'an empty file', command: sudo(`install -m 0600 /dev/null ${UPLOADED}`) },
  { why: 'of no length', command: sudo(`truncate -s 0 ${UPLOADED}`) },
  { why: 'its bytes', command: sudo(`dd if=/dev/stdin of=${UPLOADED} bs=4096 seek=0 conv=notrunc`), stdin: BINARY },
  {
    why: 'as they were sent',
    command: sudo(`sha256sum -b ${UPLOADED}`),
    reads: output => assert.is(output.split(/\s/)[0], createHash('sha256').update(BINARY).digest('hex')),
  },
  { why: 'which run', command: sudo(`chmod 0755 -- ${UPLOADED}`) },
  { why: 'there', command: sudo(`test -e ${UPLOADED} 2> /dev/null`) },
  { why: 'a folder', command: sudo('mkdir -p -- /usr/local/bin') },
  { why: 'its place', command: sudo(`mv "${UPLOADED}" "${K0S}"`) },
  { why: 'for root alone', command: sudo(`chmod 0750 -- ${K0S}`) },
  { why: 'its version', command: sudo(`${K0S} version`), reads: 'v1.34.0+k0s.0' },
  { why: 'no service yet', command: scriptPath('k0scontroller'), reads: '' },
  { why: 'and none that runs', command: sudo(`${K0S} status -o json`), reads: FAILS },
  { why: 'a configuration', command: sudo(`${K0S} config create --data-dir=/var/lib/k0s`), keep: 'config' },
]

const configure = (config: string): Step[] => [
  { why: 'a file for the configuration', command: 'mktemp', keep: 'candidate' },
  ...write('@candidate@', config, '0600'),
  { why: 'is valid', command: sudo(`${K0S} config validate --config="@candidate@"`), reads: '' },
  { why: 'none before it', command: sudo(`test -e ${CONFIG} 2> /dev/null`), reads: 1 },
  { why: 'a folder', command: sudo('install -d -m 0750 /etc/k0s') },
  { why: 'its place', command: sudo(`mv "@candidate@" "${CONFIG}"`) },
  { why: 'for root alone', command: sudo(`chmod 0600 ${CONFIG}`) },
  { why: 'whose it is', command: sudo(`grep -q " generated-by-k0sctl" "${CONFIG}"`) },
]

const ready: Step[] = [
  { why: 'it runs', command: running, within: 20_000 },
  {
    why: 'the API answers',
    command: 'curl -kso /dev/null --connect-timeout 20 -w "%{http_code}" "https://localhost:6443/version"',
    reads: /^(200|401)$/,
    within: 60_000,
  },
  {
    why: "the cluster's id",
    command: kubectl('get -n kube-system namespace kube-system -o template={{.metadata.uid}}'),
    reads: /^[-0-9a-f]{36}$/,
    within: 20_000,
  },
]

const initialize: Step[] = [
  { why: 'the service', command: sudo(`${K0S} install controller ${FLAGS.join(' ')} ${EXTRA}`) },
  { why: 'its file', command: scriptPath('k0scontroller'), reads: UNIT },
  ...write(`${UNIT}.d/env.conf`, '[Service]\nEnvironment="TIER=a \\"b\\""\nEnvironment="EMPTY="\n', '0660'),
  { why: 'is read', command: systemd('daemon-reload') },
  { why: 'a start', command: systemd('start k0scontroller') },
  ...ready,
]

const kubeconfig: Step[] = [
  {
    why: 'the kubeconfig',
    command: sudo(`${K0S} kubeconfig admin --data-dir=/var/lib/k0s`),
    reads: output => {
      const { clusters, contexts, users } = parse(output)
      assert.equal([clusters[0].name, contexts[0].name, users[0].name], ['local', 'Default', 'user'])
      assert.ok(clusters[0].cluster['certificate-authority-data'] && users[0].user['client-key-data'])
    },
  },
  { why: 'the lock is given back', command: sudo(`rm -f -- ${LOCK} 2> /dev/null`) },
]

/** The flags of `status -o json`, without the binary and the role, less those that k0sctl does not compare. */
function comparedFlags(output: string): string[] {
  const { Args } = JSON.parse(output) as { Args: string[] }
  return Args.slice(2).filter(flag => !/^--(force|env|data-dir|token-file|config)=/.test(flag))
}

const known: Step[] = [
  { why: 'k0s', command: sudo(`${K0S} version`), reads: 'v1.34.0+k0s.0' },
  { why: 'its configuration', command: sudo(`cat -- ${CONFIG} 2> /dev/null`), keep: 'config', reads: /generated-by-k0sctl/ },
  { why: 'its service', command: scriptPath('k0scontroller'), reads: UNIT },
  { why: 'no worker', command: scriptPath('k0sworker'), reads: '' },
  {
    why: 'what runs',
    command: sudo(`${K0S} status -o json`),
    keep: 'status',
    reads: output => {
      const { Version, Role, Workloads, Pid, Args } = JSON.parse(output)
      assert.equal([Version, Role, Workloads, Args[0], Args[1]], ['v1.34.0+k0s.0', 'controller', true, K0S, 'controller'])
      assert.ok(Pid > 1)
    },
  },
  {
    why: "etcd's members",
    command: sudo(`${K0S} etcd member-list --data-dir=/var/lib/k0s`),
    reads: output => assert.equal(Object.values(JSON.parse(output).members), ['https://10.142.0.2:2380']),
  },
  {
    why: 'the node is ready',
    command: kubectl('get node -l kubernetes.io/hostname=node -o json'),
    reads: output => {
      const [node] = JSON.parse(output).items
      const condition = node.status.conditions.find(({ type }: { type: string }) => type === 'Ready')
      assert.is(condition.status, 'True')
    },
    within: 60_000,
  },
]

const leave = sudo(`${K0S} etcd leave --peer-address 10.142.0.2 --datadir /var/lib/k0s`)

const reset: Step[] = [
  { why: 'the last of etcd cannot leave', command: `${leave} 2>&1 | grep -q 'not enough started members'` },
  { why: 'it runs', command: running },
  { why: 'a stop', command: systemd('stop k0scontroller') },
  { why: 'it runs no more', command: running, reads: 1, within: 30_000 },
  { why: 'nor does etcd, of which k0sctl says so', command: leave, reads: FAILS },
  { why: 'the reset', command: sudo(`${K0S} reset --data-dir=/var/lib/k0s`) },
  { why: 'no configuration', command: sudo(`rm -f -- ${CONFIG} 2> /dev/null`) },
  { why: 'no binary', command: sudo(`rm -f -- ${K0S} 2> /dev/null`) },
  { why: 'no service', command: scriptPath('k0scontroller'), reads: '' },
  { why: 'no data', command: sudo('test -e /var/lib/k0s 2> /dev/null'), reads: 1 },
]

const story = suite<{ lab: Lab; machine: MachineSpec; kept: Map<string, string>; pid: string }>('k0sctl')

story.before(async context => {
  context.lab = await startLab()
  context.machine = context.lab.machine('vm', '10.142.0.2')
  context.kept = new Map()
  await context.lab.hypervisor.createDisk(context.machine.disk, 'x86_64')
  await context.lab.hypervisor.powerOn(context.machine)
})
story.after(async ({ lab }) => {
  if (!lab) return
  await lab.hypervisor.powerOff('project/zone/vm')
  await removeNetworks(lab.lab)
  lab.close()
})

/** All of it over one connection, as k0sctl does. */
async function follow({ lab, machine, kept }: { lab: Lab; machine: MachineSpec; kept: Map<string, string> }, steps: Step[]) {
  const connection = await lab.connect(machine)
  const filled = (text: string) => text.replace(/@(\w+)@/g, (_all, name) => kept.get(name) ?? '')
  const take = async ({ why, command, stdin = '', reads = 0, keep }: Step) => {
    const { code, stdout, stderr } = await connection.execCommand(filled(command), { stdin })
    const said = `${why}: ${filled(command)}: exit code ${code}: ${stdout} ${stderr}`
    if (reads === FAILS) assert.is.not(code, 0, said)
    else assert.is(code, typeof reads === 'number' ? reads : 0, said)
    if (typeof reads === 'string') assert.is(stdout, reads, said)
    else if (reads instanceof RegExp) assert.match(stdout, reads, said)
    else if (typeof reads === 'function') reads(stdout)
    if (keep) kept.set(keep, stdout)
    return true
  }
  try {
    for (const step of steps) {
      if (!step.within) await take(step)
      else await waitFor({ what: step.why, within: step.within, every: 500, probe: () => take(step) })
    }
  } finally {
    connection.dispose()
  }
}

/** What k0sctl makes of the configuration that k0s suggests. */
function configuration(suggested: string): string {
  const config = parse(suggested)
  config.spec.api.sans = ['10.142.0.2']
  config.spec.storage = { type: 'etcd', etcd: { peerAddress: '10.142.0.2' } }
  return `# generated-by-k0sctl 2026-01-01T10:00:00Z\n${stringify(config)}`
}

const systemctl = (lab: Lab, machine: MachineSpec, command: string) =>
  lab.ssh(machine, `sudo systemctl ${command} k0scontroller`)

story('finds a host that it can work with', async context => {
  await follow(context, [...connect, ...lock, ...lockedOut, ...environment, ...facts])
})

story('installs k0s and starts it', async context => {
  const { lab, machine, kept } = context
  await follow(context, upload)
  await follow(context, configure(configuration(kept.get('config') ?? '')))
  await follow(context, [...initialize, ...kubeconfig])
  context.pid = await systemctl(lab, machine, 'show --property MainPID --value')
  const environment = await lab.ssh(machine, `sudo cat /proc/${context.pid.trim()}/environ`)
  assert.equal(
    environment.split('\0').filter(variable => /^(TIER|EMPTY)=/.test(variable)),
    ['TIER=a "b"', 'EMPTY='],
  )
})

story('finds nothing to do', async context => {
  const { lab, machine, kept } = context
  await follow(context, [...connect, ...lock, ...facts, ...known])
  assert.equal(comparedFlags(kept.get('status') ?? ''), [
    '--enable-worker=true',
    `--kubelet-extra-args=--node-ip=10.142.0.2 --hostname-override=node`,
    '--no-taints=true',
  ])
  await follow(context, kubeconfig)
  assert.is(await systemctl(lab, machine, 'show --property MainPID --value'), context.pid)
})

story('installs k0s again when a flag has changed', async context => {
  const { lab, machine, kept } = context
  await follow(context, [
    { why: 'the service', command: sudo(`${K0S} install controller ${FLAGS.join(' ')} ${EXTRA} --labels=a=b --force=true`) },
    { why: 'a restart', command: systemd('restart k0scontroller') },
    ...ready,
    ...known,
  ])
  assert.ok(comparedFlags(kept.get('status') ?? '').includes('--labels=a=b'))
  assert.is.not(await systemctl(lab, machine, 'show --property MainPID --value'), context.pid)
  assert.match(await systemctl(lab, machine, 'show --property Environment'), /^Environment="TIER=a \\"b\\"" EMPTY=$/m)
})

story('a drop-in counts once systemd has read it again', async ({ lab, machine }) => {
  const dropIn = `${UNIT}.d/other.conf`
  await lab.ssh(machine, `sudo tee ${dropIn}`, '[Service]\nEnvironment=\nEnvironment=OTHER=1\n')
  const asked = () => systemctl(lab, machine, 'show --property Environment,DropInPaths,NeedDaemonReload --value')
  assert.is((await asked()).trim(), `"TIER=a \\"b\\"" EMPTY=\n${UNIT}.d/env.conf\nyes`)
  await lab.ssh(machine, 'sudo systemctl daemon-reload')
  assert.is((await asked()).trim(), `OTHER=1\n${UNIT}.d/env.conf ${dropIn}\nno`)
  assert.match(await systemctl(lab, machine, 'cat'), `# ${dropIn}\n[Service]\nEnvironment=\n`)
  await lab.ssh(machine, `sudo rm ${dropIn} && sudo systemctl daemon-reload`)
  assert.is((await asked()).trim(), `"TIER=a \\"b\\"" EMPTY=\n${UNIT}.d/env.conf\nno`)
})

story('a drop-in that cannot be run keeps the service from a restart, and alive', async ({ lab, machine }) => {
  const dropIn = `${UNIT}.d/other.conf`
  await lab.ssh(machine, `sudo tee ${dropIn} && sudo systemctl daemon-reload`, '[Service]\nExecStart=/bin/true\n')
  const restart = await lab.ssh(machine, 'sudo systemctl restart k0scontroller 2>&1 || echo $?')
  assert.match(restart, /has a bad unit file setting: Service has more than one ExecStart= setting\. Refusing\.\n1$/)
  assert.is(await systemctl(lab, machine, 'show --property LoadState,ActiveState --value'), 'bad-setting\nactive')
  await lab.ssh(machine, `sudo rm ${dropIn} && sudo systemctl daemon-reload`)
})

story("systemctl's answers and exit codes", async context => {
  await follow(
    context,
    (
      [
        ['is-active k0scontroller', 'active'],
        ['is-active nothing', 3],
        ['is-failed k0scontroller', 1],
        ['is-enabled k0scontroller', 'enabled'],
        ['is-enabled ssh', 'static'],
        ['is-enabled nothing', 1],
        ['status k0scontroller', /Drop-In: \/etc\/systemd\/system\/k0scontroller\.service\.d\n +└─env\.conf\n/],
        ['status nothing', 4],
        ['show --property LoadState nothing', 'LoadState=not-found'],
        ['show -P FragmentPath k0scontroller', UNIT],
        ['cat nothing', 1],
        ['start nothing', 5],
        ['stop nothing', 5],
        ['restart nothing', 5],
        ['enable nothing', 1],
        ['reload k0scontroller', 1],
        ['--version', /^systemd 252 /],
      ] as const
    ).map(([command, reads]) => ({ why: command, command: `sudo systemctl ${command}`, reads })),
  )
  const unprivileged: Step[] = [
    { why: 'a start', command: 'systemctl start k0scontroller', reads: 4 },
    { why: "a drop-in that is root's", command: 'systemctl cat k0scontroller', reads: 1 },
  ]
  await follow(context, unprivileged)
})

story('resets it', async context => {
  await follow(context, reset)
})

story.run()
