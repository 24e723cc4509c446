import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Context } from '../../../lib/operation/context.ts'
import { describePlan, journalled } from '../../../lib/operation/verb.ts'
import { interrupted, precondition } from '../../../lib/runtime/errors.ts'
import type { Journal } from '../../../lib/runtime/journal.ts'
import { createLog } from '../../../lib/runtime/log.ts'
import type { Phase, PhaseState } from '../../../lib/runtime/phases.ts'
import { DetailedError } from '../../../lib/runtime/script.ts'

const quiet = () => createLog({ quiet: true, stream: { write: () => true } as unknown as NodeJS.WriteStream, live: false })
const contextFor = (): Context =>
  ({
    verb: 'a:verb',
    log: quiet(),
    signal: new AbortController().signal,
    progress: () => undefined,
    changes: 0,
    now: () => new Date(),
    journal: undefined,
  }) as unknown as Context

const DONE: PhaseState = { state: 'done', evidence: 'is' }
const PENDING: PhaseState = { state: 'todo', changes: ['create a', 'create b'] }
const UNKNOWN: PhaseState = { state: 'unknown', needs: 'the VM' }
const REFUSED: PhaseState = { state: 'refused', refusal: precondition('it would destroy a', 'add --allow-destroy a') }

function phase(title: string, state: PhaseState, run: () => Promise<string> = async () => 'did'): Phase<Context> {
  return { id: title.toLowerCase(), title, check: async () => state, run }
}
const IS = phase('One', DONE)
const TO_DO = phase('Two', PENDING)
const LATER = phase('Three', UNKNOWN)
const NEVER = phase('Four', REFUSED)

const plans = suite('describePlan')
for (const [why, phases, exitCode, text] of [
  ['nothing', [IS], 0, '  = One\nNothing to do.'],
  ['something', [IS, TO_DO], 8, '  = One\n  ~ Two\n      create a\n      create b\n1 of 2 phases pending.'],
  ['what can only be told later', [LATER], 8, '  ? Three: deferred, needs the VM\n1 of 1 phases pending.'],
  [
    'what is refused, beside what is to do',
    [TO_DO, NEVER, LATER],
    4,
    [
      ...['  ~ Two', '      create a', '      create b', '  ! Four: refused', '  ? Three: deferred, needs the VM'],
      ...['3 of 3 phases pending.', 'It would stop: it would destroy a', '→ add --allow-destroy a'],
    ].join('\n'),
  ],
  [
    'the same refusal by two phases is said once',
    [NEVER, { ...NEVER, title: 'Five' }],
    4,
    [
      ...['  ! Four: refused', '  ! Five: refused', '2 of 2 phases pending.'],
      ...['It would stop: it would destroy a', '→ add --allow-destroy a'],
    ].join('\n'),
  ],
] as [string, Phase<Context>[], number, string][]) {
  plans(why, async () => {
    const outcome = await describePlan(phases, contextFor())
    assert.is(outcome.text, text)
    assert.is(outcome.exitCode, exitCode)
  })
}
plans('the document has every phase, and that nothing was done', async () => {
  const { document } = await describePlan([TO_DO, LATER, NEVER], contextFor())
  assert.equal(document, {
    dryRun: true,
    phases: [
      { id: 'two', title: 'Two', state: 'todo', changes: ['create a', 'create b'] },
      { id: 'three', title: 'Three', state: 'unknown', changes: [], needs: 'the VM' },
      {
        id: 'four',
        title: 'Four',
        state: 'refused',
        changes: [],
        refusal: 'it would destroy a\n→ add --allow-destroy a',
      },
    ],
  })
})
plans.run()

/** Nobody's environment: runs of others are in the same folder. */
const ENV = `verb-test-${process.pid}`
const made: string[] = []

/** Runs phases as a verb does. @returns what came of it, and the journal as it lies on the disk */
async function run(phases: Phase<Context>[], ends: Partial<Parameters<typeof journalled>[3]> = {}) {
  const context = contextFor()
  const options = { env: ENV, yes: true }
  const outcome = await journalled(
    phases,
    context,
    { options, args: ['00-vpc'], log: context.log, signal: context.signal, stop: () => undefined },
    { conclude: async records => ({ document: { statuses: records.map(({ status }) => status) } }), ...ends },
  ).catch((error: unknown) => error)
  const directory = context.journal?.directory ?? ''
  made.push(directory)
  const journal = JSON.parse(readFileSync(join(directory, 'journal.json'), 'utf8')) as Journal
  return { outcome, journal, directory }
}
const failure = (outcome: unknown): DetailedError => {
  if (outcome instanceof DetailedError) return outcome
  throw outcome
}

const runs = suite('journalled')
runs.after(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true })
})
runs('what went well: its phases, its journal, and exit code 0 in it', async () => {
  const { outcome, journal, directory } = await run([IS, TO_DO], { more: () => ({ subject: 'a' }) })
  const { document, exitCode } = outcome as { document: Record<string, unknown>; exitCode?: number }
  assert.is(exitCode, undefined)
  assert.equal(document.statuses, ['skipped', 'done'])
  assert.equal([document.run, document.subject], [journal.id, 'a'])
  assert.equal(
    (document.phases as { id: string }[]).map(({ id }) => id),
    ['one', 'two'],
  )
  assert.equal([journal.exitCode, journal.verb, journal.env], [0, 'a:verb', ENV])
  assert.equal(journal.args, { env: ENV, yes: true, args: ['00-vpc'] })
  assert.ok(existsSync(directory))
})
runs('a conclusion may have an exit code of its own', async () => {
  const { journal } = await run([IS], { conclude: async () => ({ exitCode: 7, document: {} }) })
  assert.is(journal.exitCode, 7)
})
runs('refused: exit code 4, nothing was run, and the journal says so', async () => {
  let ran = 0
  const counting = { ...NEVER, run: async () => String(++ran) }
  const { outcome, journal } = await run([IS, counting, phase('Five', PENDING, counting.run)], {
    more: () => ({ subject: 'a' }),
  })
  const { code, message, hint, document } = failure(outcome)
  assert.equal([code, message, hint], [4, 'it would destroy a', 'add --allow-destroy a'])
  assert.equal([ran, journal.exitCode], [0, 4])
  assert.equal(
    journal.phases.map(({ id, status }) => [id, status]),
    [
      ['one', 'skipped'],
      ['four', 'failed'],
    ],
  )
  assert.equal([document.run, document.subject], [journal.id, 'a'])
})
for (const [why, error, code] of [
  ['an interruption', interrupted('interrupted', 'again'), 130],
  ['a bug', new TypeError('x is undefined'), 1],
] as const) {
  runs(`${why}: exit code ${code}, in the journal too`, async () => {
    const { outcome, journal } = await run([phase('Two', PENDING, () => Promise.reject(error))])
    assert.equal([failure(outcome).code, journal.exitCode], [code, code])
  })
}
runs('a conclusion that fails fails the run, its phases in the document', async () => {
  const { outcome, journal } = await run([TO_DO], { conclude: () => Promise.reject(precondition('no', 'do')) })
  assert.equal([failure(outcome).code, journal.exitCode], [4, 4])
  assert.is((failure(outcome).document.phases as unknown[]).length, 1)
})
runs.run()
