import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isWanting, validityIn, withOperatorKeys, withOwnKey } from '../../../lib/model/ssh-keys.ts'

const keys = suite('ssh-keys of the VM')

const [ops, colleague] = ['ops:ssh-ed25519 AAAA managed-by=threads-ops', 'eve:ssh-ed25519 BBBB eve@x managed-by=threads-ops']
const gcloud = 'me:ssh-rsa CCCC me@laptop'

const cases: [string, string, string[], string][] = [
  ['an empty entry', '', [ops, colleague], `${ops}\n${colleague}`],
  ["another's key stays", gcloud, [ops], `${gcloud}\n${ops}`],
  ['nothing to do', `${ops}\n${gcloud}`, [ops], `${ops}\n${gcloud}`],
  ['a new operator', `${ops}\n${gcloud}`, [ops, colleague], `${ops}\n${gcloud}\n${colleague}`],
  ['one who has left', `${colleague}\n${ops}\n${gcloud}`, [ops], `${ops}\n${gcloud}`],
  ['no operators', `${ops}\n${gcloud}`, [], gcloud],
]
for (const [what, current, operators, wanted] of cases) {
  keys(what, () => assert.is(withOperatorKeys(current, operators), wanted))
}
keys.run()

const NOW = new Date('2026-11-29T16:00:00.500Z')
const OWN = { user: 'tpo', key: 'ssh-rsa KKKK' }
const until = (expireOn: string, line = 'tpo:ssh-rsa KKKK') =>
  `${line} google-ssh {"userName":"${line.split(':')[0]}","expireOn":"${expireOn}"}`
const at = (time: string) => ({ until: Date.parse(time) })

const valid = suite('how long a key lets in')
for (const [what, lines, validity] of [
  ['nothing', '', undefined],
  ['for good', 'tpo:ssh-rsa KKKK', {}],
  ['for good, with a comment', ' tpo:ssh-rsa KKKK me@laptop of mine\r', {}],
  ['for good, as an operator', 'tpo:ssh-rsa KKKK managed-by=threads-ops', {}],
  ['until a time', until('2026-11-30T04:00:00+0000'), at('2026-11-30T04:00:00Z')],
  ['until a time of another zone', until('2026-11-30T12:00:00+0800'), at('2026-11-30T04:00:00Z')],
  ['until a time in another form', until('2026-11-30T04:00:00Z'), at('2026-11-30T04:00:00Z')],
  [
    'the longest counts',
    `${until('2026-11-30T04:00:00+0000')}\n${until('2026-11-29T17:00:00+0000')}`,
    at('2026-11-30T04:00:00Z'),
  ],
  ['for good goes before a time', `${until('2026-11-30T04:00:00+0000')}\ntpo:ssh-rsa KKKK`, {}],
  ['expired', until('2026-11-29T16:00:00+0000'), undefined],
  ['without its time', 'tpo:ssh-rsa KKKK google-ssh', undefined],
  ['with a time that is none', until('tomorrow'), undefined],
  ['with what is not JSON', 'tpo:ssh-rsa KKKK google-ssh {expireOn', undefined],
  ["another user's", 'eve:ssh-rsa KKKK', undefined],
  ['another key', 'tpo:ssh-rsa LLLL', undefined],
  ['another type', 'tpo:ssh-ed25519 KKKK', undefined],
  ['a part of the key', 'tpo:ssh-rsa KKKKK', undefined],
] as const) {
  valid(what, () => assert.equal(validityIn(lines, OWN, NOW), validity))
}
for (const [what, validity, wanting] of [
  ['not there', undefined, true],
  ['for good', {}, false],
  ['for some hours', at('2026-11-29T19:00:00Z'), false],
  ['for some minutes', at('2026-11-29T16:30:00Z'), true],
] as const) {
  valid(`is it wanting: ${what}`, () => assert.is(isWanting(validity, NOW), wanting))
}
valid.run()

const NEW = until('2026-11-30T04:00:00+0000')
const own = suite('ssh-keys with one’s own key')
for (const [what, current, wanted] of [
  ['none yet', '', NEW],
  ['others stay', `${ops}\n${gcloud}`, `${ops}\n${gcloud}\n${NEW}`],
  ['others stay byte for byte', `\n ${gcloud} \r\n\n${ops}\n`, `\n ${gcloud} \r\n\n${ops}\n${NEW}`],
  [
    'others that have expired stay, too',
    until('2020-01-01T00:00:00+0000', 'eve:ssh-rsa KKKK'),
    `${until('2020-01-01T00:00:00+0000', 'eve:ssh-rsa KKKK')}\n${NEW}`,
  ],
  ['there for good', `tpo:ssh-rsa KKKK me@laptop\n`, `tpo:ssh-rsa KKKK me@laptop\n`],
  ['there for hours', until('2026-11-29T18:00:00+0000'), until('2026-11-29T18:00:00+0000')],
  ['one that has expired is replaced', `${until('2026-11-01T04:00:00+0000')}\n${gcloud}`, `${gcloud}\n${NEW}`],
  ['one that expires soon is replaced', `${gcloud}\n${until('2026-11-29T16:30:00+0000')}`, `${gcloud}\n${NEW}`],
  ['so are several', `${until('2026-11-01T04:00:00+0000')}\n${until('2026-11-02T04:00:00+0000')}`, NEW],
  ['another user of the same key', 'eve:ssh-rsa KKKK', `eve:ssh-rsa KKKK\n${NEW}`],
  ['what is no key', 'nonsense', `nonsense\n${NEW}`],
] as const) {
  own(what, () => assert.is(withOwnKey(current, OWN, NOW), wanted))
}
own('done once is done', () => {
  const once = withOwnKey(gcloud, OWN, NOW)
  assert.is(withOwnKey(once, OWN, NOW), once)
})
own.run()
