import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { basename, dirname } from 'node:path'
import { logFile, type Service, type Services } from './services.ts'
import { disable, enable, ServiceError, unitFileState } from './unit-files.ts'

/** Anybody may read the state, only root may change it: two sockets with different modes. */
export const READING_SOCKET = '/run/systemd/looking.sock'
export const CHANGING_SOCKET = '/run/systemd/changing.sock'

/** Longer than the names of all units. In characters. */
const LARGEST_REQUEST = 2 ** 20

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
  /** Files that systemctl prints as well, with its caller's permissions. */
  files?: string[]
}

const READING = new Set(['cat', 'is-active', 'is-enabled', 'is-failed', 'is-system-running', 'show', 'status'])

export const socketFor = (verb: string): string => (READING.has(verb) ? READING_SOCKET : CHANGING_SOCKET)

/** Answers systemctl, one request per connection. `powerOff` is called when the machine is to stop. */
export function serveControl(services: Services, powerOff: () => void): void {
  mkdirSync(dirname(READING_SOCKET), { recursive: true })
  for (const [path, mode] of [
    [READING_SOCKET, 0o666],
    [CHANGING_SOCKET, 0o600],
  ] as const) {
    rmSync(path, { force: true })
    createControl(services, powerOff, path === CHANGING_SOCKET).listen(path, () => chmodSync(path, mode))
  }
}

/** @param mayChange whether it does what only root may ask for */
export const createControl = (services: Services, powerOff: () => void, mayChange: boolean): Server =>
  createServer({ allowHalfOpen: true }, socket => answer(socket, request => perform(services, powerOff, request, mayChange)))

function answer(socket: Socket, perform: (request: Request) => Promise<Answer>): void {
  let text = ''
  socket.setEncoding('utf8')
  socket.on('error', () => socket.destroy())
  socket.on('data', chunk => {
    text += chunk
    if (text.length > LARGEST_REQUEST) socket.destroy()
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
      services.reload()
      return ok()
    case 'reset-failed':
      for (const unit of units.length > 0 ? units : services.names()) services.resetFailed(unit)
      return ok()
    case 'poweroff':
      powerOff()
      return ok()
    case 'is-system-running':
      return ok('running\n')
    case 'start':
      return await forEach(services, request, unit => services.start(unit))
    case 'stop':
      return await forEach(services, request, unit => services.stop(unit))
    case 'restart':
    case 'reload-or-restart':
      return await forEach(services, request, unit => services.restart(unit))
    case 'try-restart':
      return await forEach(services, request, async unit => {
        if (services.get(unit)?.state === 'active') await services.restart(unit)
      })
    case 'reload':
      return await forEach(services, request, async unit => {
        throw new ServiceError(`Job type reload is not applicable for unit ${unit}.`, 1)
      })
    case 'enable':
    case 'disable': {
      const changes = units.flatMap(unit => (verb === 'enable' ? enable(unit) : disable(unit)))
      services.reload()
      if (request.now) for (const unit of units) await (verb === 'enable' ? services.start(unit) : services.stop(unit))
      return ok('', lines(changes))
    }
    case 'is-active':
    case 'is-failed': {
      const states = units.map(unit => services.get(unit)?.state ?? 'inactive')
      const wanted = verb === 'is-active' ? 'active' : 'failed'
      return { exitCode: states.includes(wanted) ? 0 : verb === 'is-active' ? 3 : 1, stdout: lines(states), stderr: '' }
    }
    case 'is-enabled': {
      const states = units.map(unit => {
        const state = unitFileState(unit)
        if (!state) throw new ServiceError(`Failed to get unit file state for ${unit}: No such file or directory`, 1)
        return state
      })
      return { exitCode: states.every(state => state === 'disabled') ? 1 : 0, stdout: lines(states), stderr: '' }
    }
    case 'show':
      return ok(units.map(unit => show(unit, services, request)).join('\n'))
    case 'cat':
      return { ...ok(), files: units.flatMap(unit => filesOf(unit, services)) }
    case 'status':
      return status(units[0] ?? '', services)
    default:
      throw new ServiceError(`Unknown command verb ${verb}.`, 1)
  }
}

/** Runs an action for each unit of the request, and warns about units whose files have changed since they were read. */
async function forEach(services: Services, { verb, units }: Request, action: (unit: string) => Promise<void>): Promise<Answer> {
  const stale = units.filter(unit => services.hasChanged(unit))
  for (const unit of units) {
    try {
      await action(unit)
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      throw new ServiceError(`Failed to ${verb} ${unit}: ${error.message}`, error.exitCode)
    }
  }
  return ok('', lines(stale.map(changedOnDisk)))
}

const changedOnDisk = (unit: string): string =>
  `Warning: The unit file, source configuration file or drop-ins of ${unit} changed on disk. Run 'systemctl daemon-reload' to reload units.`

function subState(service: Service | undefined): string {
  const oneshot = service?.unit.type === 'oneshot'
  const names = {
    active: oneshot ? 'exited' : 'running',
    activating: oneshot ? 'start' : 'auto-restart',
    deactivating: 'stop-sigterm',
    failed: 'failed',
    inactive: 'dead',
  }
  return names[service?.state ?? 'inactive']
}

/** Properties are printed in systemd's order, not in the requested one; unknown ones are left out. */
function show(name: string, services: Services, { properties, valueOnly }: Request): string {
  const found = services.find(name)
  const service = services.get(name)
  const state = service?.state ?? 'inactive'
  const all: Record<string, string | number> = {
    Type: found?.unit?.type ?? '',
    Restart: found?.unit?.restart ?? 'no',
    MainPID: service?.mainPid ?? 0,
    NRestarts: service?.restarts ?? 0,
    ExecMainStartTimestamp: service?.startedAt?.toUTCString() ?? '',
    ExecMainStatus: service?.exitStatus ?? 0,
    Environment: Object.entries(found?.unit?.environment ?? {})
      .map(([variable, value]) => quoted(`${variable}=${value}`))
      .join(' '),
    KillMode: found?.unit?.killMode ?? 'control-group',
    Id: name,
    Description: found?.unit?.description || name,
    LoadState: found ? (found.unit ? 'loaded' : 'bad-setting') : 'not-found',
    ActiveState: state,
    SubState: subState(service),
    FragmentPath: found?.path ?? '',
    DropInPaths: found?.dropIns.join(' ') ?? '',
    UnitFileState: unitFileState(name) ?? '',
    NeedDaemonReload: services.hasChanged(name) ? 'yes' : 'no',
  }
  const names = Object.keys(all).filter(property => properties.length === 0 || properties.includes(property))
  return lines(names.map(property => (valueOnly ? String(all[property]) : `${property}=${all[property]}`)))
}

const quoted = (text: string): string => (/[\s"'\\$`]/.test(text) ? `"${text.replace(/["\\$`]/g, '\\$&')}"` : text)

function filesOf(name: string, services: Services): string[] {
  const found = services.find(name)
  if (!found) throw new ServiceError(`No files found for ${name}.`, 1)
  return [found.path, ...found.dropIns]
}

function status(name: string, services: Services): Answer {
  const found = services.find(name)
  if (!found) throw new ServiceError(`Unit ${name} could not be found.`, 4)
  const service = services.get(name)
  const state = service?.state ?? 'inactive'
  const text = lines([
    `${state === 'active' ? '●' : '○'} ${name} - ${found.unit?.description || name}`,
    `     Loaded: ${found.unit ? 'loaded' : 'bad-setting'} (${found.path}; ${unitFileState(name)}; preset: enabled)`,
    ...found.dropIns.flatMap((path, index) => [
      `${index === 0 ? '    Drop-In: ' : '             '}${dirname(path)}`,
      `             └─${basename(path)}`,
    ]),
    `     Active: ${state} (${subState(service)})${service?.startedAt ? ` since ${service.startedAt.toUTCString()}` : ''}`,
    ...(service?.mainPid ? [`   Main PID: ${service.mainPid}`] : []),
    `        Log: ${logFile(name)}`,
  ])
  const stderr = services.hasChanged(name) ? lines([changedOnDisk(name)]) : ''
  return { exitCode: state === 'active' ? 0 : 3, stdout: text, stderr }
}
