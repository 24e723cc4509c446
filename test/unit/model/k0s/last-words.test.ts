import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { lastWords } from '../../../../lib/model/k0s/last-words.ts'

const words = suite('lastWords')
for (const [why, journal, expected] of [
  ['nothing', '', undefined],
  ['the last of several', 'time="1" level=info msg="one"\ntime="2" msg="two words" component=etcd', 'two words'],
  ['one word without quotes', 'Nov 24 22:00:01 vm k0s[7]: time="2" level=info msg=starting', 'starting'],
  ['quotes inside', 'msg="no such file: \\"/etc/k0s/k0s.yaml\\""', 'no such file: "/etc/k0s/k0s.yaml"'],
  [
    'a component’s own line after it',
    'msg="etcd: started"\n{"level":"warn","msg":"slow"}\nI1124 1 main.go:1] up',
    'etcd: started',
  ],
  ['nobody’s but a component’s', 'I1124 22:00:01 1 main.go:1] up', undefined],
  ['more than fits', `msg="${'x'.repeat(200)}"`, `${'x'.repeat(99)}…`],
] as const) {
  words(why, () => assert.is(lastWords(journal), expected))
}
words.run()
