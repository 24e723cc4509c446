import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadEnvironment } from '../../../lib/config/load.ts'
import { givenExports, givenValues } from '../../../lib/operation/given-values.ts'
import { redact } from '../../../lib/runtime/redact.ts'
import { failureOf } from '../support/layers.ts'

const prod = await loadEnvironment('prod')
const directory = mkdtempSync(join(tmpdir(), 'given-'))
const file = (content: string) => {
  const path = join(directory, 'token')
  writeFileSync(path, content)
  return path
}
const given = (variables: Record<string, { env?: string; file?: string }>) =>
  givenValues({ name: 'prod', terraform: { ...prod.terraform, variables } })

const values = suite('values that are in no file of the tree')
values.after(() => rmSync(directory, { recursive: true }))
values.after.each(() => {
  delete process.env.THREADS_TEST_TOKEN
})

values('from the environment, and from then on in no text', async () => {
  process.env.THREADS_TEST_TOKEN = 'a-secret-of-the-shell'
  assert.is(await given({ token: { env: 'THREADS_TEST_TOKEN' } }).read('token'), 'a-secret-of-the-shell')
  assert.is(redact('it is a-secret-of-the-shell'), 'it is [redacted]')
})
for (const [what, content, expected] of [
  ['as it is', 'a-secret-in-a-file', 'a-secret-in-a-file'],
  ['without the line break at its end', 'a-secret-in-a-file\n', 'a-secret-in-a-file'],
  ['nor that of Windows', 'a-secret-in-a-file\r\n', 'a-secret-in-a-file'],
  ['with those within', 'a-key\nof two lines\n', 'a-key\nof two lines'],
] as const) {
  values(`from a file, ${what}`, async () => {
    assert.is(await given({ token: { file: file(content) } }).read('token'), expected)
    assert.is(redact(`it is ${expected}`), 'it is [redacted]')
  })
}

for (const [what, source, message, hint] of [
  [
    'a variable that is not set',
    { env: 'THREADS_TEST_TOKEN' },
    'the variable THREADS_TEST_TOKEN is not set',
    /export THREADS_TEST_TOKEN/,
  ],
  ['a file that is missing', { file: join(directory, 'none') }, 'is missing or empty', /write the value into it/],
  ['a file that is empty', { file: file('\n') }, 'is missing or empty', /write the value into it/],
] as const) {
  values(`${what} is said with its place`, async () => {
    if ('file' in source && !source.file.endsWith('none')) file('\n')
    const error = await failureOf(given({ token: source }).read('token'))
    assert.is(error.code, 3)
    assert.match(error.message, /^environments\/prod\.yaml:\d+:\d+: terraform\.variables\.token: /)
    assert.match(error.message, message)
    assert.match(error.hint, hint)
  })
}
values('a variable that is empty counts as not set', async () => {
  process.env.THREADS_TEST_TOKEN = ''
  assert.is((await failureOf(given({ token: { env: 'THREADS_TEST_TOKEN' } }).read('token'))).code, 3)
})

values('plain Terraform gets them from the shell, which alone reads them', () => {
  process.env.THREADS_TEST_TOKEN = "it's $a secret"
  const path = join(directory, "a file's")
  writeFileSync(path, 'a-secret-in-a-file\n')
  const variables = {
    token: { env: 'THREADS_TEST_TOKEN' },
    key: { file: path },
    gone: { env: 'THREADS_TEST_GONE' },
    none: { file: `${path}-` },
  }
  const lines = givenExports({ terraform: { ...prod.terraform, variables } })
  assert.not.match(lines.join('\n'), 'secret')
  const script = `set -eu\n${lines.join('\n')}\necho "$TF_VAR_token $TF_VAR_key \${TF_VAR_gone-unset} \${TF_VAR_none-unset}"`
  assert.is(execFileSync('sh', ['-c', script], { encoding: 'utf8' }), "it's $a secret a-secret-in-a-file unset unset\n")
})
values.run()
