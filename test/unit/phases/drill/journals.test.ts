import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { reportOf } from '../../../../lib/model/drill/report.ts'
import { unfinished } from '../../../../lib/model/drill/resume.ts'
import { damage } from '../../../../lib/phases/drill/journals.ts'
import { scenarioOf } from '../../../../lib/phases/drill/scenarios.ts'
import { root } from '../../../../lib/runtime/files.ts'
import { runDirectory } from '../../../../lib/runtime/journal.ts'
import { concluded, journalOf, passedFacts } from '../../model/drill/passed.ts'

const whole = {
  ...passedFacts(),
  conclusion: concluded(passedFacts()),
  aborted: { at: '2025-11-01T14:00:00Z', operator: 'a@b' },
}

const damaged = suite('a drill’s journal')
damaged('that is whole has no damage, however far the drill got', () => {
  assert.is(damage(journalOf(whole)), undefined)
  for (const fact of Object.keys(whole)) {
    const { [fact as keyof typeof whole]: _missing, ...rest } = whole
    assert.is(damage(journalOf(rest)), undefined, fact)
  }
  assert.is(damage(journalOf({})), undefined)
})
/** Anything in the place of anything. */
const WRONG = [5, 'x', null, true, [5], { a: 5 }, [null], { a: null }]
for (const fact of Object.keys(whole)) {
  for (const wrong of WRONG) {
    damaged(`whose ${fact} is ${JSON.stringify(wrong)} is refused with its path, or does no harm`, () => {
      const journal = journalOf({ ...whole, [fact]: wrong })
      const error = damage(journal)
      if (error) {
        assert.is(error.code, 4)
        assert.match(error.message, `${journal.id}/journal.json`)
        assert.match(error.message, `facts.${fact}`)
        assert.match(error.hint, runDirectory(journal.id))
        return
      }
      unfinished(journal, scenarioOf(journal))
      reportOf(journal, scenarioOf(journal))
    })
  }
}
for (const scenario of ['__proto__', 'constructor', 'toString', 'of another version'])
  damaged(`of the scenario ${scenario} is of none`, () => {
    const journal = journalOf({ ...whole, drill: { ...whole.drill, scenario } })
    assert.is(scenarioOf(journal), undefined)
  })

const id = `20991231-235959-prod-dr-drill-${process.pid}`
const script = (name: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts', name), '--env', 'prod', ...args], {
    encoding: 'utf8',
  })
  return { status, said: stdout + stderr }
}
damaged.before(() => {
  mkdirSync(runDirectory(id), { recursive: true })
  const journal = { ...journalOf({ ...whole, attempts: 5 as never }), id }
  writeFileSync(join(runDirectory(id), 'journal.json'), JSON.stringify(journal))
})
damaged.after(() => rmSync(runDirectory(id), { recursive: true }))
damaged('that is damaged is passed over in the list, with a warning', () => {
  const { status, said } = script('dr-drill/report.ts')
  assert.is(status, 0, said)
  assert.match(said, `the journal of drill ${id} is damaged`)
})
damaged('that is damaged is refused when it is asked for', () => {
  const { status, said } = script('dr-drill/report.ts', '--run', id)
  assert.is(status, 4, said)
  assert.match(said, 'facts.attempts')
})
damaged.run()
