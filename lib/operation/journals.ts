import { type Journal, journalIn } from '../runtime/journal.ts'
import { redact } from '../runtime/redact.ts'
import type { Context } from './context.ts'

/** Journals of runs that were about to make something are kept beside the states, so that another machine knows of them. */
const FOLDER = 'journals/'

const objectOf = ({ id }: Pick<Journal, 'id'>): string => `${FOLDER}${id}.json`

/** Writes the journal as it is now. */
export async function publishJournal(journal: Journal, { store }: Pick<Context, 'store'>): Promise<void> {
  await (await store()).put(objectOf(journal), redact(JSON.stringify(journal)))
}

/** All that an environment's runs have published, on whatever machine they ran. A torn or foreign object is passed over. */
export async function publishedJournals({ store, environment }: Pick<Context, 'store' | 'environment'>): Promise<Journal[]> {
  const bucket = await store()
  const names = await bucket.list(FOLDER)
  const found = await Promise.all(names.map(async name => journalIn((await bucket.read(name))?.content ?? '')))
  return found.flatMap(journal => (journal?.env === environment.name ? journal : []))
}
