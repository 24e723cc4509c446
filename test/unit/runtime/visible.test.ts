import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { reportOf } from '../../../lib/model/drill/report.ts'
import { drillHtml } from '../../../lib/report/drill-html.ts'
import { drillMarkdown } from '../../../lib/report/drill-markdown.ts'
import { openJournal } from '../../../lib/runtime/journal.ts'
import { createLog } from '../../../lib/runtime/log.ts'
import { runScript } from '../../../lib/runtime/script.ts'
import { table } from '../../../lib/runtime/table.ts'
import { visible, withoutColour } from '../../../lib/runtime/visible.ts'
import { concluded, journalOf, passedFacts, rebuild } from '../model/drill/passed.ts'

const ESC = '\u001b'
/** What a foreign text may hold, and what must be read instead. */
const foreign: [string, string][] = [
  [`${ESC}[2J`, '\\u001b[2J'],
  [`${ESC}]52;c;ZXZpbA==\u0007`, '\\u001b]52;c;ZXZpbA==\\u0007'],
  [`${ESC}[8mhidden${ESC}[0m`, '\\u001b[8mhidden\\u001b[0m'],
  [`${ESC}P1$r\u009c`, '\\u001bP1$r\\u009c'],
  ['\u009b31m', '\\u009b31m'],
  ['\u0000\u0008\u000b\u000c\u007f', '\\u0000\\u0008\\u000b\\u000c\\u007f'],
  ['a\rb', 'a\\u000db'],
  ['\u0085', '\\u0085'],
  ['\u202eabc\u202c', '\\u202eabc\\u202c'],
  ['\u2066x\u2069', '\\u2066x\\u2069'],
  ['\u2028\u2029', '\\u2028\\u2029'],
  ['\u200b\ufeff', '\\u200b\\ufeff'],
  ['\u{e0041}', '\\udb40\\udc41'],
]
const ALL = foreign.map(([text]) => text).join(' ')
const SHOWN = foreign.map(([, shown]) => shown).join(' ')
const isSeen = (text: string) => assert.is(text.replaceAll('\n', ''), visible(text).replaceAll('\n', ''), JSON.stringify(text))

const texts = suite('visible')
for (const [text, shown] of foreign) texts(shown, () => assert.is(visible(text), shown))
for (const text of ['plain', 'two\nlines', 'a\ttab', 'Zoë, naïve, 日本語, 👩‍👩‍👧, שלום', '✔ ✘ → ·']) {
  texts(`${text} as it is`, () => assert.is(visible(text), text))
}
texts('the line ends of another system', () => assert.is(visible('a\r\nb'), 'a\nb'))
texts.run()

/** Where a log writes to. */
function stream(isTTY: boolean) {
  const written: string[] = []
  return {
    written,
    stream: { isTTY, columns: 400, write: (text: string) => written.push(text) > 0 } as unknown as NodeJS.WriteStream,
  }
}

const outlets = suite('at the outlet')
for (const isTTY of [true, false]) {
  for (const level of ['info', 'warn', 'error', 'debug'] as const) {
    outlets(`log.${level}${isTTY ? ' in a terminal' : ''}`, () => {
      const { stream: to, written } = stream(isTTY)
      createLog({ stream: to, live: false, debug: true })[level](ALL)
      assert.match(written.join(''), SHOWN)
    })
  }
  outlets(`an activity's title, progress and end${isTTY ? ' in a terminal' : ''}`, () => {
    const { stream: to, written } = stream(isTTY)
    const activity = createLog({ stream: to, live: isTTY }).activity(`a\nb${ALL}`)
    activity.update(`c\nd${ALL}`)
    activity.done(ALL)
    for (const text of written) {
      // What draws the live line is ours.
      const drawn = text.replaceAll('\r\u001b[2K', '')
      isSeen(withoutColour(drawn))
      if (isTTY) assert.not.match(drawn.replace(/\n$/, ''), /\n[^ ]/)
    }
  })
}
outlets("the run's log file: and no text makes a line of its own", () => {
  const folder = mkdtempSync(join(tmpdir(), 'threads-ops-visible-'))
  try {
    const log = createLog({ stream: stream(false).stream, live: false })
    log.toFile(join(folder, 'log.txt'))
    log.info(`${ALL}\n2026-01-01T00:00:00.000Z info all is well`)
    const lines = readFileSync(join(folder, 'log.txt'), 'utf8').trimEnd().split('\n')
    assert.match(lines[0] ?? '', SHOWN)
    assert.match(lines[1] ?? '', /^ {2}2026/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

/** What a script with this outcome writes to stdout. */
async function printed(argv: string[]): Promise<string> {
  const { write } = process.stdout
  let said = ''
  process.stdout.write = ((text: string) => {
    said += text
    return true
  }) as typeof write
  try {
    await runScript({ name: 'x', summary: 'x', run: async () => ({ text: ALL, document: { said: ALL } }) }, argv)
  } finally {
    process.stdout.write = write
  }
  return said
}
outlets('the result for people', async () => assert.is(await printed([]), `${SHOWN}\n`))
outlets('the result for programs, with the same value', async () => {
  const said = await printed(['--json'])
  isSeen(said)
  assert.is(JSON.parse(said).said, ALL)
})
outlets('a journal, with the same value', async () => {
  const journal = await openJournal({
    ...{ verb: 'visible', env: 'test', operator: ALL, gitSha: 'x', args: { all: ALL }, now: new Date(0) },
  })
  try {
    const text = readFileSync(join(journal.directory, 'journal.json'), 'utf8')
    isSeen(text)
    assert.equal(JSON.parse(text).args, { all: ALL })
  } finally {
    rmSync(journal.directory, { recursive: true })
  }
})
outlets('a table: a cell is one line, and columns stay columns', () => {
  const lines = table(['A', 'B'], [[`x\ny\t${ALL}`, 'z']]).split('\n')
  assert.is(lines.length, 2)
  assert.is(lines[1], `x y ${SHOWN}  z`)
})
outlets.run()

const MARKUP = '<img src=x onerror=y> `code` | [a](http://b) *c* ![d](e)\nf'
const reports = suite('reports')
const report = () => {
  const facts = { ...passedFacts(), leftovers: [`${ALL}${MARKUP}`] }
  const made = reportOf(journalOf({ ...facts, conclusion: concluded(facts) }), rebuild)
  if (!made) throw new Error('no report')
  made.operator = `${ALL}${MARKUP}`
  for (const bar of made.timeline.bars) bar.title = `${ALL}${MARKUP}`
  for (const check of made.checks) check.says = `${ALL}${MARKUP}`
  made.reasons.push(`${ALL}${MARKUP}`)
  for (const row of made.proof?.rows ?? []) row.before = '`x`|<b>'
  return made
}
reports('markdown', () => {
  const text = drillMarkdown(report())
  isSeen(text)
  assert.match(text, '| `` `x`\\|<b> `` |')
  for (const raw of ['<img', ' | [a]', '[a](', '![d]', '`code`']) {
    for (let at = text.indexOf(raw); at >= 0; at = text.indexOf(raw, at + 1))
      assert.is(text[at - 1], '\\', `${raw} in …${text.slice(at - 20, at + 20)}…`)
  }
})
reports('HTML', () => {
  const text = drillHtml(report())
  isSeen(text)
  assert.not.match(text, '<img')
})
reports.run()
