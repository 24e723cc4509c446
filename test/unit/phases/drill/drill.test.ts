import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Facts } from '../../../../lib/model/drill/facts.ts'
import type { Context } from '../../../../lib/operation/context.ts'
import { chosenScenario, type DrillRequest, openDrill, plannedDrill } from '../../../../lib/phases/drill/drill.ts'
import { OpsError } from '../../../../lib/runtime/errors.ts'
import { type Journal, runDirectory } from '../../../../lib/runtime/journal.ts'
import type { Run } from '../../../../lib/runtime/script.ts'
import { concluded, journalOf, passedFacts } from '../../model/drill/passed.ts'
import { journalOf as upOf } from '../../support/journal.ts'
import { type FakeStore, fakeStore } from '../../support/store.ts'

/** No environment has this name. */
const ENV = `drilled-${process.pid}`
const KILLED = `20251101-140000-${ENV}-dr-drill-7`
const NOW = '2025-11-01T15:00:00.000Z'
const folders = [KILLED]

/** A drill that was killed, as its journal tells. */
function killed(facts: Facts): void {
  mkdirSync(runDirectory(KILLED), { recursive: true })
  const journal = { ...journalOf(facts, []), id: KILLED, env: ENV }
  writeFileSync(join(runDirectory(KILLED), 'journal.json'), JSON.stringify(journal))
}
const left = (): Facts => JSON.parse(readFileSync(join(runDirectory(KILLED), 'journal.json'), 'utf8')).facts

const before = passedFacts()
const { found: _none, ...unread } = before
const DESTROYED = { ...before, begun: { '02-argocd-app/destroyed': '2025-11-01T14:00:40Z' } }
const UNHARMED = { ...unread, begun: { 'markers/written': '2025-11-01T14:00:10Z' }, markers: [], dumps: [] }

function contextOf(store: FakeStore) {
  const said: string[] = []
  const context = {
    verb: 'dr-drill',
    environment: { name: ENV, snapshots: { after: ['01-k8s'] } },
    terraform: { layers: ['00-vpc', '01-k8s', '02-argocd-app'] },
    baseLayer: '00-vpc',
    now: () => new Date(NOW),
    store: async () => store,
    output: async (_layer: string, name: string) => name,
    signal: new AbortController().signal,
    log: { info: (text: string) => said.push(text), warn: (text: string) => said.push(text), toFile: () => undefined },
  } as unknown as Context
  return { context, said }
}
const requestFor = (context: Context): DrillRequest => ({
  scenario: chosenScenario('layer-rebuild', context),
  announcement: { layers: [], guard: 'drills' },
  within: 1000,
})
/** A bucket in which runs have left their journals. */
function bucketWith(...ids: string[]): FakeStore {
  const store = fakeStore()
  const publish = (journal: Journal) => store.wrote(`journals/${journal.id}.json`, JSON.stringify(journal))
  for (const id of [...before.runs, ...ids]) publish(upOf(id, { env: ENV, operator: 'bob@far' }))
  publish({ ...journalOf({}), id: KILLED, env: ENV })
  return store
}
const UP = `20251101-143000-${ENV}-up-9`
const run = { options: { env: ENV }, args: [] } as unknown as Run<Parameters<typeof openDrill>[2]['options']>
const opened = async (store: FakeStore, abort: boolean) => {
  const { context, said } = contextOf(store)
  const drill = await openDrill(requestFor(context), context, run, { abort })
  folders.push(drill.journal.id)
  return { drill, said: said.join('\n') }
}
const refusal = async (attempt: Promise<unknown>): Promise<OpsError> => {
  const thrown = await attempt.catch((error: unknown) => error)
  if (thrown instanceof OpsError) return thrown
  throw thrown
}

const opens = suite('a drill that was killed')
opens.after.each(() => {
  for (const id of folders) rmSync(runDirectory(id), { recursive: true, force: true })
})
for (const [why, facts, others, expected] of [
  ['after it had destroyed something', DESTROYED, [], 'goes on'],
  ['of a version that did not know the runs before it', { ...DESTROYED, runs: undefined }, [UP], 'goes on'],
  [
    'after it had destroyed something, and then met an `up`',
    DESTROYED,
    [UP],
    /`up` of bob@far has worked .*run 20251101-143000/,
  ],
  ['in its abort', { ...DESTROYED, aborted: { at: NOW, operator: 'a@b' } }, [], /its abort has not ended/],
  ['before it had destroyed anything', UNHARMED, [], 'begins anew'],
  ['before it had destroyed anything, and then met an `up`', UNHARMED, [UP], 'begins anew'],
  ['after its verdict', { ...DESTROYED, conclusion: concluded(before) }, [UP], 'begins anew'],
] as const) {
  opens(`${why}: ${expected}`, async () => {
    killed(facts as Facts)
    const store = bucketWith(...others)
    if (typeof expected !== 'string') {
      const planned = () => plannedDrill(requestFor(contextOf(store).context), contextOf(store).context)
      for (const attempt of [() => opened(store, false), planned]) {
        const { code, message, hint } = await refusal(attempt())
        assert.is(code, 4)
        assert.match(message, KILLED)
        assert.match(message, expected)
        assert.match(hint, '`./taskw dr-drill -- --abort` brings everything up')
      }
      assert.not(left().conclusion)
    } else {
      const { drill } = await opened(store, false)
      assert.is(drill.journal.id === KILLED, expected === 'goes on')
      assert.is(drill.resumed, expected === 'goes on')
      if (expected === 'begins anew') assert.ok(left().conclusion, 'the old one is closed')
      if (expected === 'begins anew') assert.equal(drill.facts.runs?.includes(before.runs[0] ?? ''), true)
    }
  })
  opens(`${why}: it can be aborted, unless there is nothing to abort`, async () => {
    killed(facts as Facts)
    const store = bucketWith(...others)
    if ('conclusion' in facts) return assert.match((await refusal(opened(store, true))).message, 'no unfinished drill')
    const { drill } = await opened(store, true)
    assert.is(drill.journal.id, KILLED)
    // Killed now, it must not go on as if nothing had been rebuilt.
    assert.equal(left().aborted?.at, 'aborted' in facts ? facts.aborted.at : NOW)
    await drill.conclude()
    assert.is(left().conclusion?.verdict, 'inconclusive')
  })
}
opens('before it had destroyed anything: what it wrote is removed with it, or that it could not be is said', async () => {
  killed({ ...UNHARMED, markers: before.markers })
  const { said } = await opened(bucketWith(), false)
  assert.match(said, /its markers and copies could not be removed/)
  assert.ok(left().conclusion)
})
opens('there is nothing to abort: a dry run says so too', async () => {
  const { context } = contextOf(bucketWith())
  assert.is((await refusal(plannedDrill(requestFor(context), context, { abort: true }))).code, 4)
})
opens.run()
