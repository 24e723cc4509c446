import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { identify, type ProcessId } from '../../../lib/runtime/processes.ts'
import { programPath } from '../../tools/catalog.ts'
import { goneWithin, signal } from '../process.ts'
import { type Component, RUN_DIRECTORY } from './components.ts'

/** Milliseconds before a component that died starts again; k0s's own value. */
const RESPAWN_DELAY = 5000
const STOP_TIMEOUT = 20_000

/** One component, kept running until it is stopped. */
export class Supervised {
  readonly component: Component
  #child: ChildProcess | undefined
  #stopping = false
  readonly #log: (text: string) => void

  constructor(component: Component, log: (text: string) => void) {
    this.component = component
    this.#log = log
  }

  /** Starts it once its program exists: in a new lab it may still be building. */
  async start(): Promise<void> {
    await endLeftover(this.component.name)
    const program = await this.#program()
    if (!this.#stopping) this.#launch(program)
  }

  async #program(): Promise<string> {
    const { program, name } = this.component
    if ('path' in program) return program.path
    for (let said = false; !this.#stopping; await sleep(500)) {
      // The path depends on the pins, which an update of the checkout may change.
      const path = programPath(program.catalogued)
      if (isThere(path)) return path
      if (!said) this.#log(`${name}: waiting for the program to be built`)
      said = true
    }
    return ''
  }

  #launch(program: string): void {
    const { name, args, environment } = this.component
    const child = spawn(program, args, {
      detached: true,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    this.#child = child
    const id = child.pid === undefined ? undefined : identify(child.pid)
    if (id) writeFileSync(pidFile(name), JSON.stringify(id))
    this.#log(`${name}: started with pid ${child.pid}`)
    child.once('error', error => this.#log(`${name}: ${error.message}`))
    child.once('close', async (code, signalName) => {
      this.#child = undefined
      rmSync(pidFile(name), { force: true })
      if (this.#stopping) return
      this.#log(`${name}: ended with ${signalName ?? code}, starts again in ${RESPAWN_DELAY / 1000} s`)
      await sleep(RESPAWN_DELAY)
      if (!this.#stopping) this.#launch(program)
    })
  }

  async stop(): Promise<void> {
    this.#stopping = true
    const child = this.#child
    if (!child) return
    const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT)
    await ended
    clearTimeout(timer)
    this.#log(`${this.component.name}: stopped`)
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }
}

const pidFile = (name: string): string => join(RUN_DIRECTORY, `${name}.pid`)

/** With KillMode=process a killed k0s leaves its components running; like k0s, the next one ends them by their pid files. */
export async function endLeftover(name: string): Promise<void> {
  let id: ProcessId
  try {
    id = JSON.parse(readFileSync(pidFile(name), 'utf8')) as ProcessId
  } catch {
    return
  }
  signal(id, 'SIGTERM')
  if (!(await goneWithin([id], STOP_TIMEOUT))) signal(id, 'SIGKILL')
  rmSync(pidFile(name), { force: true })
}

function isThere(path: string): boolean {
  try {
    accessSync(path)
    return true
  } catch {
    return false
  }
}
