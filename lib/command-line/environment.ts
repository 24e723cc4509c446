import type { Command } from 'commander'
import type { Context } from '../operation/context.ts'
import { type Outcome, type Run, type ScriptDefinition, script } from '../runtime/script.ts'
import { type EnvironmentOptions, environmentOption } from './options.ts'

/** A script that works on one environment. */
export function environmentScript<O>(definition: {
  name: string
  summary: string
  define?(command: Command): void
  run(context: Context, run: Run<O & EnvironmentOptions>): Promise<Outcome>
}): ScriptDefinition<O & EnvironmentOptions> {
  return script<O & EnvironmentOptions>({
    ...definition,
    define(command) {
      command.addOption(environmentOption())
      definition.define?.(command)
    },
    async run(run) {
      const { openContext } = await import('../operation/open.ts')
      const { context, close } = await openContext(definition.name, run)
      try {
        const outcome = await definition.run(context, run)
        return { ...outcome, document: { env: run.options.env, ...outcome.document } }
      } catch (error) {
        const { unanswered } = await import('../operation/unanswered.ts')
        throw await unanswered(error, context)
      } finally {
        await close()
      }
    },
  })
}
