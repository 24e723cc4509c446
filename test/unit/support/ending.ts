import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { attempt } from '../../../lib/runtime/attempt.ts'
import { precondition } from '../../../lib/runtime/errors.ts'
import { runScript } from '../../../lib/runtime/script.ts'
import { waitFor } from '../../../lib/runtime/wait.ts'
import { commandFailed, shell } from '../../../lib/runtime/zx.ts'

/**
 * A script that holds a lock and waits for a child: `ending.ts LOCK HOW`, to be ended from outside or, as HOW says, by itself. The lock is a
 * file with the child's pid.
 */
await runScript(
  {
    name: 'ending',
    summary: '',
    define: command => command.argument('<lock>').argument('<how>'),
    async run({ args: [lock = '', how = ''], log, signal, stop }) {
      const child = shell({ signal, nothrow: true })`echo ready; exec sleep 30`
      // A shell that is still starting may miss a signal.
      await once(child.stdout, 'data')
      writeFileSync(lock, String(child.pid))
      const talk = setInterval(() => log.info('still at it'), 20)
      try {
        if (how === 'throws in a timer') setTimeout(() => (undefined as unknown as { no(): void }).no(), 50)
        if (how === 'rejects unheard') setTimeout(() => void Promise.reject(new Error('nobody listens')), 50)
        if (how === 'loses the lock') setTimeout(() => stop(precondition('the lock was taken over by bob', 'wait for bob')), 50)
        if (how === 'logs to a full disk') {
          log.toFile('/dev/full')
          child.kill('SIGTERM')
        }
        if (how === 'ends at once') child.kill('SIGTERM')
        if (how === 'waits for nothing') {
          child.kill('SIGTERM')
          clearInterval(talk)
          rmSync(lock)
          await child
          await new Promise(() => undefined)
        }
        if (how.endsWith('with a question unanswered')) {
          child.kill('SIGTERM')
          const patient = { each: 12_000, whole: 12_000 }
          const never = () => new Promise(() => undefined)
          const tide = {
            service: 'the tide',
            what: 'asking',
            hint: '',
            repeatable: false,
            signal,
            deadlines: patient,
            call: never,
          }
          void attempt(tide).catch(() => undefined)
          void waitFor({ what: 'the tide', within: 12_000, probe: never, signal }).catch(() => undefined)
          if (how.startsWith('fails')) throw precondition('no', 'yes')
        }
        const output = await child
        if (signal.aborted && how !== 'loses the lock') throw commandFailed('sleep', output, 'sleep again', signal)
        return { document: {}, text: 'slept' }
      } finally {
        clearInterval(talk)
        rmSync(lock, { force: true })
      }
    },
  },
  process.argv.slice(2),
)
// As one does that has to close what it opened.
if (process.argv[3] === 'lingers') await sleep(2000)
