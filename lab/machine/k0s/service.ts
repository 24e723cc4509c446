import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { unmountBelow } from '../mounts.ts'
import { RUN_DIRECTORY } from './components.ts'
import { loadConfig } from './controller.ts'
import { K0sError } from './errors.ts'
import { parseControllerFlags } from './flags.ts'
import { isRunning } from './status.ts'
import { endLeftover } from './supervise.ts'

const UNIT = 'k0scontroller.service'
const UNIT_FILE = `/etc/systemd/system/${UNIT}`

/** The same unit that k0s writes. */
const unit = (binary: string, flags: readonly string[], environment: readonly string[]): string => `[Unit]
Description=k0s - Zero Friction Kubernetes
Documentation=https://docs.k0sproject.io
ConditionFileIsExecutable=${binary}

After=network-online.target
Wants=network-online.target

[Service]
StartLimitInterval=5
StartLimitBurst=10
${environment.map(variable => `Environment="${variable}"\n`).join('')}ExecStart=${[binary, 'controller', ...flags.map(quote)].join(' ')}

RestartSec=10
Delegate=yes
KillMode=process
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
LimitNOFILE=999999
Restart=always

[Install]
WantedBy=multi-user.target
`

const quote = (flag: string): string => (/[\s"']/.test(flag) ? `"${flag.replace(/["\\]/g, '\\$&')}"` : flag)

export async function install(binary: string, args: readonly string[]): Promise<void> {
  requireRoot()
  const [role, ...rest] = args
  if (role !== 'controller') throw new K0sError(`unknown command "${role ?? ''}" for "k0s install"`)
  const flags = parseControllerFlags(rest, true)
  loadConfig(flags)
  if (existsSync(UNIT_FILE) && !flags.force) {
    throw new K0sError(`failed to install controller service: Init already exists: ${UNIT_FILE}`)
  }
  writeFileSync(UNIT_FILE, unit(binary, flags.normalized, flags.environment), { mode: 0o644 })
  systemctl('daemon-reload')
  systemctl('enable', UNIT)
  if (flags.start) systemctl(flags.force ? 'restart' : 'start', UNIT)
}

export async function start(): Promise<void> {
  requireRoot()
  if (!existsSync(UNIT_FILE)) throw new K0sError('k0s has not been installed as a service')
  if (isActive()) throw new K0sError('already running')
  systemctl('start', UNIT)
}

export async function stop(): Promise<void> {
  requireRoot()
  if (!existsSync(UNIT_FILE)) throw new K0sError('k0s has not been installed as a service')
  if (!isActive()) throw new K0sError('already stopped')
  systemctl('stop', UNIT)
}

/** Removes everything that k0s put on the machine, except its configuration and binary. */
export async function reset(args: readonly string[]): Promise<void> {
  requireRoot()
  const { dataDir } = parseControllerFlags(args)
  if (isActive() || (await isRunning()))
    throw new K0sError('another k0s process is still running, please stop k0s before reset')
  if (existsSync(RUN_DIRECTORY)) {
    for (const file of readdirSync(RUN_DIRECTORY)) if (file.endsWith('.pid')) await endLeftover(file.slice(0, -'.pid'.length))
  }
  if (existsSync(UNIT_FILE)) {
    systemctl('disable', UNIT)
    rmSync(UNIT_FILE)
  }
  for (const path of [dataDir, RUN_DIRECTORY]) {
    // Pods whose kubelet has been stopped leave their volumes mounted.
    await unmountBelow(path)
    rmSync(path, { recursive: true, force: true })
  }
  process.stderr.write('k0s cleanup operations done.\nTo ensure a full reset, a node reboot is recommended.\n')
}

export function requireRoot(): void {
  if (process.getuid?.() !== 0) throw new K0sError('this command must be run as root')
}

function systemctl(...args: string[]): void {
  try {
    execFileSync('systemctl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (error) {
    throw new K0sError(String((error as { stderr?: Buffer }).stderr ?? error).trim())
  }
}

const isActive = (): boolean =>
  ['active', 'activating'].includes(spawnSync('systemctl', ['is-active', UNIT]).stdout.toString().trim())
