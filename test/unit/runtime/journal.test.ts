import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type JournalWriter, openJournal, readJournals } from '../../../lib/runtime/journal.ts'
import { neverShow } from '../../../lib/runtime/redact.ts'

/** Nobody's environment: runs of others are in the same folder. */
const ENV = `journal-test-${process.pid}`
const made: string[] = []
const open = async (verb: string, second: number): Promise<JournalWriter> => {
  const now = new Date(Date.UTC(2025, 10, 1, 12, 0, second))
  const journal = await openJournal({ verb, env: ENV, operator: 'ann@desk', gitSha: 'abc', args: { yes: true }, now })
  made.push(journal.directory)
  return journal
}
const written = ({ directory }: JournalWriter) => JSON.parse(readFileSync(join(directory, 'journal.json'), 'utf8'))

const journals = suite('journals')
journals.after(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true })
})

journals('what a run did is on the disk before the next step begins', async () => {
  const writer = await open('snapshot:create', 1)
  assert.is(writer.journal.id, `20251101-120001-${ENV}-snapshot-create-${process.pid}`)
  assert.equal(written(writer).phases, [])
  const begun = { id: 'doctor', title: 'Doctor', startedAt: '2025-11-01T12:00:01Z' }
  await writer.begin(begun)
  assert.equal(written(writer).current, begun)
  await writer.phase({ ...begun, status: 'done', ms: 3 })
  assert.is(written(writer).current, undefined)
  await writer.fact('marker', 'x1')
  const { schema, phases, facts, endedAt, exitCode } = written(writer)
  assert.is(schema, 'threads-ops/journal/1')
  assert.equal([phases.length, facts, endedAt, exitCode], [1, { marker: 'x1' }, undefined, undefined])
  await writer.end(6)
  assert.is(written(writer).exitCode, 6)
  assert.ok(Date.parse(written(writer).endedAt))
})

journals('it is for its owner alone', async () => {
  const writer = await open('up', 2)
  assert.is(statSync(writer.directory).mode & 0o777, 0o700)
  assert.is(statSync(join(writer.directory, 'journal.json')).mode & 0o777, 0o600)
})

journals('no secret gets into it, not even one of several lines', async () => {
  neverShow('line one\nline two')
  const writer = await open('up', 3)
  await writer.fact('key', 'line one\nline two')
  assert.is(written(writer).facts.key, '[redacted]')
})

journals('those of a verb and environment, newest first; what is torn or foreign is passed over', async () => {
  const [first, second] = [await open('drill', 4), await open('drill', 5)]
  await open('up', 6)
  const torn = join(dirname(first.directory), `20251101-120009-${ENV}-drill-1`)
  made.push(torn)
  mkdirSync(torn)
  writeFileSync(join(torn, 'journal.json'), '{"schema": "threads-ops/jour')
  const foreign = `${torn}2`
  made.push(foreign)
  mkdirSync(foreign)
  writeFileSync(join(foreign, 'journal.json'), JSON.stringify({ schema: 'threads-ops/journal/9', verb: 'drill', env: ENV }))
  assert.equal(
    (await readJournals('drill', ENV)).map(({ id }) => id),
    [second.journal.id, first.journal.id],
  )
  assert.equal(await readJournals('drill', 'no-such-environment'), [])
})
journals.run()
