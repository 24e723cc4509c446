import type { Command } from 'commander'
import type { Context } from '../operation/context.ts'
import type { Work } from '../operation/verb.ts'
import type { Run, ScriptDefinition } from '../runtime/script.ts'
import { environmentScript } from './environment.ts'
import { type VerbOptions, verbOptions } from './options.ts'

/** A script that changes an environment: phases, run under the environment's lock and journalled. */
export function verb<O>(definition: {
  name: string
  summary: string
  define?(command: Command): void
  /** What the verb does this time. It imports what that takes. */
  work(context: Context, run: Run<O & VerbOptions>): Promise<Work>
}): ScriptDefinition<O & VerbOptions> {
  const { name, summary, define, work } = definition
  return environmentScript<O & VerbOptions>({
    name,
    summary,
    define(command) {
      verbOptions(command)
      define?.(command)
    },
    async run(context, run) {
      const { runVerb } = await import('../operation/verb.ts')
      return runVerb(await work(context, run), context, run)
    },
  })
}
