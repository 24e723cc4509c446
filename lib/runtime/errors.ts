/** What a script's exit code says. Documented in docs/exit-codes.md; scripts and CI may rely on it. */
export const exitCodes = {
  ok: 0,
  bug: 1,
  usage: 2,
  configuration: 3,
  precondition: 4,
  external: 5,
  unhealthy: 6,
  partial: 7,
  changes: 8,
  timeout: 124,
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** An expected failure: what happened, what to do next, and the exit code. Anything else that is thrown is a bug. */
export class OpsError extends Error {
  readonly code: ExitCode
  /** What the operator does next, as a sentence or a command. */
  readonly hint: string

  constructor(code: ExitCode, message: string, hint: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'OpsError'
    this.code = code
    this.hint = hint
  }
}

const failure =
  (code: ExitCode) =>
  (message: string, hint: string, cause?: unknown): OpsError =>
    new OpsError(code, message, hint, cause)

export const usage = failure(exitCodes.usage)
export const configuration = failure(exitCodes.configuration)
export const precondition = failure(exitCodes.precondition)
export const external = failure(exitCodes.external)
export const unhealthy = failure(exitCodes.unhealthy)
export const partial = failure(exitCodes.partial)
export const timedOut = failure(exitCodes.timeout)
export const interrupted = failure(exitCodes.interrupted)

/** What a run was stopped for, if it was for more than an interruption: it ends with that. */
export const stoppedFor = ({ reason }: AbortSignal): OpsError | undefined => (reason instanceof OpsError ? reason : undefined)

/** Any thrown value as an OpsError; an unexpected one gets exit code 1 and is kept as the cause. */
export function asOpsError(thrown: unknown): OpsError {
  if (thrown instanceof OpsError) return thrown
  const message = messageOf(thrown)
  if (isDiskFull(thrown)) return precondition(message, MAKE_ROOM, thrown)
  return new OpsError(exitCodes.bug, message, REPORT_IT, thrown)
}

/** Whether it failed because a disk is full, here or where a command ran. */
export const isDiskFull = (thrown: unknown): boolean =>
  /no space left on device|disk quota exceeded|EDQUOT/i.test(messageOf(thrown))

/** What to do about a bug. */
export const REPORT_IT = 'this is a bug: run again with --debug and report the stack trace'

/** What to do when a disk is full. */
export const MAKE_ROOM = 'make room on that disk, then run the same command again to go on'

/** Never empty: where several attempts failed, such as one for each address of a name, Node puts the messages into their errors. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const attempts = thrown instanceof AggregateError ? thrown.errors.map(messageOf).join('; ') : ''
  return thrown.message || attempts || systemCode(thrown) || thrown.name
}

/** The `code` of a Node system error (`ENOENT`, `EADDRINUSE`, …), or undefined. */
export const systemCode = (thrown: unknown): string | undefined => (thrown as NodeJS.ErrnoException | undefined)?.code
