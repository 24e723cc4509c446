import { asOpsError } from '../../lib/runtime/errors.ts'

/** Ends a daemon that cannot start, whatever of it listens already: its last two lines are the message and the hint, its exit code goes with them. */
export function endWith(thrown: unknown): never {
  const { message, hint, code } = asOpsError(thrown)
  console.error(`${message.trim().replaceAll(/\s*\n\s*/g, ' ')}\n${hint}`)
  process.exit(code)
}

/** A full disk takes a process's log, and not the process: Node ends it by the error of a stream that nobody listens to. */
export function outliveLog(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}
