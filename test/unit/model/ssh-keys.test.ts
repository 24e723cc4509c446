import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withOperatorKeys } from '../../../lib/model/ssh-keys.ts'

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
