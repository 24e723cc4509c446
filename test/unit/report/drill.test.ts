import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DrillFacts } from '../../../lib/model/drill/facts.ts'
import { type DrillReport, reportOf } from '../../../lib/model/drill/report.ts'
import { drillHtml } from '../../../lib/report/drill-html.ts'
import { drillMarkdown } from '../../../lib/report/drill-markdown.ts'
import { drillText } from '../../../lib/report/drill-text.ts'
import { plain } from '../../../lib/report/findings.ts'
import { concluded as concludedOf, journalOf, passedFacts, rebuild } from '../model/drill/passed.ts'

const reportWith = (change: Partial<DrillFacts> = {}): DrillReport => {
  const facts = { ...passedFacts(), ...change }
  const conclusion = concludedOf(facts)
  return reportOf(journalOf({ ...facts, conclusion }), rebuild) as DrillReport
}
const hostile = '<img src=x onerror=alert(1)> | "quoted" & \'so\''
const failed = () =>
  reportWith({
    health: {
      ...passedFacts().health,
      verdict: 'unhealthy',
      findings: [{ rule: 'pod/image', severity: 'error', object: 'threads/Pod/a', message: hostile }],
    },
    leftovers: ['/var/backups/x.tar on the VM'],
  })

const page = suite('drillHtml')
page('needs nothing but itself', () => {
  const text = drillHtml(reportWith())
  assert.not.match(text, /<(script|link|img|iframe|object)\b|\b(src|href)=|url\(|@import|https?:/)
  assert.match(text, "default-src 'none'")
})
page('is for light and dark, and for a phone', () => {
  const text = drillHtml(reportWith())
  assert.match(text, '@media (prefers-color-scheme: dark)')
  assert.match(text, 'width=device-width')
})
page('draws every step', () =>
  assert.is(drillHtml(reportWith()).match(/<rect class="bar [a-z]+" [^>]*rx/g)?.length, rebuild.steps.length),
)
page('shows what others have written, and does not obey it', () => {
  const text = drillHtml(failed())
  assert.not.match(text, '<img')
  assert.match(text, '&lt;img src=x onerror=alert(1)&gt; | &quot;quoted&quot; &amp; &#39;so&#39;')
})
page('has no time to recover where it did not', () =>
  assert.match(drillHtml(failed()), 'none: the system did not become healthy again'),
)
page('can be drawn of a drill that has hardly begun', () => {
  const { drill, attempts } = passedFacts()
  assert.match(drillHtml(reportOf(journalOf({ drill, attempts }, []), rebuild) as DrillReport), 'unfinished')
})
page.run()

const markdown = suite('drillMarkdown')
markdown('says the verdict and the two numbers', () => {
  const text = drillMarkdown(reportWith())
  assert.match(text, '# Drill layer-rebuild of prod: pass')
  assert.match(text, '**RTO** 78 s = detect 28 s (destruction included: 18 s), decide 12 s, restore 28 s, verify 10 s')
  assert.match(text, '**RPO** at most 28 s')
})
markdown('no text breaks its tables', () => {
  const lines = drillMarkdown(failed()).split('\n')
  const columns = (line: string) => line.replaceAll('\\|', '').split('|').length
  const tables = lines.filter(line => line.startsWith('|'))
  assert.ok(tables.length > 30)
  for (const [index, line] of lines.entries()) {
    const before = lines[index - 1] ?? ''
    if (line.startsWith('|') && before.startsWith('|')) assert.is(columns(line), columns(before), line)
  }
})
markdown.run()

const text = suite('drillText')
text('a line for each check', () => {
  const lines = drillText(failed(), plain).split('\n')
  assert.match(lines[0] ?? '', /^fail {2}layer-rebuild of prod/)
  assert.is(lines.filter(line => line.startsWith('  ✘ ')).length, 1)
  assert.match(lines.join('\n'), 'RTO     none: the system did not become healthy again')
  assert.match(lines.join('\n'), 'left    /var/backups/x.tar on the VM')
})
text.run()
