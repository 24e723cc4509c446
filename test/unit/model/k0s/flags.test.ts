import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseStatus } from '../../../../lib/model/k0s/facts.ts'
import { flagChanges, parseFlags, parseUnit } from '../../../../lib/model/k0s/flags.ts'
import { installFlags } from '../../../../lib/model/k0s/plan.ts'

const parses = suite('parseFlags')
for (const [why, words, expected] of [
  ['a switch', ['--single'], { single: 'true' }],
  ['a switch with its value', ['--single=true'], { single: 'true' }],
  ['a switch that is off is none', ['--single=false'], {}],
  ['a value after a space', ['--config', '/a b'], { config: '/a b' }],
  ['a short name', ['-c', '/x', '--single'], { config: '/x', single: 'true' }],
  [
    'a value that is a flag',
    ['--kubelet-extra-args=--hostname-override=vm'],
    { 'kubelet-extra-args': '--hostname-override=vm' },
  ],
  ['a switch that this release has and the next word', ['--enable-metrics-scraper', 'x'], { 'enable-metrics-scraper': 'true' }],
  ['a flag that nobody knows, before another one', ['--novel', '--single'], { novel: 'true', single: 'true' }],
  ['a flag that nobody knows, at the end', ['--single', '--novel'], { novel: 'true', single: 'true' }],
  ['a flag that nobody knows, with a value', ['--novel', 'x'], { novel: 'x' }],
  [
    'a value that begins with a dash, after a space',
    ['--kubelet-extra-args', '--hostname-override=vm', '--single'],
    { 'kubelet-extra-args': '--hostname-override=vm', single: 'true' },
  ],
  ["a switch's value as Go reads it", ['--single=1', '--no-taints=F', '--debug=TRUE'], { single: 'true', debug: 'true' }],
  ['short names in one word', ['-dv', '-c/x'], { debug: 'true', verbose: 'true', config: '/x' }],
  ['names that every object has', ['--constructor', '--single'], { constructor: 'true', single: 'true' }],
  ['the command itself', ['/usr/local/bin/k0s', 'controller', '--single=true'], { single: 'true' }],
] as const) {
  parses(why, () => assert.equal(parseFlags(words), expected))
}
parses.run()

const changes = suite('flagChanges')
for (const [why, current, wanted, expected] of [
  ['none', { single: 'true', config: '/x' }, { config: '/x', single: 'true' }, []],
  ['one more', {}, { single: 'true' }, ['--single: add true']],
  ['one less', { labels: 'a=b' }, {}, ['--labels: remove']],
  ['another value', { config: '/x' }, { config: '/y' }, ['--config: /x → /y']],
] as const) {
  changes(why, () => assert.equal(flagChanges(current, wanted), expected))
}
const SWITCHES_UNIT = readFileSync(new URL('switches.service', import.meta.url), 'utf8')
changes('a unit with a switch that it should not have', () =>
  assert.equal(flagChanges(parseFlags(parseUnit(SWITCHES_UNIT).args), parseFlags([...installFlags('threads-vm')])), [
    '--enable-metrics-scraper: remove',
  ]),
)
changes('a status that spells its switches out', () => {
  const status = parseStatus(readFileSync(new URL('switches.status.json', import.meta.url), 'utf8'))
  const wanted = ['--enable-dynamic-config', '--single', '--enable-metrics-scraper']
  assert.equal(
    flagChanges(parseFlags(status?.args ?? []), parseFlags([...wanted, '--labels=k0s-role=controller,acme/region=r1'])),
    [],
  )
})
changes.run()

const UNIT = String.raw`[Service]
Environment="HTTP_PROXY=http://proxy:3128" PLAIN=1
Environment=EMPTY=
ExecStart=/usr/local/bin/k0s controller --config=/etc/k0s/k0s.yaml "--kubelet-extra-args=--a=1 --b=\"x y\"" \
    --profile 'big one' --format=%%h
ExecStartPre=/bin/true
`

const units = suite('parseUnit')
units('reads command and environment as systemd quotes them', () => {
  assert.equal(parseUnit(UNIT), {
    args: [
      ...['controller', '--config=/etc/k0s/k0s.yaml', '--kubelet-extra-args=--a=1 --b="x y"'],
      ...['--profile', 'big one', '--format=%h'],
    ],
    environment: { HTTP_PROXY: 'http://proxy:3128', PLAIN: '1', EMPTY: '' },
  })
})
units('a unit that says nothing', () => assert.equal(parseUnit(''), { args: [], environment: {} }))
units.run()
