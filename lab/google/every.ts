import { messageOf } from '../../lib/runtime/errors.ts'

/** Repeats work at an interval, never twice at once; failures are logged and do not stop it. */
export function every(ms: number, work: () => Promise<void>): NodeJS.Timeout {
  let running = false
  return setInterval(() => {
    if (running) return
    running = true
    work()
      .catch(error => console.error(messageOf(error)))
      .finally(() => {
        running = false
      })
  }, ms)
}
