import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Command } from '../../../../lib/host/quote.ts'
import type { Host, RunOptions } from '../../../../lib/host/ssh.ts'
import { clusterConfig } from '../../../../lib/model/k0s/config.ts'
import type { Context } from '../../../../lib/operation/context.ts'

/** What a VM answers to the probe; without a name it has no such thing. */
export type Answers = Record<string, string>

export const VERSION = 'v1.34.1+k0s.0'
export const OLDER = 'v1.33.4+k0s.0'
/** The binary's content, in place of a program. */
export const BINARY = 'k0s itself'
export const SHA256 = createHash('sha256').update(BINARY).digest('hex')

const ADDRESS = '10.142.0.2'
export const CONFIG = clusterConfig({ address: ADDRESS, vmName: 'vm', spec: {} })
const ARGS = ['controller', '--config=/etc/k0s/k0s.yaml', '--kubelet-extra-args=--hostname-override=vm', '--single=true']

/** A VM on which there is no k0s. */
export const BARE: Answers = {
  clock: '',
  sudo: 'yes',
  architecture: 'x86_64',
  hostname: 'vm',
  os: 'PRETTY_NAME="Debian 12"',
  bootId: 'the-boot',
  freeBytes: String(40 * 1024 ** 3),
}
export const WITH_BINARY: Answers = { ...BARE, binarySha256: SHA256, binaryVersion: VERSION, binaryChangedAt: '1' }
export const WITH_CONFIG: Answers = { ...WITH_BINARY, config: CONFIG, configMode: '600 0', configChangedAt: '1' }
/** Installed, and not running. */
export const STOPPED: Answers = {
  ...WITH_CONFIG,
  unitName: 'k0scontroller',
  unit: `ExecStart=/usr/local/bin/k0s ${ARGS.join(' ')}`,
  unitChangedAt: '1',
  service: 'MainPID=0\nActiveState=inactive\nUnitFileState=enabled',
}
const NODE = (ready: string) => `Namespace\tkube-system\tthe-cluster\t\nNode\tvm\tuid\t${ready}`
/** Running for a minute, its node not ready yet. */
export const STARTING: Answers = {
  ...STOPPED,
  service: 'MainPID=42\nActiveState=active\nUnitFileState=enabled',
  pid: '42',
  ...{ uptime: '100', startedAtTicks: '4000', ticksPerSecond: '100' },
  storage: 'etcd',
  status: JSON.stringify({ Version: VERSION, Role: 'controller', SingleNode: true, Args: ['/usr/local/bin/k0s', ...ARGS] }),
  readyz: 'ok',
  objects: NODE('False'),
}
export const HEALTHY: Answers = {
  ...STARTING,
  objects: NODE('True'),
  'pki/ca.crt': 'the authority',
  'pki/admin.crt': 'the administrator',
}
const { config: _config, configMode: _mode, configChangedAt: _changedAt, ...WITHOUT_FILE } = HEALTHY
/** As a startup script leaves it: `k0s install controller --single; k0s start`, of the version before. */
export const SCRIPTED: Answers = {
  ...WITHOUT_FILE,
  unit: 'ExecStart=/usr/local/bin/k0s controller --single=true',
  storage: 'kine',
  binaryVersion: OLDER,
  status: JSON.stringify({
    Version: OLDER,
    Role: 'controller',
    SingleNode: true,
    Args: ['/usr/local/bin/k0s', 'controller', '--single=true'],
    ClusterConfig: {
      spec: {
        api: { address: ADDRESS, port: 6443, sans: [ADDRESS] },
        storage: { type: 'kine', kine: { dataSource: 'sqlite:///var/lib/k0s/db/state.db?mode=rwc&_journal=WAL&cache=shared' } },
        telemetry: { enabled: true },
      },
    },
  }),
}
/** Healthy, with the version before. */
export const OUTDATED: Answers = {
  ...HEALTHY,
  binarySha256: 'b'.repeat(64),
  binaryVersion: OLDER,
  status: (HEALTHY.status ?? '').replace(VERSION, OLDER),
}

/** What a VM is asked to do, and what it is like from then on. */
export type Reactions = Record<string, (() => Partial<Answers>) | Error>

export interface FakeVm {
  host: Host
  /** What was asked of it that changes something, in order, by what it is called. */
  calls: string[]
  /** How often it was read as a whole. */
  probes(): number
  /** By their targets, what was uploaded. */
  uploads: Record<string, string>
  /** The words of each command, by what it is called. */
  commands: Record<string, readonly string[]>
  become(answers: Answers): void
}

/**
 * A VM as SSH shows it: it answers probes with these, encoded as the probe's script does.
 * @param reactions by what a command is called; a probe of readiness may change what the next one says
 */
export function fakeVm(initial: Answers, reactions: Reactions = {}): FakeVm {
  let answers = initial
  let probes = 0
  const calls: string[] = []
  const uploads: FakeVm['uploads'] = {}
  const commands: FakeVm['commands'] = {}
  const said = () =>
    JSON.stringify(
      Object.fromEntries(
        Object.entries({ ...answers, clock: String(Date.now()) }).map(([name, value]) => [
          name,
          Buffer.from(value).toString('base64'),
        ]),
      ),
    )
  const react = (what: string) => {
    const reaction = reactions[what]
    if (reaction instanceof Error) throw reaction
    if (reaction) answers = { ...answers, ...(reaction() as Answers) }
  }

  async function run(command: Command, { what = '', input }: RunOptions = {}) {
    const done = (stdout = '') => ({ code: 0, stdout, stderr: '' })
    if (what === 'probe') {
      probes++
      react(what)
      return done(said())
    }
    if (what === 'readiness probe') {
      const answered = done(said())
      react(what)
      return answered
    }
    const words = 'script' in command ? (command.args ?? []) : command
    if (words[0] === 'journalctl') return done(answers.log)
    const name = what.replace('/usr/local/bin/', '')
    if (what === 'k0s kubeconfig') {
      react(what)
      return done(answers.kubeconfig)
    }
    calls.push(name)
    commands[name] = words as readonly string[]
    if (what.startsWith('upload of ')) uploads[String(words[0])] = await text((input as () => Readable)())
    react(name)
    return done(name === 'k0s backup' ? '/var/backups/k0s/k0s_backup_1.tar.gz\n' : '')
  }
  const host: Host = { name: 'vm', run: run as Host['run'], close: async () => undefined }
  return {
    host,
    calls,
    probes: () => probes,
    uploads,
    commands,
    become: next => {
      answers = next
    },
  }
}

/** A context on such a VM: what it wants is VERSION with CONFIG. */
export function contextOn({ host }: Pick<FakeVm, 'host'>, k0s: object = {}) {
  const progress: string[] = []
  const stop = new AbortController()
  const outputs: Record<string, string> = { vm_name: 'vm', vm_internal_ip: ADDRESS }
  const context = {
    environment: { k0s: { version: VERSION, binary: { sha256: SHA256 }, spec: {}, deadline: 10_000, ...k0s } },
    baseLayer: '00-vpc',
    output: async (_layer: string, name: string) => outputs[name],
    host: async () => host,
    signal: stop.signal,
    progress: (detail: string) => progress.push(detail),
  } as unknown as Context
  return { context, progress, stop, outputs }
}
