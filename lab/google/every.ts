import { messageOf } from '../../lib/runtime/errors.ts'

/** Runs work again and again, never twice at once; its failures are told and do not end it. */
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
