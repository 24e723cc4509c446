import { type Intent, intentsOf, type StateRecord } from '../../model/layer/intents.ts'
import { realName } from '../../model/layer/real-name.ts'
import type { Context } from '../../operation/context.ts'
import { publishJournal } from '../../operation/journals.ts'
import type { JournalWriter } from '../../runtime/journal.ts'
import type { Json } from '../../runtime/json.ts'
import type { Plan } from '../../terraform/terraform.ts'

type IntentContext = Pick<Context, 'journal' | 'store' | 'terraform' | 'now'>

/** Writes down what an apply is about to make: if it is killed, the next run knows what is ours, wherever it runs. */
export async function recordIntents({ layer, resources }: Plan, context: IntentContext): Promise<void> {
  const { journal, now } = context
  if (!journal) return
  const added = intentsOf(layer, resources, { run: processOf(journal), at: now().toISOString() })
  if (added.length > 0) await add('intents', added, context)
}

/** Writes down what the state holds after an apply that has ended by itself. */
export async function recordState(layer: string, context: IntentContext): Promise<void> {
  const { journal, terraform, now } = context
  if (!journal) return
  const resources = await terraform.resources(layer)
  const finished = resources.filter(({ tainted, deposed }) => !tainted && deposed === undefined)
  const objects = finished.map(({ address, type, attributes }) => ({ address, name: realName(type, attributes) ?? '' }))
  await add('records', [{ layer, run: processOf(journal), at: now().toISOString(), objects }], context)
}

/** A drill that goes on keeps its journal; what the process before intended is that one's. */
const processOf = ({ journal }: JournalWriter): string => `${journal.id} ${new Date(performance.timeOrigin).toISOString()}`

async function add(
  name: 'intents' | 'records',
  more: readonly (Intent | StateRecord)[],
  { journal, store }: IntentContext,
): Promise<void> {
  const before = (journal?.journal.facts[name] ?? []) as Json[]
  await journal?.fact(name, [...before, ...(more as unknown as Json[])])
  if (journal) await publishJournal(journal.journal, { store })
}
