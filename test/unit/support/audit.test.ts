import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Audited, signaturesIn, type Verdict, vulnerabilitiesIn } from './audit.ts'

const said = (document: unknown): Audited => ({ stdout: JSON.stringify(document), stderr: '' })
const tests = suite('what npm audit says')
const cases: [string, (audited: Audited) => Verdict, Audited, Verdict['verdict'], RegExp][] = [
  ['all are signed', signaturesIn, said({ invalid: [], missing: [] }), 'right', /^signatures: checked/],
  [
    'a wrong signature',
    signaturesIn,
    said({ invalid: [{ name: 'a', version: '1.0.0' }], missing: [] }),
    'wrong',
    /a@1\.0\.0 has a wrong one/,
  ],
  [
    'no signature',
    signaturesIn,
    said({ invalid: [], missing: [{ name: 'a', version: '1.0.0' }] }),
    'wrong',
    /a@1\.0\.0 has none/,
  ],
  ['no answer in time', signaturesIn, { stdout: '', stderr: '', isLate: true }, 'unchecked', /not checked.*took too long/],
  [
    'an error',
    signaturesIn,
    said({ error: { code: 'ENOTFOUND', summary: 'request to https://r failed' } }),
    'unchecked',
    /not checked.*request to https:\/\/r failed/,
  ],
  ['no npm', signaturesIn, { stdout: '', stderr: 'spawn npm ENOENT' }, 'unchecked', /not checked.*ENOENT/],
  ['nothing at all', signaturesIn, { stdout: '', stderr: '' }, 'unchecked', /not checked.*said nothing/],
  ['null', signaturesIn, said(null), 'unchecked', /not checked/],
  ['nothing known', vulnerabilitiesIn, said({ vulnerabilities: {} }), 'right', /^vulnerabilities: checked, none known/],
  [
    'a moderate one',
    vulnerabilitiesIn,
    said({ vulnerabilities: { a: { severity: 'moderate' } } }),
    'right',
    /checked, .*; lesser ones in a$/,
  ],
  ['a high one', vulnerabilitiesIn, said({ vulnerabilities: { a: { severity: 'high' } } }), 'wrong', /a \(high\)/],
  [
    'a registry that has no such service',
    vulnerabilitiesIn,
    said({ message: '405 Method Not Allowed', statusCode: 405 }),
    'unchecked',
    /not checked.*405/,
  ],
]
for (const [name, read, audited, verdict, says] of cases) {
  tests(name, () => {
    const found = read(audited)
    assert.is(found.verdict, verdict)
    assert.match(found.says, says)
  })
}
tests.run()
