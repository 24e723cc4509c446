import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, closeSync, constants, mkdirSync, openSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseUnit, type Unit } from './unit.ts'

/** Where units are looked for: the operator's first, then those made at boot. */
const UNIT_DIRECTORIES = ['/etc/systemd/system', '/run/systemd/system']
const DEFAULT_TARGET = '/etc/systemd/system/multi-user.target.wants'
const LOGS = '/var/log'

export type ActiveState = 'inactive' | 'activating' | 'active' | 'deactivating' | 'failed'

/** A unit as it runs. */
export interface Service {
  name: string
  unit: Unit
  state: ActiveState
  main?: ChildProcess
  mainPid: number
  restarts: number
  exitStatus: number
  startedAt?: Date
  /** Set while an operator wants it stopped, so that its end is not a reason to restart it. */
  stopping: boolean
}

/** A failure as systemctl reports it. */
export class ServiceError extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

export const logFile = (name: string): string => `${LOGS}/${name.replace(/\.service$/, '')}.log`

export function findUnit(name: string): { path: string; unit: Unit } | undefined {
  for (const directory of UNIT_DIRECTORIES) {
    const path = `${directory}/${name}`
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch {
      continue
    }
    return { path, unit: parseUnit(text) }
  }
  return undefined
}

/** Runs the machine's services: starts what is enabled, restarts what should live, stops in reverse order. */
export class Services {
  readonly #services = new Map<string, Service>()

  get(name: string): Service | undefined {
    return this.#services.get(name)
  }

  /** @throws ServiceError 5 when there is no such unit, 1 when it does not start. */
  async start(name: string): Promise<void> {
    const found = findUnit(name)
    if (!found) throw new ServiceError(`Unit ${name} not found.`, 5)
    const known = this.#services.get(name)
    if (known?.state === 'active') return
    const service: Service = known ?? {
      name,
      unit: found.unit,
      state: 'inactive',
      mainPid: 0,
      restarts: 0,
      exitStatus: 0,
      stopping: false,
    }
    service.unit = found.unit
    service.stopping = false
    this.#services.set(name, service)
    if (service.unit.condition && !isExecutable(service.unit.condition)) return
    const ended = launch(service)
    if (service.unit.type !== 'oneshot') return
    await ended
    if ((service.state as ActiveState) === 'failed') throw new ServiceError(`Job for ${name} failed.`, 1)
  }

  async stop(name: string): Promise<void> {
    const service = this.#services.get(name)
    if (!service) {
      if (!findUnit(name)) throw new ServiceError(`Unit ${name} not loaded.`, 5)
      return
    }
    service.stopping = true
    const main = service.main
    if (!main) {
      service.state = 'inactive'
      return
    }
    service.state = 'deactivating'
    const ended = new Promise<void>(resolve => main.once('close', () => resolve()))
    kill(service, 'SIGTERM')
    const waiting = new AbortController()
    await Promise.race([ended, sleep(service.unit.stopTimeout, undefined, { signal: waiting.signal }).catch(() => undefined)])
    waiting.abort()
    if (service.main === main) {
      kill(service, 'SIGKILL')
      await ended
    }
    service.state = 'inactive'
  }

  /** Later ones first, as what was started last may need what was started before. */
  async stopAll(): Promise<void> {
    for (const name of [...this.#services.keys()].reverse()) await this.stop(name)
  }

  async startEnabled(): Promise<void> {
    const names = readdirIfExists(DEFAULT_TARGET)
    await Promise.allSettled(names.map(name => this.start(name)))
  }
}

/** @returns lines that tell what changed */
export function enable(name: string): string[] {
  const found = findUnit(name)
  if (!found) throw new ServiceError(`Unit file ${name} does not exist.`, 1)
  return found.unit.wantedBy.flatMap(target => {
    const directory = `/etc/systemd/system/${target}.wants`
    if (readdirIfExists(directory).includes(name)) return []
    mkdirSync(directory, { recursive: true })
    symlinkSync(found.path, `${directory}/${name}`)
    return [`Created symlink ${directory}/${name} → ${found.path}.`]
  })
}

/** @returns lines that tell what changed */
export function disable(name: string): string[] {
  return readdirIfExists('/etc/systemd/system')
    .filter(entry => entry.endsWith('.wants') && readdirIfExists(`/etc/systemd/system/${entry}`).includes(name))
    .map(entry => {
      const link = `/etc/systemd/system/${entry}/${name}`
      rmSync(link)
      return `Removed "${link}".`
    })
}

export const isEnabled = (name: string): boolean => readdirIfExists(DEFAULT_TARGET).includes(name)

/** Resolves when the main process has ended; a restart that follows is not waited for. */
async function launch(service: Service): Promise<void> {
  const { unit } = service
  const [program = '', ...args] = unit.command
  mkdirSync(LOGS, { recursive: true })
  const log = openSync(logFile(service.name), 'a', 0o640)
  service.state = unit.type === 'oneshot' ? 'activating' : 'active'
  service.startedAt = new Date()
  const main = spawn(program, args, {
    cwd: '/',
    detached: true,
    env: { ...process.env, ...unit.environment },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  service.main = main
  service.mainPid = main.pid ?? 0
  const code = await new Promise<number>(resolve => {
    main.once('error', () => resolve(203))
    main.once('exit', (status, signalName) => resolve(status ?? (signalName === 'SIGTERM' ? 0 : 255)))
  })
  settle(service, code)
}

function settle(service: Service, code: number): void {
  const { unit } = service
  if (unit.killMode === 'control-group') kill(service, 'SIGKILL')
  service.main = undefined
  service.mainPid = 0
  service.exitStatus = code
  if (service.stopping) return
  if (unit.restart === 'always' || (unit.restart === 'on-failure' && code !== 0)) {
    service.state = 'activating'
    service.restarts++
    setTimeout(() => {
      if (!service.stopping && !service.main) void launch(service)
    }, unit.restartDelay)
    return
  }
  const stays = unit.type === 'oneshot' && unit.remainAfterExit && code === 0
  service.state = stays ? 'active' : code === 0 ? 'inactive' : 'failed'
}

function kill({ unit, mainPid }: Service, name: NodeJS.Signals): void {
  if (mainPid === 0) return
  try {
    process.kill(unit.killMode === 'process' ? mainPid : -mainPid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function readdirIfExists(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
