import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connect } from '../../../lib/host/connection.ts'
import { failureOf } from '../support/layers.ts'

const directory = mkdtempSync(join(tmpdir(), 'ssh-keys-'))
const path = (name: string) => join(directory, name)
const keygen = (name: string, ...more: string[]) => {
  execFileSync('ssh-keygen', ['-q', '-f', path(name), ...more])
  return name
}
const ed25519 = ['-t', 'ed25519']
keygen('id', ...ed25519, '-N', '')
keygen('pkcs8', '-t', 'rsa', '-b', '2048', '-m', 'PKCS8', '-N', '')
keygen('pkcs8-locked', '-t', 'rsa', '-b', '2048', '-m', 'PKCS8', '-N', 'correct horse')
keygen('locked', ...ed25519, '-N', 'correct horse')
keygen('chacha', ...ed25519, '-N', 'correct horse', '-Z', 'chacha20-poly1305@openssh.com')
writeFileSync(path('nonsense'), 'nonsense')
writeFileSync(path('empty'), '')
mkdirSync(path('folder'))

const keys = suite('an SSH key file that can’t be used')
keys.after(() => rmSync(directory, { recursive: true }))
for (const [name, message, hint] of [
  ['id.pub', /public half/, /name .*\/id, /],
  ['pkcs8', /PKCS#8/, /ssh-keygen -p -f/],
  ['pkcs8-locked', /PKCS#8/, /ssh-keygen -p -f/],
  ['locked', /passphrase/, /ssh-add/],
  ['chacha', /passphrase/, /ssh-add/],
  ['nonsense', /not an SSH private key/, /ssh-keygen/],
  ['empty', /not an SSH private key/, /ssh-keygen/],
  ['folder', /folder/, /file/],
  ['missing', /there is no SSH key/, /ssh-keygen/],
] as const) {
  keys(`${name}: at once`, async () => {
    const failure = await failureOf(
      connect({
        name: 'vm',
        dial: async () => new PassThrough(),
        user: 'ops',
        identityFile: path(name),
        hostKeys: ['ssh-ed25519 AAAA'],
        signal: new AbortController().signal,
        log: { debug: () => undefined },
        within: 3000,
      }),
    )
    assert.is(failure.code, 4)
    assert.match(failure.message, message)
    assert.match(failure.hint, hint)
  })
}
keys.run()
