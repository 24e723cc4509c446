import type { ChildProcess } from 'node:child_process'

/** How a command is run inside a container. */
export interface Invocation {
  command: string
  args: string[]
  environment: Record<string, string>
}

/** A container's process. */
export interface Running {
  /** Resolves with the exit code. */
  ended: Promise<number>
  /** Whether it is working; decides the readiness of a container without probes. */
  isReady(): Promise<boolean>
  /** Asks it to stop, and kills it after this many milliseconds. */
  stop(graceMs: number): Promise<void>
  inside(command: readonly string[]): Invocation
  /** Where it may listen on a port: its pod's own address, or the machine's loopback for a port that its program has there. */
  addressOf(port: number): string | undefined
}

/**
 * A process's exit code, once it has exited and its output has been read; for a killed one, the code that a shell would report.
 */
export const exitOf = (child: ChildProcess): Promise<number> =>
  new Promise(resolve => {
    child.once('error', () => resolve(127))
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)))
  })
