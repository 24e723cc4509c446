import type { Intent, StateRecord } from '../../model/layer/intents.ts'
import type { Context } from '../../operation/context.ts'
import { publishedJournals } from '../../operation/journals.ts'

/** What this environment's runs intended and recorded, on whatever machine. What this very process intended proves nothing. */
export async function knownIntents(context: Pick<Context, 'store' | 'environment'>) {
  const journals = await publishedJournals(context)
  return {
    intents: journals.flatMap(({ facts }) => (facts.intents ?? []) as unknown as Intent[]),
    records: journals.flatMap(({ facts }) => (facts.records ?? []) as unknown as StateRecord[]),
    began: new Date(performance.timeOrigin).toISOString(),
  }
}
