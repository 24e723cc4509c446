import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, closeSync, constants, mkdirSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Unit } from './unit.ts'
import { enabledUnits, isEnabled, readUnit, ServiceError, type UnitFiles } from './unit-files.ts'

const LOGS = '/var/log'

export type ActiveState = 'inactive' | 'activating' | 'active' | 'deactivating' | 'failed'

/** The runtime state of a unit. */
export interface Service {
  name: string
  unit: Unit
  state: ActiveState
  main?: ChildProcess
  mainPid: number
  restarts: number
  exitStatus: number
  startedAt?: Date
  /** Set while it is being stopped on request, so that it is not restarted. */
  stopping: boolean
}

export const logFile = (name: string): string => `${LOGS}/${name.replace(/\.service$/, '')}.log`

/**
 * Runs the machine's services: starts the enabled ones, restarts those that should keep running, stops them in reverse order.
 */
export class Services {
  readonly #services = new Map<string, Service>()
  readonly #loaded = new Map<string, UnitFiles>()

  get(name: string): Service | undefined {
    return this.#services.get(name)
  }

  /** The unit as it was last read. Only a unit that is neither enabled nor in use is read again without a reload. */
  find(name: string): UnitFiles | undefined {
    const inUse = (this.#services.get(name)?.state ?? 'inactive') !== 'inactive'
    if (!inUse && !isEnabled(name)) this.#loaded.delete(name)
    return this.#loaded.get(name) ?? readUnit(name)
  }

  /** Whether the unit's files have changed since they were read. */
  hasChanged(name: string): boolean {
    const loaded = this.find(name)
    return loaded !== undefined && JSON.stringify(loaded) !== JSON.stringify(readUnit(name))
  }

  /**
   * Reads the enabled units and those in use again. Running services continue; stopping and restarting them follows the new
   * files.
   */
  reload(): void {
    this.#loaded.clear()
    for (const name of new Set([...enabledUnits(), ...this.#services.keys()])) {
      const found = readUnit(name)
      if (found) this.#loaded.set(name, found)
      const service = this.#services.get(name)
      if (service && found?.unit) service.unit = found.unit
    }
  }

  /** @throws ServiceError 5 when there is no such unit, 1 when it does not start */
  async start(name: string): Promise<void> {
    const found = this.find(name)
    if (!found) throw new ServiceError(`Unit ${name} not found.`, 5)
    if (!found.unit) throw new ServiceError(`Unit ${name} has a bad unit file setting: ${found.problem}`, 1)
    const known = this.#services.get(name)
    if (known?.state === 'active') return
    this.#loaded.set(name, found)
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
      if (!this.find(name)) throw new ServiceError(`Unit ${name} not loaded.`, 5)
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

  /** @throws ServiceError as `start` does, before anything is stopped */
  async restart(name: string): Promise<void> {
    if (!this.find(name)?.unit) return await this.start(name)
    if (this.#services.has(name)) await this.stop(name)
    await this.start(name)
  }

  names(): string[] {
    return [...this.#services.keys()]
  }

  /** Stops the last started first, as it may need the earlier ones. */
  async stopAll(): Promise<void> {
    for (const name of [...this.#services.keys()].reverse()) await this.stop(name)
  }

  async startEnabled(): Promise<void> {
    this.reload()
    await Promise.allSettled(enabledUnits().map(name => this.start(name)))
  }

  /** Clears the state `failed`. */
  resetFailed(name: string): void {
    const service = this.#services.get(name)
    if (service?.state === 'failed') service.state = 'inactive'
  }
}

/** Resolves when the main process has ended, without waiting for a restart that follows. */
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
