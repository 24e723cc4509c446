import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  blocking,
  broken,
  doubtful,
  type Finding,
  noted,
  overdue,
  sorted,
  underway,
  verdictOf,
} from '../../../../lib/model/health/finding.ts'
import { inBrief } from '../../support/kubernetes.ts'

const error = broken('pod/crashed', 'threads/Pod/a', 'crashed')
const healing = underway('pod/not-ready', 'threads/Pod/a', 'starts')
const warning = doubtful('node/cordoned', 'Node/vm', 'cordoned')
const info = noted('pod/leftover', 'threads/Pod/b', 'evicted')
const lateError: Finding = { ...healing, severity: 'error' }

const verdict = suite('verdictOf')
for (const [why, findings, expected] of [
  ['nothing', [], 'healthy'],
  ['worth knowing', [info], 'healthy'],
  ['worth a look', [warning, info], 'healthy'],
  ['on its way', [healing, warning], 'progressing'],
  ['an error that may heal', [lateError], 'progressing'],
  ['an error', [error], 'unhealthy'],
  ['an error beside what is on its way', [healing, error], 'unhealthy'],
] as [string, Finding[], string][]) {
  verdict(why, () => assert.is(verdictOf(findings), expected))
}
verdict.run()

const lists = suite('lists of findings')
lists('a finding without details', () =>
  assert.equal(error, {
    rule: 'pod/crashed',
    severity: 'error',
    object: 'threads/Pod/a',
    message: 'crashed',
    evidence: null,
    heals: false,
  }),
)
lists('only what keeps the verdict from healthy blocks', () =>
  assert.equal(blocking([info, warning, healing, error]), [healing, error]),
)
lists('out of time, what was on its way is an error; the rest stays', () =>
  assert.equal(inBrief(overdue([info, warning, healing])), [
    'error pod/not-ready, heals',
    'warning node/cordoned',
    'info pod/leftover',
  ]),
)
lists('worst first, what does not heal before what does, then by object and rule', () => {
  const second = { ...error, object: 'threads/Pod/b' }
  const other = { ...error, rule: 'pod/z' }
  const given = [info, warning, healing, lateError, second, other, error]
  assert.equal(sorted(given), [error, other, second, lateError, warning, healing, info])
  assert.is(given[0], info, 'the given list stays as it is')
})
lists.run()
