import { z } from 'zod'
import type { Intent, StateRecord } from '../../model/layer/intents.ts'
import type { Context } from '../../operation/context.ts'
import { publishedJournals } from '../../operation/journals.ts'

const text = z.string()
const intent: z.ZodType<Intent> = z.object({
  ...{ layer: text, address: text, type: text, name: text, run: text },
  at: z.iso.datetime(),
})
const record: z.ZodType<StateRecord> = z.object({
  ...{ layer: text, run: text },
  at: z.iso.datetime(),
  objects: z.array(z.object({ address: text, name: text })),
})
/** A journal with anything else is not one of ours, and proves nothing. */
const shape = z.object({ intents: z.array(intent).default([]), records: z.array(record).default([]) })

/** What this environment's runs intended and recorded, on whatever machine. What this very process intended proves nothing. */
export async function knownIntents(context: Pick<Context, 'store' | 'environment'>) {
  const known = (await publishedJournals(context)).flatMap(({ facts }) => shape.safeParse(facts).data ?? [])
  return {
    intents: known.flatMap(({ intents }) => intents),
    records: known.flatMap(({ records }) => records),
    began: new Date(performance.timeOrigin).toISOString(),
  }
}
