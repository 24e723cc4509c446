import { asOpsError } from '../../lib/runtime/errors.ts'

/**
 * Ends a daemon that cannot start, even if a part of it is listening already. Its last two lines are the message and the hint;
 * see `died`.
 */
export function endWith(thrown: unknown): never {
  const { message, hint, code } = asOpsError(thrown)
  console.error(`${message.trim().replaceAll(/\s*\n\s*/g, ' ')}\n${hint}`)
  process.exit(code)
}

/**
 * Keeps a process running when its log cannot be written, as on a full disk: without a listener, a stream's error ends a Node
 * process.
 */
export function outliveLog(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}
