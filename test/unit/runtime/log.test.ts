import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mock } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createLog } from '../../../lib/runtime/log.ts'
import { neverShow } from '../../../lib/runtime/redact.ts'

/** A terminal that only remembers. */
function terminal(columns: number) {
  const written: string[] = []
  const stream = { isTTY: true, columns, write: (text: string) => written.push(text) > 0 } as unknown as NodeJS.WriteStream
  return { stream, written, shown: () => written.map(text => stripVTControlCharacters(text).replace('\r', '')) }
}

const log = suite('log')

log('a live line never wraps, and ends its colours', () => {
  const { stream, written, shown } = terminal(30)
  const activity = createLog({ stream, live: true }).activity('Layer 01-k8s')
  activity.update('create module.argocd.helm_release.this')
  createLog({ stream, live: true }).activity('A title that is longer than the whole line is')
  activity.done()
  for (const line of shown()) for (const part of line.split('\n')) assert.ok(part.length < 30 || part.includes('✔'), part)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this is about
  for (const text of written) assert.not.match(text.replace(/\u001b\[[\d;]*[A-Za-z]/g, ''), /\u001b/)
})

log('elsewhere it is one line when it ends, with the time', () => {
  const { stream, shown } = terminal(80)
  createLog({ stream, live: false }).activity('State bucket').skipped('nothing to do')
  assert.is(shown().length, 1)
  assert.match(shown()[0] ?? '', /^\d\d:\d\d:\d\d ✓ State bucket · nothing to do\n$/)
})

log('elsewhere it says each 15 s what it is at', () => {
  mock.timers.enable({ apis: ['setInterval'] })
  try {
    const { stream, shown } = terminal(80)
    const activity = createLog({ stream, live: false }).activity('Layer 01-k8s')
    mock.timers.tick(14_999)
    assert.equal(shown(), [])
    activity.update('create')
    mock.timers.tick(15_001)
    activity.done()
    mock.timers.tick(60_000)
    const lines = shown().map(line => line.slice('00:00:00 '.length))
    assert.equal(lines, ['  Layer 01-k8s: create (0.0 s)\n', '  Layer 01-k8s: create (0.0 s)\n', '✔ Layer 01-k8s 0.0 s\n'])
  } finally {
    mock.timers.reset()
  }
})

for (const live of [true, false]) {
  log(`what is cleared leaves nothing, ${live ? 'in a terminal' : 'and elsewhere shows nothing'}`, () => {
    mock.timers.enable({ apis: ['setInterval'] })
    try {
      const { stream, shown } = terminal(80)
      createLog({ stream, live }).activity('Layer 01-k8s').cleared()
      const written = shown().length
      mock.timers.tick(60_000)
      assert.is(shown().length, written)
      if (!live) assert.is(written, 0)
      else assert.is(shown().at(-1), '')
    } finally {
      mock.timers.reset()
    }
  })
}

log('quiet shows only what is wrong', () => {
  const { stream, shown } = terminal(80)
  const quiet = createLog({ stream, live: false, quiet: true })
  quiet.info('a')
  quiet.warn('b')
  quiet.error('c')
  assert.is(shown().length, 2)
})

log('quiet in a terminal draws no live line either', () => {
  const { stream, shown } = terminal(80)
  const activity = createLog({ stream, live: true, quiet: true }).activity('Layer 01-k8s')
  activity.update('create')
  activity.done()
  assert.equal(shown(), [])
})

log('the file has the whole story, without colours, for its owner alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'threads-ops-test-'))
  try {
    const { stream } = terminal(80)
    const file = join(folder, 'log.txt')
    const detailed = createLog({ stream, live: true, debug: true })
    detailed.chalk.level = 1
    detailed.toFile(file)
    detailed.debug('in detail')
    detailed.warn('careful')
    const activity = detailed.activity('Layer 01-k8s')
    activity.update('create')
    activity.done('3 changes')
    const story = readFileSync(file, 'utf8')
    for (const [level, text] of [
      ['debug', 'in detail'],
      ['warn', 'careful'],
      ['debug', 'Layer 01-k8s: begins'],
      ['debug', 'Layer 01-k8s: create'],
      ['info', 'Layer 01-k8s 0.0 s · 3 changes'],
    ]) {
      assert.match(story, new RegExp(`^\\S+Z ${level} ${text}$`, 'm'))
    }
    assert.is(story, stripVTControlCharacters(story))
    assert.is(statSync(file).mode & 0o777, 0o600)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

log('secrets are never shown', () => {
  const { stream, shown } = terminal(80)
  neverShow('a-very-secret-token')
  createLog({ stream, live: false }).info('the token is a-very-secret-token')
  assert.not.match(shown().join(''), 'a-very-secret-token')
})

log.run()
