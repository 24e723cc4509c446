import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { flagChanges, parseFlags, parseUnit } from '../../../../lib/model/k0s/flags.ts'

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
