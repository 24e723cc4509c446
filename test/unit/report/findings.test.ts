import { Chalk } from 'chalk'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { broken, doubtful, type Finding, noted, underway } from '../../../lib/model/health/finding.ts'
import { countsText, findingsText, plain } from '../../../lib/report/findings.ts'

const crash = broken('pod/crash-loop', 'threads/Pod/a', 'crashes', { remedy: 'kubectl logs a' })
const starts = underway('pod/not-ready', 'threads/Pod/b', 'starts')
const cordoned = doubtful('node/cordoned', 'Node/vm', 'cordoned', { remedy: 'kubectl uncordon vm' })
const left = noted('pod/leftover', 'threads/Pod/a', 'evicted')

const counts = suite('countsText')
for (const [findings, expected] of [
  [[], ''],
  [[crash], '1 error'],
  [[crash, crash, starts, left, left], '2 errors, 1 warning, 2 info'],
  [[starts, cordoned], '2 warnings'],
] as [Finding[], string][]) {
  counts(expected || 'nothing', () => assert.is(countsText(findings), expected))
}
counts.run()

const text = suite('findingsText')
text('nothing to say is the verdict alone', () => assert.is(findingsText([], 'healthy', plain), 'healthy'))
text('by object, the worst first, each with its remedy; the verdict last', () =>
  assert.equal(findingsText([left, starts, cordoned, crash], 'unhealthy', plain).split('\n'), [
    'threads/Pod/a',
    '  ✘ crashes  pod/crash-loop',
    '    → kubectl logs a',
    '  · evicted  pod/leftover',
    '',
    'Node/vm',
    '  ! cordoned  node/cordoned',
    '    → kubectl uncordon vm',
    '',
    'threads/Pod/b',
    '  ! starts (may heal by itself)  pod/not-ready',
    '',
    'unhealthy: 1 error, 2 warnings, 1 info',
  ]),
)
text('a message of several lines stays under its object', () =>
  assert.equal(
    findingsText([broken('application/operation', 'argocd/Application/threads', 'sync failed:\none\ntwo')], 'unhealthy', plain)
      .split('\n')
      .slice(0, 4),
    ['argocd/Application/threads', '  ✘ sync failed:', '    one', '    two  application/operation'],
  ),
)
text('colours are only that', () => {
  const coloured = findingsText([crash, starts], 'unhealthy', new Chalk({ level: 1 }))
  assert.is.not(coloured, findingsText([crash, starts], 'unhealthy', plain))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this is about
  assert.is(coloured.replace(/\u001b\[\d+m/g, ''), findingsText([crash, starts], 'unhealthy', plain))
})
text.run()
