import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { publishedJournals, publishJournal } from '../../../lib/operation/journals.ts'
import { neverShow } from '../../../lib/runtime/redact.ts'
import { journalOf as journal } from '../support/journal.ts'
import { fakeStore } from '../support/store.ts'

/** The bucket, and what a run in this environment sees of it. */
function bucket(env = 'lab') {
  const store = fakeStore()
  const context = { store: async () => store, environment: { name: env } } as unknown as Parameters<typeof publishedJournals>[0]
  return { store, context }
}

const journals = suite('journals in the state bucket')
journals('what one run has published another one reads', async () => {
  const { store, context } = bucket()
  const facts = { intents: [{ layer: '00-vpc', address: 'a_disk.boot' }] }
  await publishJournal(journal('one', { facts }), context)
  await publishJournal(journal('two'), context)
  assert.equal(store.calls, ['put journals/one.json', 'put journals/two.json'])
  assert.equal(await publishedJournals(context), [journal('one', { facts }), journal('two')])
})
journals('published again, it is as it is now', async () => {
  const { context } = bucket()
  await publishJournal(journal('one'), context)
  await publishJournal(journal('one', { facts: { records: [] }, exitCode: 4 }), context)
  assert.equal(await publishedJournals(context), [journal('one', { facts: { records: [] }, exitCode: 4 })])
})
journals('what must never be shown is not published', async () => {
  neverShow('the-password')
  const { store, context } = bucket()
  await publishJournal(journal('one', { args: { password: 'the-password' } }), context)
  assert.not.match(store.objects.get('journals/one.json')?.content ?? '', 'the-password')
  assert.is((await publishedJournals(context)).length, 1)
})
journals('none yet', async () => {
  assert.equal(await publishedJournals(bucket().context), [])
})
for (const [why, content] of [
  ['torn', JSON.stringify(journal('other')).slice(0, -5)],
  ['empty', ''],
  ['of another kind', '{"schema":"threads-ops/drill/1","env":"lab"}'],
  ['of another version', JSON.stringify({ ...journal('other'), schema: 'threads-ops/journal/2' })],
  ['no object', 'null'],
  ['without facts', JSON.stringify({ ...journal('other'), facts: undefined })],
  ['with a list for facts', JSON.stringify({ ...journal('other'), facts: [] })],
  ['with phases that are none', JSON.stringify({ ...journal('other'), phases: [null] })],
  ['with an id that leads elsewhere', JSON.stringify(journal('../../other'))],
  ['of an unknown time', JSON.stringify(journal('other', { startedAt: 'yesterday' }))],
  ['a list', '[]'],
  ['another environment’s', JSON.stringify(journal('other', { env: 'lab-staging' }))],
] as const) {
  journals(`an object that is ${why} is passed over`, async () => {
    const { store, context } = bucket()
    store.wrote('journals/other.json', content)
    await publishJournal(journal('one'), context)
    assert.equal(await publishedJournals(context), [journal('one')])
  })
}
journals('so is what lies beside the folder, and what is deleted while it is listed', async () => {
  const { store, context } = bucket()
  store.wrote('00-vpc/default.tfstate', JSON.stringify(journal('state')))
  const { list } = store
  store.list = async prefix => [...(await list(prefix)), 'journals/gone.json']
  await publishJournal(journal('one'), context)
  assert.equal(await publishedJournals(context), [journal('one')])
})
journals('a bucket that does not answer is an error: that nobody knows of an object is no proof', async () => {
  const { store, context } = bucket()
  store.wrote('journals/one.json', JSON.stringify(journal('one')))
  store.read = async () => {
    throw new Error('away')
  }
  try {
    await publishedJournals(context)
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, 'away')
  }
})
journals.run()
