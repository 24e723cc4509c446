import { execFileSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { quote } from '../../../lib/model/shell.ts'

const quoting = suite('quote: a shell reads back the same words')
for (const [why, words] of [
  ['plain words', ['k0s', 'start']],
  ['an empty word', ['', 'x']],
  ['spaces and tabs', ['a b', '\t']],
  ['quotes of both kinds', [`it's`, '"so"', `'`, `''`]],
  ['what a shell would expand', ['$HOME', '`id`', '$(id)', '~', '*', '{a,b}', '!1']],
  ['what would end the command', ['a;b', 'a&b', 'a|b', '#', '\n', '>x']],
  ['a backslash at the end', ['\\', 'a\\']],
  ['no ASCII', ['täglich', '日本']],
  ['a flag with a flag in it', ['--kubelet-extra-args=--hostname-override=vm']],
] as const) {
  quoting(why, () => {
    const output = execFileSync('sh', ['-c', `printf '%s\\0' ${quote(words)}`], { encoding: 'utf8' })
    assert.equal(output.split('\0').slice(0, -1), [...words])
  })
}
quoting.run()
