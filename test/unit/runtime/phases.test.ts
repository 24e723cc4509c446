import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type OpsError, precondition } from '../../../lib/runtime/errors.ts'
import type { JournalWriter, PhaseRecord } from '../../../lib/runtime/journal.ts'
import { createLog } from '../../../lib/runtime/log.ts'
import {
  checkPhase,
  type Phase,
  type PhaseContext,
  type PhaseState,
  planPhases,
  runPhases,
  together,
} from '../../../lib/runtime/phases.ts'
import { failureOf } from '../support/layers.ts'

const log = createLog({ quiet: true, stream: { write: () => true } as unknown as NodeJS.WriteStream, live: false })
const context = (signal = new AbortController().signal): PhaseContext => ({
  log,
  signal,
  progress: () => undefined,
  changes: 0,
})

const journal = () => {
  const phases: PhaseRecord[] = []
  const begun: string[] = []
  const writer = {
    journal: { phases },
    begun,
    begin: async ({ id }: { id: string }) => void begun.push(id),
    phase: async (record: PhaseRecord) => void phases.push(record),
  }
  return writer as unknown as JournalWriter & { begun: string[]; journal: { phases: PhaseRecord[] } }
}
const DONE: PhaseState = { state: 'done', evidence: 'is' }
const PENDING: PhaseState = { state: 'todo', changes: ['do it'] }
const REFUSED: PhaseState = { state: 'refused', refusal: precondition('it would destroy a', 'add --allow-destroy a') }

const phase = (id: string, check: () => PhaseState, run: () => void = () => undefined): Phase<PhaseContext> => ({
  id,
  title: id,
  check: async () => check(),
  run: async () => {
    run()
    return 'did'
  },
})
const runs = suite('runPhases')

runs('does what is to do, skips what is done', async () => {
  const ran: string[] = []
  const { journal: written, ...writer } = journal()
  await runPhases(
    [
      phase(
        'a',
        () => DONE,
        () => ran.push('a'),
      ),
      phase(
        'b',
        () => PENDING,
        () => ran.push('b'),
      ),
    ],
    context(),
    { ...writer, journal: written },
  )
  assert.equal(ran, ['b'])
  assert.equal(writer.begun, ['a', 'b'])
  assert.equal(
    written.phases.map(({ id, status, evidence }) => [id, status, evidence]),
    [
      ['a', 'skipped', 'is'],
      ['b', 'done', 'did'],
    ],
  )
})

runs('stops at a failure and records it', async () => {
  const writer = journal()
  const boom = phase(
    'a',
    () => PENDING,
    () => {
      throw new Error('boom')
    },
  )
  const error = await failureOf(runPhases([boom, phase('b', () => PENDING)], context(), writer))
  assert.is(error.code, 1)
  assert.equal(
    writer.journal.phases.map(({ id, status }) => [id, status]),
    [['a', 'failed']],
  )
})

runs('checks again after the lock was taken', async () => {
  let checks = 0
  const once = phase('a', () => (checks++ === 0 ? PENDING : DONE))
  const writer = journal()
  await runPhases([once], { ...context(), beforeChange: async () => true }, writer)
  assert.is(checks, 2)
  assert.is(writer.journal.phases[0]?.status, 'skipped')
})

runs('takes no lock when nothing is to do', async () => {
  let asked = false
  const beforeChange = async () => {
    asked = true
    return true
  }
  await runPhases([phase('a', () => DONE)], { ...context(), beforeChange }, journal())
  assert.is(asked, false)
})

for (const [why, first] of [
  ['at once', REFUSED],
  ['by the check that follows the lock', PENDING],
] as const) {
  runs(`what is refused ${why} is not run, nor is anything after it`, async () => {
    const ran: string[] = []
    let checks = 0
    const writer = journal()
    const phases = [
      phase(
        'a',
        () => (checks++ === 0 ? first : REFUSED),
        () => ran.push('a'),
      ),
      phase(
        'b',
        () => PENDING,
        () => ran.push('b'),
      ),
    ]
    const error = await failureOf(runPhases(phases, { ...context(), beforeChange: async () => true }, writer))
    assert.is(error, (REFUSED as { refusal: OpsError }).refusal)
    assert.equal(ran, [])
    assert.equal(writer.begun, ['a'])
    const [record, ...more] = writer.journal.phases
    assert.equal([record?.status, record?.error], ['failed', { code: 4, message: error.message, hint: error.hint }])
    assert.equal(more, [])
  })
}

runs('for what is refused no lock is taken', async () => {
  let asked = false
  const beforeChange = async () => {
    asked = true
    return true
  }
  await failureOf(runPhases([phase('a', () => REFUSED)], { ...context(), beforeChange }, journal()))
  assert.is(asked, false)
})

/** Runs `b` between two others. @returns the count of changes that each check and run saw */
async function countsSeen(b: PhaseState, locks: boolean[]): Promise<string[]> {
  const seen: string[] = []
  const noting = (id: string, state: PhaseState): Phase<PhaseContext> => ({
    id,
    title: id,
    check: async ({ changes }) => {
      seen.push(`${id} ${changes}`)
      return state
    },
    run: async ({ changes }) => {
      seen.push(`${id} runs ${changes}`)
      return 'did'
    },
  })
  const phases = [noting('a', DONE), noting('b', b), noting('c', DONE)]
  await runPhases(phases, { ...context(), beforeChange: async () => locks.shift() ?? false }, journal())
  return seen
}
for (const [why, b, locks, expected] of [
  ['nothing is changed: what was found stays true', DONE, [], ['a 0', 'b 0', 'c 0']],
  ['a phase was run: nothing that was found before', PENDING, [], ['a 0', 'b 0', 'b runs 1', 'c 2']],
  [
    'the lock was taken: somebody else may have changed something until then',
    PENDING,
    [true],
    ['a 0', 'b 0', 'b 1', 'b runs 2', 'c 3'],
  ],
] as [string, PhaseState, boolean[], string[]][]) {
  runs(`counts changes; ${why}`, async () => assert.equal(await countsSeen(b, locks), expected))
}

for (const [why, reason, code] of [
  ['interrupted', undefined, 130],
  ['stopped for the lock', precondition('taken over by bob', 'wait for bob'), 4],
] as const) {
  runs(`${why} in a phase that fails for it: that is how it ends, and what the journal says`, async () => {
    const stop = new AbortController()
    const writer = journal()
    const stopped = phase(
      'a',
      () => PENDING,
      () => {
        stop.abort(reason)
        throw new Error('the child was interrupted')
      },
    )
    const error = await failureOf(runPhases([stopped, phase('b', () => PENDING)], context(stop.signal), writer))
    assert.is(error.code, code)
    assert.equal(
      writer.journal.phases.map(({ id, status, error }) => [id, status, error?.code]),
      [['a', 'interrupted', code]],
    )
  })
  runs(`${why} in a phase that ends well: the next is not begun`, async () => {
    const stop = new AbortController()
    const ran: string[] = []
    const phases = [
      phase(
        'a',
        () => PENDING,
        () => stop.abort(reason),
      ),
      phase(
        'b',
        () => PENDING,
        () => ran.push('b'),
      ),
    ]
    assert.is((await failureOf(runPhases(phases, context(stop.signal), journal()))).code, code)
    assert.equal(ran, [])
  })
  for (const [how, check] of [
    ['goes on', () => PENDING],
    [
      'fails',
      () => {
        throw new Error('the child was interrupted')
      },
    ],
  ] as const) {
    runs(`a dry run ${why} in a check that ${how}: no plan`, async () => {
      const stop = new AbortController()
      const stopping = phase('b', () => {
        stop.abort(reason)
        return check()
      })
      const error = await failureOf(planPhases([phase('a', () => PENDING), stopping], context(stop.signal)))
      assert.is(error.code, code)
    })
  }
}
runs('who lost the lock in the last phase does not end well, though the phase did', async () => {
  const stop = new AbortController()
  const last = phase(
    'a',
    () => PENDING,
    () => stop.abort(precondition('taken over by bob', 'wait for bob')),
  )
  assert.is((await failureOf(runPhases([last], context(stop.signal), journal()))).code, 4)
})
runs('a journal that can’t be written does not hide why the phase failed', async () => {
  const writer = journal()
  writer.phase = async () => {
    throw new Error('no space left on device')
  }
  const refused = phase('a', () => REFUSED)
  assert.match((await failureOf(runPhases([refused], context(), writer))).message, 'it would destroy a')
})

runs('counts the changes of a run that failed, too', async () => {
  const boom = phase(
    'a',
    () => PENDING,
    () => {
      throw new Error('boom')
    },
  )
  const here = context()
  await failureOf(runPhases([boom], here, journal()))
  assert.is(here.changes, 1)
})

runs('an interruption ends with 130', async () => {
  const stop = new AbortController()
  const writer = journal()
  const first = phase(
    'a',
    () => PENDING,
    () => stop.abort(),
  )
  const error = await failureOf(runPhases([first, phase('b', () => PENDING)], context(stop.signal), writer))
  assert.is(error.code, 130)
  assert.is(writer.journal.phases[1]?.status, 'interrupted')
})

runs('what is done is summed up by its evidence', async () => {
  const said: string[] = []
  const stream = { write: (text: string) => said.push(text) > 0 } as unknown as NodeJS.WriteStream
  const summed: Phase<PhaseContext> = { ...phase('a', () => PENDING), summary: evidence => `it ${evidence}` }
  await runPhases([summed], { ...context(), log: createLog({ stream, live: false }) }, journal())
  assert.match(said.join(''), /^\S+ ✔ a 0\.0 s · it did\n$/)
})

runs.run()

const checks = suite('checkPhase')
const only = (check: () => Exclude<PhaseState, { state: 'todo' }>) =>
  checkPhase<PhaseContext>({ id: 'a', title: 'A', check: async () => check() })

for (const [name, check, status, code] of [
  ['what is as it should be is skipped', () => DONE, 'skipped', undefined],
  ['what is refused fails', () => REFUSED as Exclude<PhaseState, { state: 'todo' }>, 'failed', 4],
  ['what can not be told yet fails', () => ({ state: 'unknown', needs: 'B' }), 'failed', 4],
  [
    'what is not as it should be fails',
    () => {
      throw precondition('it is not', 'make it so')
    },
    'failed',
    4,
  ],
] as [string, Parameters<typeof only>[0], PhaseRecord['status'], number | undefined][]) {
  checks(name, async () => {
    const writer = journal()
    const run = runPhases([only(check)], context(), writer)
    if (code === undefined) await run
    else assert.is((await failureOf(run)).code, code)
    assert.is(writer.journal.phases[0]?.status, status)
  })
}

checks('it does nothing', async () => {
  assert.match((await failureOf(only(() => DONE).run(context()))).message, 'a only checks')
})
checks.run()

const plans = suite('planPhases')
plans('changes nothing', async () => {
  let ran = false
  const planned = await planPhases(
    [
      phase(
        'a',
        () => PENDING,
        () => (ran = true),
      ),
    ],
    context(),
  )
  assert.is(ran, false)
  assert.equal(planned[0]?.changes, ['do it'])
})
plans('says nothing: the list is the result', async () => {
  const said: string[] = []
  const stream = { write: (text: string) => said.push(text) > 0 } as unknown as NodeJS.WriteStream
  const phases = [phase('a', () => DONE), phase('b', () => PENDING)]
  await planPhases(phases, { ...context(), log: createLog({ stream, live: false }) })
  assert.equal(said, [])
})
plans('a check that fails for want of an earlier phase is deferred', async () => {
  const broken = phase('b', () => {
    throw new Error('no VM')
  })
  const planned = await planPhases([phase('a', () => PENDING), broken], context())
  assert.is(planned[1]?.state, 'unknown')
  assert.is(planned[1]?.needs, 'a')
})
plans('what is refused is said with its remedy, and so is what comes after it', async () => {
  const ran: string[] = []
  const broken = phase('c', () => {
    throw new Error('no VM')
  })
  const refused = phase(
    'a',
    () => REFUSED,
    () => ran.push('a'),
  )
  const planned = await planPhases([refused, phase('b', () => PENDING), broken], context())
  assert.equal(planned, [
    { id: 'a', title: 'a', state: 'refused', changes: [], refusal: 'it would destroy a\n→ add --allow-destroy a' },
    { id: 'b', title: 'b', state: 'todo', changes: ['do it'] },
    { id: 'c', title: 'c', state: 'unknown', changes: [], needs: 'a' },
  ])
  assert.equal(ran, [])
})
plans('a check that fails on its own fails the plan', async () => {
  const broken = phase('b', () => {
    throw new Error('no access')
  })
  assert.match((await failureOf(planPhases([phase('a', () => DONE), broken], context()))).message, 'no access')
})
plans.run()

const beside = suite('together')
/** Phases whose checks end when told to. */
function gated(...ids: string[]) {
  const gates = ids.map(() => Promise.withResolvers<PhaseState>())
  const begun: string[] = []
  const phases = ids.map((id, index) => ({
    ...phase(id, () => DONE),
    check: async ({ progress }: PhaseContext) => {
      begun.push(id)
      progress(`${index}/9`)
      return gates[index]?.promise as Promise<PhaseState>
    },
  }))
  return { phases: together(phases), gates, begun }
}
beside('checks begin at once, and each is told in its turn', async () => {
  const { phases, gates, begun } = gated('a', 'b', 'c')
  const planned = planPhases(phases, context())
  gates[2]?.resolve(PENDING)
  gates[1]?.resolve(DONE)
  await new Promise(resolve => setTimeout(resolve))
  assert.equal(begun, ['a', 'b', 'c'])
  gates[0]?.resolve(PENDING)
  assert.equal(
    (await planned).map(({ id, state }) => [id, state]),
    [
      ['a', 'todo'],
      ['b', 'done'],
      ['c', 'todo'],
    ],
  )
})
for (const [why, first, states] of [
  ['is unknown while an earlier one is to be done', PENDING, ['todo', 'unknown']],
  ['is an error where all before it is done', DONE, undefined],
] as const) {
  beside(`a check that fails early ${why}`, async () => {
    const { phases, gates } = gated('a', 'b')
    const planned = planPhases(phases, context())
    gates[1]?.reject(precondition('no cluster', 'start it'))
    await new Promise(resolve => setTimeout(resolve, 5))
    gates[0]?.resolve(first)
    if (states)
      assert.equal(
        (await planned).map(({ state }) => state),
        states,
      )
    else assert.is((await failureOf(planned)).message, 'no cluster')
  })
}
beside('the first failure is the one that is told', async () => {
  const { phases, gates } = gated('a', 'b')
  const planned = failureOf(planPhases(phases, context()))
  gates[1]?.reject(precondition('second', ''))
  await new Promise(resolve => setTimeout(resolve, 5))
  gates[0]?.reject(precondition('first', ''))
  assert.is((await planned).message, 'first')
})
beside('progress names all that run', async () => {
  const { phases, gates } = gated('a', 'b')
  const lines: string[] = []
  const named = {
    ...context(),
    log: { ...log, activity: () => ({ ...log.activity(''), update: (line: string) => lines.push(line) }) },
  }
  const planned = planPhases(phases, named as unknown as PhaseContext)
  await new Promise(resolve => setTimeout(resolve))
  gates[0]?.resolve(DONE)
  await new Promise(resolve => setTimeout(resolve))
  gates[1]?.resolve(DONE)
  await planned
  assert.ok(lines.includes('0/9; beside it b: 1/9'), lines.join('\n'))
  assert.ok(lines.includes('1/9'), lines.join('\n'))
})
beside.run()
