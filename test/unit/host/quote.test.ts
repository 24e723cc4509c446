import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commandLine } from '../../../lib/host/quote.ts'

const lines = suite('commandLine')
for (const [why, command, sudo, expected] of [
  ['words', ['k0s', 'start'], false, 'k0s start'],
  ['as root', ['k0s', 'start'], true, 'sudo -n -- k0s start'],
  ['a script with an argument', { script: 'echo "$1"', args: ['a b'] }, false, `sh -c 'echo "$1"' sh 'a b'`],
  ['a script as root', { script: 'id' }, true, 'sudo -n -- sh -c id sh'],
] as const) {
  lines(why, () => assert.is(commandLine(command, { sudo }), expected))
}
lines.run()
