import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { disable, enable, findUnit, isEnabled, logFile, type Service, ServiceError, type Services } from './services.ts'

/** Anybody may look, only root may change: two sockets, told apart by their modes. */
export const READING_SOCKET = '/run/systemd/looking.sock'
export const CHANGING_SOCKET = '/run/systemd/changing.sock'

export interface Request {
  verb: string
  units: string[]
  now: boolean
  properties: string[]
  valueOnly: boolean
}
export interface Answer {
  exitCode: number
  stdout: string
  stderr: string
}

const READING = new Set(['is-active', 'is-enabled', 'is-failed', 'is-system-running', 'show', 'status'])

export const socketFor = (verb: string): string => (READING.has(verb) ? READING_SOCKET : CHANGING_SOCKET)

/** Answers systemctl, one request per connection. `powerOff` is told when the machine is to stop. */
export function serveControl(services: Services, powerOff: () => void): void {
  mkdirSync(dirname(READING_SOCKET), { recursive: true })
  for (const [path, mode] of [
    [READING_SOCKET, 0o666],
    [CHANGING_SOCKET, 0o600],
  ] as const) {
    rmSync(path, { force: true })
    const server = createServer({ allowHalfOpen: true }, socket => {
      answer(socket, request => perform(services, powerOff, request, path === CHANGING_SOCKET))
    })
    server.listen(path, () => chmodSync(path, mode))
  }
}

function answer(socket: Socket, perform: (request: Request) => Promise<Answer>): void {
  let text = ''
  socket.setEncoding('utf8')
  socket.on('error', () => socket.destroy())
  socket.on('data', chunk => {
    text += chunk
  })
  socket.on('end', async () => {
    try {
      socket.end(JSON.stringify(await perform(JSON.parse(text) as Request)))
    } catch (error) {
      const exitCode = error instanceof ServiceError ? error.exitCode : 1
      socket.end(JSON.stringify({ exitCode, stdout: '', stderr: `${(error as Error).message}\n` } satisfies Answer))
    }
  })
}

const ok = (stdout = '', stderr = ''): Answer => ({ exitCode: 0, stdout, stderr })
const lines = (texts: readonly string[]): string => texts.map(text => `${text}\n`).join('')

async function perform(services: Services, powerOff: () => void, request: Request, mayChange: boolean): Promise<Answer> {
  const { verb, units } = request
  if (!READING.has(verb) && !mayChange) throw new ServiceError('Access denied', 1)
  switch (verb) {
    case 'daemon-reload':
    case 'reset-failed':
      return ok()
    case 'poweroff':
      powerOff()
      return ok()
    case 'is-system-running':
      return ok('running\n')
    case 'start':
      for (const unit of units) await attempt('start', unit, () => services.start(unit))
      return ok()
    case 'stop':
      for (const unit of units) await attempt('stop', unit, () => services.stop(unit))
      return ok()
    case 'restart':
      for (const unit of units) {
        await attempt('restart', unit, async () => {
          if (services.get(unit)) await services.stop(unit)
          await services.start(unit)
        })
      }
      return ok()
    case 'enable': {
      const changes = units.flatMap(unit => enable(unit))
      if (request.now) for (const unit of units) await services.start(unit)
      return ok('', lines(changes))
    }
    case 'disable': {
      const changes = units.flatMap(unit => disable(unit))
      if (request.now) for (const unit of units) await services.stop(unit)
      return ok('', lines(changes))
    }
    case 'is-active':
    case 'is-failed': {
      const states = units.map(unit => services.get(unit)?.state ?? 'inactive')
      const wanted = verb === 'is-active' ? 'active' : 'failed'
      return { exitCode: states.includes(wanted) ? 0 : verb === 'is-active' ? 3 : 1, stdout: lines(states), stderr: '' }
    }
    case 'is-enabled': {
      const missing = units.find(unit => !findUnit(unit))
      if (missing) throw new ServiceError(`Failed to get unit file state for ${missing}: No such file or directory`, 1)
      const states = units.map(unit => (isEnabled(unit) ? 'enabled' : 'disabled'))
      return { exitCode: states.includes('enabled') ? 0 : 1, stdout: lines(states), stderr: '' }
    }
    case 'show':
      return ok(units.map(unit => show(unit, services.get(unit), request)).join('\n'))
    case 'status':
      return status(units[0] ?? '', services)
    default:
      throw new ServiceError(`Unknown command verb ${verb}.`, 1)
  }
}

async function attempt(what: string, unit: string, action: () => Promise<void>): Promise<void> {
  try {
    await action()
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    throw new ServiceError(`Failed to ${what} ${unit}: ${error.message}`, error.exitCode)
  }
}

const SUB_STATES = {
  active: 'running',
  activating: 'auto-restart',
  deactivating: 'stop-sigterm',
  failed: 'failed',
  inactive: 'dead',
}

function show(name: string, service: Service | undefined, { properties, valueOnly }: Request): string {
  const found = findUnit(name)
  const state = service?.state ?? 'inactive'
  const all: Record<string, string | number> = {
    Id: name,
    Description: found?.unit.description ?? name,
    LoadState: found ? 'loaded' : 'not-found',
    ActiveState: state,
    SubState: SUB_STATES[state],
    FragmentPath: found?.path ?? '',
    UnitFileState: found ? (isEnabled(name) ? 'enabled' : 'disabled') : '',
    MainPID: service?.mainPid ?? 0,
    NRestarts: service?.restarts ?? 0,
    ExecMainStatus: service?.exitStatus ?? 0,
    ExecMainStartTimestamp: service?.startedAt?.toUTCString() ?? '',
  }
  const names = properties.length > 0 ? properties.filter(property => property in all) : Object.keys(all)
  return lines(names.map(property => (valueOnly ? String(all[property]) : `${property}=${all[property]}`)))
}

function status(name: string, services: Services): Answer {
  const found = findUnit(name)
  if (!found) throw new ServiceError(`Unit ${name} could not be found.`, 4)
  const service = services.get(name)
  const state = service?.state ?? 'inactive'
  const text = lines([
    `${state === 'active' ? '●' : '○'} ${name} - ${found.unit.description}`,
    `     Loaded: loaded (${found.path}; ${isEnabled(name) ? 'enabled' : 'disabled'})`,
    `     Active: ${state} (${SUB_STATES[state]})${service?.startedAt ? ` since ${service.startedAt.toUTCString()}` : ''}`,
    ...(service?.mainPid ? [`   Main PID: ${service.mainPid}`] : []),
    `        Log: ${logFile(name)}`,
  ])
  return { exitCode: state === 'active' ? 0 : 3, stdout: text, stderr: '' }
}
