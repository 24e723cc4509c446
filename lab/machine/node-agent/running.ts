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
  /** Whether it does what it is there for: what a container without probes goes by. */
  isReady(): Promise<boolean>
  /** Asks it to end, and after that many milliseconds ends it. */
  stop(graceMs: number): Promise<void>
  inside(command: readonly string[]): Invocation
}

/** A process's exit code once it has ended and said all that it had to say; of one that was killed what a shell would see. */
export const exitOf = (child: ChildProcess): Promise<number> =>
  new Promise(resolve => {
    child.once('error', () => resolve(127))
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)))
  })
