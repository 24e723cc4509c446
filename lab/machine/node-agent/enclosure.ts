import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, readFileSync, readlinkSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { exitOf, type Running } from './running.ts'
import { enclosed, entered, INFO_DESCRIPTOR, OPTIONS_DESCRIPTOR, optionsOf, packed, type Sandbox } from './sandbox.ts'
import { openUserNamespace } from './user-namespace.ts'

/** What the lab lends to the machine. */
export const LENT_BY_LAB = '/usr/local/lab'
export const NODE = `${LENT_BY_LAB}/node`

/** What is to be run, and where. */
export interface Enclosure {
  sandbox: Sandbox
  command: readonly string[]
  environment: Record<string, string>
  /** Written to its stdin, which is empty otherwise. */
  input?: string
}

/** Starts a command in a sandbox of its own. @param stopSignal what asks it to stop */
export async function runEnclosed(
  what: Enclosure,
  stopSignal: NodeJS.Signals,
): Promise<{ child: ChildProcess; running: Omit<Running, 'isReady' | 'addressOf'> }> {
  const child = await startEnclosed(what)
  const ended = exitOf(child)
  const first = await firstProcess(child)
  const running = {
    ended,
    stop: (graceMs: number) => stop(child, first, stopSignal, graceMs, ended),
    inside: (command: readonly string[]) => entered(first ?? 0, what.sandbox, what.environment, command),
  }
  return { child, running }
}

export async function startEnclosed({ sandbox, command, environment, input = '' }: Enclosure): Promise<ChildProcess> {
  const users = await openUserNamespace()
  try {
    const child = spawn('bwrap', enclosed(sandbox, command), {
      cwd: '/',
      env: packed(environment),
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe', users],
    })
    child.stdin?.on('error', () => undefined).end(input)
    const options = child.stdio[OPTIONS_DESCRIPTOR] as Writable
    options.on('error', () => undefined).end(optionsOf(sandbox).join('\0'))
    return child
  } finally {
    closeSync(users)
  }
}

/**
 * The pid of bubblewrap's process inside, the container's first one, once it is in its user namespace: that comes last, and before it
 * nobody can enter. Undefined when it did not start.
 */
export async function firstProcess(child: ChildProcess): Promise<number | undefined> {
  try {
    const info = (await json(child.stdio[INFO_DESCRIPTOR] as Readable)) as { 'child-pid': number }
    const first = info['child-pid']
    const usersOf = (pid: number | 'self') => readlinkSync(`/proc/${pid}/ns/user`)
    while (usersOf(first) === usersOf('self')) await sleep(2)
    return first
  } catch {
    return undefined
  }
}

/**
 * The program is the first process's first child. Bubblewrap ignores signals; when it is killed, the container dies with it.
 */
async function stop(
  child: ChildProcess,
  first: number | undefined,
  signal: NodeJS.Signals,
  graceMs: number,
  ended: Promise<number>,
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  try {
    const [program] = readFileSync(`/proc/${first}/task/${first}/children`, 'utf8').split(' ')
    if (program) process.kill(Number(program), signal)
  } catch {
    // It has already exited.
  }
  await ended
  clearTimeout(timer)
}
